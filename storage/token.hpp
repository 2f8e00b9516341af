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
  std::vector<ShopId> shops;  // staff: only these; empty: all
  Instant created_at;
  std::optional<Instant> expires_at;
  std::optional<std::string> person{};  // who works with it, also with the token that replaces it
};

/// Returns: whether the token may write readings of this shop, and read who wrote them.
bool covers(const Token& token, ShopId shop);

/// Returns: a new secret, `coda_` and 43 characters of base64url (256 random bits).
std::string make_token_secret();

/// Returns: the hash of the secret; nullopt when make_token_secret() cannot have made this text, so
/// that it is refused without a query.
std::optional<TokenHash> hash_token_secret(std::string_view secret);

}  // namespace codasync::storage
