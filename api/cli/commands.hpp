#pragma once

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "api/export_format.hpp"
#include "config/settings/settings.hpp"
#include "storage/export.hpp"
#include "storage/import/import.hpp"
#include "storage/token.hpp"

// The subcommands. Each returns the program's exit status and reports to a person on stderr; stdout
// is for data that another program may read. Requires: the settings have no problems, except for
// check(). Throws: Unavailable, and the other exceptions of storage/.

namespace codasync::api::cli {

inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kMisused = 2;
inline constexpr int kRefusedSome = 3;  // of an import: rows were refused, others were taken

int migrate(const config::Settings& settings);

struct CheckDepth {
  bool deep{false};    // also compare every reading with its events, and every entry of the cache
                       // with the database
  bool repair{false};  // and repair differences
};
/// Prints the effective settings with their sources, checks PostgreSQL and each Memcached server,
/// and reports all problems, each with what to do. `json`: as one object on stdout. Returns: kDone
/// without problems, or when all differences were repaired.
int check(const config::Loaded& loaded, const CheckDepth& depth, bool json);

/// The deep part of check(). Prints each difference on `out`. Returns: a sentence for each problem
/// that was not repaired.
std::vector<std::string> check_deeply(const config::Settings& settings, bool repair,
                                      std::ostream& out);

/// Deletes events observed before the day (storage/ledger_retention.hpp).
int close_ledger(const config::Settings& settings, const std::string& before);

/// Prints whether the cache is on, and the state of each slot.
int cache_status(const config::Settings& settings, bool json);
/// Stops all fills. With `wait` it returns when all slots are down, which takes as long as the time
/// to live of an entry.
int cache_off(const config::Settings& settings, bool wait);
/// Allows fills again, in the slots of these settings, and waits up to 10 s until all are in use.
int cache_on(const config::Settings& settings);

struct TokenCreation {
  std::string name;
  storage::Role role{storage::Role::staff};
  std::vector<std::int64_t> shops;        // staff: only these; empty: all
  std::optional<std::string> expires_at;  // RFC 3339
  std::optional<std::string> person;
};
/// Prints the new token's secret on stdout. It is not stored.
int create_token(const config::Settings& settings, const TokenCreation& creation);
int list_tokens(const config::Settings& settings, bool json);
int revoke_token(const config::Settings& settings, std::int64_t id);

struct ExportTarget {
  storage::ExportKind kind{storage::ExportKind::products};
  ExportFormat format{ExportFormat::csv};
  std::vector<std::int64_t> shops;            // of readings and events: only these; empty: all
  std::optional<std::filesystem::path> file;  // nothing: stdout
};
/// Writes all records, of one snapshot of the database. Throws: std::runtime_error when the file
/// cannot be written.
int export_records(const config::Settings& settings, const ExportTarget& target);

/// What `codasync import products` and `import stock-readings` have to do.
struct ImportRequest {
  std::vector<std::filesystem::path> files;      // `-`: standard input
  std::optional<std::filesystem::path> refused;  // CSV file for refused rows; nothing: stderr
  storage::ImportOptions options;
  bool dry_run{false};
};
/// Each returns kDone when all rows were taken, kRefusedSome when some were refused, or some files;
/// kFailed when no row was taken.
int import_products(const config::Settings& settings, const ImportRequest& request);
int import_readings(const config::Settings& settings, const ImportRequest& request);
/// Imports exports of events, for readings without events. `options` and `dry_run` are not used.
int import_events(const config::Settings& settings, const ImportRequest& request);
/// Takes back what an import wrote. `id`: as the import printed it.
int undo_import(const config::Settings& settings, const std::string& id);
int import_demo(const config::Settings& settings);

}  // namespace codasync::api::cli
