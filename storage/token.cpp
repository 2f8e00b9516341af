#include "storage/token.hpp"

#include <openssl/rand.h>
#include <zlib.h>

#include <algorithm>
#include <stdexcept>

#include "storage/model/encoding.hpp"
#include "storage/sha256.hpp"

namespace codasync::storage {
namespace {

constexpr std::string_view kPrefix = "coda_";
constexpr std::size_t kRandomBytes = 32;
constexpr std::size_t kRandomCharacters = 43;
constexpr std::size_t kChecksumCharacters = 6;

std::string checksum(std::string_view text) {
  constexpr std::string_view kDigits =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  auto crc = crc32(0, reinterpret_cast<const Bytef*>(text.data()), static_cast<uInt>(text.size()));
  std::string digits(kChecksumCharacters, kDigits.front());
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit, crc /= kDigits.size())
    *digit = kDigits[crc % kDigits.size()];
  return digits;
}

}  // namespace

std::string_view name_of(Role role) {
  switch (role) {
    case Role::staff:
      return "staff";
    case Role::admin:
      return "admin";
  }
  __builtin_unreachable();
}

std::optional<Role> parse_role(std::string_view name) {
  for (const Role role : {Role::staff, Role::admin}) {
    if (name == name_of(role)) return role;
  }
  return std::nullopt;
}

bool covers(const Token& token, ShopId shop) {
  return token.shops.empty() ||
         std::find(token.shops.begin(), token.shops.end(), shop) != token.shops.end();
}

std::string make_token_secret() {
  std::string random(kRandomBytes, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(random.data()), kRandomBytes) != 1) {
    throw std::runtime_error{"OpenSSL has no random bytes"};
  }
  const auto secret = std::string{kPrefix} + to_base64url(random);
  return secret + checksum(secret);
}

std::optional<TokenHash> hash_token_secret(std::string_view secret) {
  if (!secret.starts_with(kPrefix)) return std::nullopt;
  const auto random = from_base64url(secret.substr(kPrefix.size(), kRandomCharacters));
  if (!random || random->size() != kRandomBytes) return std::nullopt;
  constexpr auto kWithoutChecksum = kPrefix.size() + kRandomCharacters;
  const bool intact =
      secret.size() == kWithoutChecksum ||
      secret.substr(kWithoutChecksum) == checksum(secret.substr(0, kWithoutChecksum));
  return intact ? std::optional{sha256(secret)} : std::nullopt;
}

}  // namespace codasync::storage
