#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/model/ids.hpp"
#include "storage/model/time.hpp"

namespace codasync::storage {

enum class Role { staff, admin };

std::string_view name_of(Role role);
std::optional<Role> parse_role(std::string_view name);

/// The operator at the command line: has no token and all rights.
inline constexpr TokenId kOperator{0};

/// SHA-256 of a token's secret; the secret itself is not stored.
using TokenHash = std::array<std::uint8_t, 32>;

/// An access token without its secret.
struct Token {
  TokenId id;
  std::string name;
  Role role;
  std::vector<ShopId> shops;  // staff: only these; empty: all. An admin has all
  Instant created_at;
  std::optional<Instant> expires_at;
  std::optional<std::string> person{};    // who works with it, also with the token that replaces it
  std::optional<Instant> last_used_at{};  // the hour of the newest use; nullopt: never used
};

/// Why a secret is not accepted.
struct TokenRefusal {
  enum Why { unknown, revoked, expired } why;
  std::optional<TokenId> id{};  // of the token, if there is one
};

/// Returns: whether the token may write readings of this shop, and read who wrote them. The only
/// place that decides it (api/README.md, "Access").
bool covers(const Token& token, ShopId shop);

/// Returns: a new secret: `coda_`, 43 characters of base64url (256 random bits), and a checksum of
/// these 48 in six characters: their CRC-32 in base 62 (digits, capital letters, small letters).
/// Prefix and checksum let scanners of repositories and logs recognise a secret that was published.
std::string make_token_secret();

/// Returns: the hash of the secret; nullopt for a text that is no secret: it is refused without a
/// query. A secret without the six characters is valid too: the first version made them so.
std::optional<TokenHash> hash_token_secret(std::string_view secret);

}  // namespace codasync::storage
