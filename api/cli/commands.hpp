#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "storage/import/rows.hpp"
#include "storage/token.hpp"

// What the subcommands do. Each returns the program's exit code and tells people on stderr what
// happened; stdout has only what another program may want. Requires: the settings have no problems,
// except for check(). Throws: Unavailable, and what else storage throws.

namespace codasync::api::cli {

inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kMisused = 2;

int migrate(const config::Settings& settings);

/// Prints the settings in force with their sources, asks PostgreSQL and each Memcached server, and
/// reports all problems.
int check(const config::Loaded& loaded);

struct TokenCreation {
  std::string name;
  storage::Role role{storage::Role::staff};
  std::vector<std::int64_t> shops;        // staff: only these; empty: all
  std::optional<std::string> expires_at;  // RFC 3339
};
/// Prints the new token's secret on stdout, for the only time.
int create_token(const config::Settings& settings, const TokenCreation& creation);
int list_tokens(const config::Settings& settings);
int revoke_token(const config::Settings& settings, std::int64_t id);

struct ImportSource {
  std::filesystem::path file;
  std::optional<std::filesystem::path> refused;  // where refused rows are listed; nothing: stderr
  storage::LostZeros lost_zeros{storage::LostZeros::refuse};
};
int import_products(const config::Settings& settings, const ImportSource& source);
int import_readings(const config::Settings& settings, const ImportSource& source);
int import_demo(const config::Settings& settings);

}  // namespace codasync::api::cli
