#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "config/settings/settings.hpp"
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

struct CheckDepth {
  bool deep{false};    // also compare every reading with its events, and every entry of the cache
                       // with the database
  bool repair{false};  // and mend what differs
};
/// Prints the settings in force with their sources, asks PostgreSQL and each Memcached server, and
/// reports all problems. Returns: kDone when nothing is wrong, or everything that differed was
/// mended.
int check(const config::Loaded& loaded, const CheckDepth& depth);

/// The deep part. Prints each difference on stdout. Returns: what is wrong and was not mended, in
/// sentences.
std::vector<std::string> check_deeply(const config::Settings& settings, bool repair);

/// Deletes events that were observed before the day, see storage/ledger_retention.hpp.
int close_ledger(const config::Settings& settings, const std::string& before);

/// Prints whether the cache is filled, and the state of each slot.
int cache_status(const config::Settings& settings);
/// Ends all fills. With `wait` it returns when all slots are down, which takes as long as an entry
/// lives.
int cache_off(const config::Settings& settings, bool wait);
/// Allows fills again, in the slots of these settings, and waits some seconds until they are in
/// use.
int cache_on(const config::Settings& settings);

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
