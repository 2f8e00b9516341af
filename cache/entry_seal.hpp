#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cache/key.hpp"
#include "cache/options.hpp"

namespace codasync::cache {

/// The keyed check of an entry, which the bytes in Memcached begin with: a MAC of its key, its
/// expiry and its content. A value that another program stored, a changed bit, and an entry that
/// was copied to another key or got another expiry have no valid seal, and are not used.
/// nginx/response_cache/seal.c has the same format:
///
///   entry = seal content
///   seal  = 16 octets: SipHash-2-4-128 (libsodium) of the content, with the derived key
///
/// The derived key is SipHash-2-4-128, with a key of the installation, of: one octet, 'p' when
/// every read needs a token and else 'o'; the flags of the entry, in 4 octets, the lowest first;
/// the key. Threads: safe concurrently.
class EntrySeal {
 public:
  static constexpr std::size_t kBytes = 16;
  static constexpr std::size_t kKeysMax = 4;

  /// Reads the keys of the installation. Throws: std::runtime_error for a file with a problem.
  explicit EntrySeal(const MemcachedOptions& options);

  /// Returns: the seal of what processes read whatever their setting of private reads is.
  [[nodiscard]] EntrySeal of_all_processes() const;

  /// Returns: the entry with this content.
  [[nodiscard]] std::string close(const Key& key, std::uint32_t flags,
                                  std::string_view content) const;

  /// Returns: the content, as a part of `entry`; empty when its seal is not valid under any key of
  /// the installation. No process stores an empty content.
  [[nodiscard]] std::string_view open(const Key& key, std::uint32_t flags,
                                      std::string_view entry) const;

 private:
  using Bytes = std::array<unsigned char, kBytes>;

  [[nodiscard]] Bytes seal(const Bytes& of_installation, const Key& key, std::uint32_t flags,
                           std::string_view content) const;

  unsigned char realm_;
  std::vector<Bytes> keys_;  // the first one closes, all open; at least one
};

}  // namespace codasync::cache
