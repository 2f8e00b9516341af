#include "storage/token.hpp"

#include <openssl/rand.h>

#include <algorithm>
#include <stdexcept>

#include "storage/sha256.hpp"

namespace codasync::storage {
namespace {

constexpr std::string_view kPrefix = "coda_";
constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::size_t kRandomBytes = 32;
constexpr std::size_t kCharacters = 43;  // 6 bits each; the last one has 4 that count

/// base64url without padding (RFC 4648, section 5).
std::string base64url(const std::array<std::uint8_t, kRandomBytes>& bytes) {
  std::string text;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const std::uint8_t byte : bytes) {
    bits = (bits << 8U) | byte;
    for (count += 8; count >= 6; count -= 6) text += kAlphabet[(bits >> (count - 6U)) & 63U];
  }
  return text += kAlphabet[(bits << (6U - count)) & 63U];
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
  std::array<std::uint8_t, kRandomBytes> bytes{};
  if (RAND_bytes(bytes.data(), kRandomBytes) != 1) {
    throw std::runtime_error{"the system has no random numbers"};
  }
  return std::string{kPrefix} + base64url(bytes);
}

std::optional<TokenHash> hash_token_secret(std::string_view secret) {
  if (secret.size() != kPrefix.size() + kCharacters || !secret.starts_with(kPrefix))
    return std::nullopt;
  const std::string_view random = secret.substr(kPrefix.size());
  const auto known = [](char c) { return kAlphabet.find(c) != std::string_view::npos; };
  if (!std::all_of(random.begin(), random.end(), known)) return std::nullopt;
  // Two bits of the last character are always zero.
  if (kAlphabet.find(random.back()) % 4 != 0) return std::nullopt;
  return sha256(secret);
}

}  // namespace codasync::storage
