#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cache/entry_seal.hpp"
#include "cache/options.hpp"
#include "cache/text_connection.hpp"
#include "storage/mutex.hpp"

namespace codasync::cache {

// One process is behind each slot. When a slot is emptied, a text that is never used again is
// stored there and in the database: the identity of the process. Every new connection reads it, so
// a second process at the same address (a load balancer, a name or socket that was taken over),
// another order of the servers, or another number of them is detected before the first command.

/// The identities of the slots, as the database has them. Threads: safe concurrently.
class SlotIdentities {
 public:
  void set(std::size_t slot, const std::string& identity);
  /// Returns: empty as long as it was not set.
  [[nodiscard]] std::string get(std::size_t slot) const;

 private:
  mutable Mutex mutex_;
  std::vector<std::string> all_ CODASYNC_GUARDED_BY(mutex_);  // by slot
};

/// Returns: a new identity of a slot: its number, the number of slots, and random digits.
std::string make_slot_identity(std::size_t slot, std::size_t slots);

/// Returns: whether two identities were made for one slot of equally many.
bool of_one_slot(std::string_view identity, std::string_view other);

/// Returns: the command that stores an identity in a server, where it stays.
std::string store_identity(const EntrySeal& seal, const std::string& identity);

/// Returns: the identity of the process at the other end; nothing without one.
/// Throws: TextFailure; no response within `timeout` is one.
std::optional<std::string> read_identity(TextConnection& connection, const EntrySeal& seal,
                                         std::chrono::milliseconds timeout);

/// Returns: the check of new connections to a slot, which all have to outlive. As long as the
/// identity of the slot is not set, every connection may be used.
CheckConnection check_of_identity(const SlotIdentities& identities, std::size_t slot,
                                  const EntrySeal& seal, std::chrono::milliseconds timeout);

/// For log lines.
inline constexpr const char* kAnotherProcess =
    "another Memcached process than the one that was emptied responds at this address";

}  // namespace codasync::cache
