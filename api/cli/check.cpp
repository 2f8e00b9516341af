#include <algorithm>
#include <chrono>
#include <iomanip>
#include <iostream>

#include "api/cli/commands.hpp"
#include "cache/entry_expiry.hpp"
#include "cache/inspect.hpp"
#include "storage/errors.hpp"
#include "storage/inspect.hpp"
#include "storage/model/time.hpp"

namespace codasync::api::cli {
namespace {

void print_settings(const config::Loaded& loaded) {
  std::size_t name_width{0};
  std::size_t value_width{0};
  for (const auto& each : loaded.effective) {
    name_width = std::max(name_width, each.name.size());
    value_width = std::max(value_width, each.value.size());
  }
  for (const auto& each : loaded.effective) {
    std::cout << std::left << std::setw(static_cast<int>(name_width) + 2) << each.name
              << std::setw(static_cast<int>(value_width) + 2) << each.value << each.source << "\n";
  }
}

/// Prints PostgreSQL's version, schema and clock. Returns: the problems found.
std::vector<std::string> check_postgres(const storage::PostgresOptions& options) try {
  const auto before = now();
  const auto state = storage::inspect(options);
  const auto after = now();
  const auto difference =
      std::chrono::duration<double>(state.clock - (before + (after - before) / 2)).count();
  std::cout << "PostgreSQL  " << state.server_version << ", schema " << state.schema << " of "
            << state.schema_expected << ", clock " << std::showpos << std::fixed
            << std::setprecision(3) << difference << std::noshowpos << " s\n";
  std::vector<std::string> found;
  if (state.schema < state.schema_expected)
    found.emplace_back("The schema is too old: run `codasync migrate`.");
  if (std::abs(difference) > static_cast<double>(cache::kClockDifferenceMax.count())) {
    found.emplace_back(
        "The clocks of this machine and of PostgreSQL differ by more than 2 s: synchronise them "
        "(NTP).");
  }
  if (!state.fsync) {
    found.emplace_back(
        "PostgreSQL has fsync = off: a crash of its machine can lose committed data and destroy "
        "the "
        "database. Run `alter system set fsync = on; select pg_reload_conf();` as a superuser.");
  }
  if (!state.synchronous_commit) {
    found.emplace_back(
        "PostgreSQL has synchronous_commit = off for this connection: a crash loses writes that "
        "were confirmed to clients, and readers then see older versions. Set it to on where it is "
        "set to off: postgresql.conf, ALTER SYSTEM, ALTER DATABASE, ALTER ROLE or the URL.");
  }
  return found;
} catch (const Unavailable& error) {
  return {error.what()};
}

/// Prints the version of each Memcached server. Returns: the problems found.
std::vector<std::string> check_memcached(const cache::MemcachedOptions& options) {
  std::vector<std::string> found;
  for (std::size_t slot = 0; slot < options.servers.size(); ++slot) {
    try {
      std::cout << "Memcached   " << cache::server_version(options, slot) << " at "
                << options.servers[slot] << "\n";
    } catch (const Unavailable& error) {
      found.emplace_back(error.what());
    }
  }
  return found;
}

}  // namespace

int check(const config::Loaded& loaded, const CheckDepth& depth) {
  print_settings(loaded);
  std::cout << "\n";
  auto found = loaded.problems;
  const auto add = [&](const std::vector<std::string>& more) {
    found.insert(found.end(), more.begin(), more.end());
  };
  const auto usable = [&](std::string_view section) {
    return std::ranges::none_of(loaded.problems,
                                [&](const auto& problem) { return problem.starts_with(section); });
  };
  if (usable("postgres.")) add(check_postgres(loaded.settings.postgres));
  if (usable("memcached.")) add(check_memcached(loaded.settings.memcached));
  if (depth.deep && found.empty()) add(check_deeply(loaded.settings, depth.repair));
  std::cout << std::flush;
  for (const auto& problem : found) std::cerr << "problem: " << problem << "\n";
  if (!loaded.problems.empty()) return kMisused;
  if (!found.empty()) return kFailed;
  std::cout << "No problems found.\n";
  return kDone;
}

}  // namespace codasync::api::cli
