#include "cache/entry_seal.hpp"

#include <sodium.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <fstream>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <system_error>

namespace codasync::cache {
namespace {

using Bytes = std::array<unsigned char, EntrySeal::kBytes>;

static_assert(EntrySeal::kBytes == crypto_shorthash_siphashx24_BYTES);
static_assert(EntrySeal::kBytes == crypto_shorthash_siphashx24_KEYBYTES);

constexpr std::size_t kFileBytesMax = 4096;
// Without a file: every program has it, so the seal shows damage only.
constexpr Bytes kPublicKey{};

constexpr unsigned char kOpenRealm = 'o';
constexpr unsigned char kPrivateRealm = 'p';

const unsigned char* octets(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Bytes hash(const Bytes& key, std::string_view text) {
  Bytes result;
  crypto_shorthash_siphashx24(result.data(), octets(text), text.size(), key.data());
  return result;
}

std::optional<Bytes> key_of(const std::string& digits) {
  Bytes key;
  std::size_t size = 0;
  const char* end = nullptr;
  const bool valid = digits.size() == 2 * key.size() &&
                     sodium_hex2bin(key.data(), key.size(), digits.data(), digits.size(), nullptr,
                                    &size, &end) == 0 &&
                     size == key.size();
  return valid ? std::optional{key} : std::nullopt;
}

struct KeyFile {
  std::vector<Bytes> keys;
  std::optional<std::string> problem;
};

KeyFile read_keys(const std::string& path) {
  errno = 0;
  std::ifstream file{path};
  std::string text(kFileBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.eof() && !file.good())
    return {{}, "it cannot be read: " + std::generic_category().message(errno)};
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kFileBytesMax) return {{}, "it is longer than any file of keys"};

  KeyFile found;
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.starts_with('#')) continue;
    const auto key = key_of(line);
    // Never the line itself: it may be a key with one wrong digit.
    if (!key) return {{}, "each line must be a key of 32 hexadecimal digits, a comment or empty"};
    found.keys.push_back(*key);
  }
  if (found.keys.empty() || found.keys.size() > EntrySeal::kKeysMax)
    return {{}, "it must have 1 to " + std::to_string(EntrySeal::kKeysMax) + " keys"};
  return found;
}

}  // namespace

EntrySeal::EntrySeal(const MemcachedOptions& options)
    : realm_{options.private_reads ? kPrivateRealm : kOpenRealm} {
  if (sodium_init() < 0) throw std::runtime_error{"libsodium cannot be used"};
  if (options.key_file.empty()) {
    keys_.push_back(kPublicKey);
    return;
  }
  auto file = read_keys(options.key_file);
  if (file.problem) throw std::runtime_error{options.key_file + ": " + *file.problem};
  keys_ = std::move(file.keys);
}

EntrySeal EntrySeal::of_all_processes() const {
  auto seal = *this;
  seal.realm_ = kOpenRealm;
  return seal;
}

std::string EntrySeal::close(const Key& key, std::uint32_t flags, std::string_view content) const {
  assert(!content.empty());
  const auto bytes = seal(keys_.front(), key, flags, content);
  std::string entry;
  entry.reserve(bytes.size() + content.size());
  entry.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return entry.append(content);
}

std::string_view EntrySeal::open(const Key& key, std::uint32_t flags,
                                 std::string_view entry) const {
  if (entry.size() <= kBytes) return {};
  const auto content = entry.substr(kBytes);
  const bool valid = std::ranges::any_of(keys_, [&](const Bytes& each) {
    return sodium_memcmp(seal(each, key, flags, content).data(), entry.data(), kBytes) == 0;
  });
  return valid ? content : std::string_view{};
}

EntrySeal::Bytes EntrySeal::seal(const Bytes& of_installation, const Key& key, std::uint32_t flags,
                                 std::string_view content) const {
  std::string about{static_cast<char>(realm_)};
  for (unsigned shift = 0; shift < 32; shift += 8)
    about += static_cast<char>((flags >> shift) & 0xff);
  return hash(hash(of_installation, about.append(key.text)), content);
}

std::optional<std::string> problem_of_key_file(const std::string& path) {
  return read_keys(path).problem;
}

}  // namespace codasync::cache
