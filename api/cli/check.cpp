#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <utility>

#include "api/cli/commands.hpp"
#include "cache/entry_expiry.hpp"
#include "cache/inspect.hpp"
#include "cache/server_control.hpp"
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

/// The results of a check, for a person and as JSON.
struct Report {
  std::vector<std::string> facts;  // lines for a person
  std::vector<std::string> problems;
  bool readable{true};  // what it is about can be compared by the deep check
};

std::string with_decimals(double number) {
  std::ostringstream text;
  text << std::showpos << std::fixed << std::setprecision(3) << number;
  return text.str();
}

constexpr const char* kWhereSet =
    " Change it where it is set: postgresql.conf, ALTER SYSTEM, ALTER DATABASE, ALTER ROLE or the "
    "URL; `select source, sourcefile from pg_settings where name = ";

std::string where_set(const std::string& name) {
  return kWhereSet + ("'" + name + "'") + "` shows it.";
}

/// Adds the problems of the settings of this database and role.
void check_durability(const storage::DatabaseState& state, std::vector<std::string>& problems) {
  if (!state.fsync) {
    problems.emplace_back(
        "PostgreSQL has fsync = off: a crash of its machine can lose committed data and destroy "
        "the database. Run `alter system set fsync = on; select pg_reload_conf();` as a "
        "superuser.");
  }
  if (state.synchronous_commit == "off") {
    problems.emplace_back(
        "PostgreSQL has synchronous_commit = off for this connection: a crash loses writes that "
        "were confirmed to clients, and readers then see older versions. Set it to on." +
        where_set("synchronous_commit"));
  } else if (state.has_standbys &&
             (state.synchronous_commit == "local" || state.synchronous_commit == "remote_write")) {
    problems.emplace_back("PostgreSQL has synchronous standbys, but synchronous_commit = " +
                          state.synchronous_commit +
                          " for this connection: a failover can lose confirmed writes. Set it to "
                          "on." +
                          where_set("synchronous_commit"));
  }
  if (state.isolation != "read committed") {
    problems.emplace_back("PostgreSQL has default_transaction_isolation = " + state.isolation +
                          " for this connection: statements outside of transactions can fail, or "
                          "see an older state. Set it to 'read committed'." +
                          where_set("default_transaction_isolation"));
  }
}

Report check_postgres(const storage::PostgresOptions& options) try {
  const auto before = now();
  const auto state = storage::inspect(options);
  const auto after = now();
  const auto difference =
      std::chrono::duration<double>(state.clock - (before + (after - before) / 2)).count();
  Report report;
  report.facts.push_back(
      "PostgreSQL  " + state.server_version + ", schema " + std::to_string(state.schema) + " of " +
      std::to_string(state.schema_expected) + ", clock " + with_decimals(difference) + " s");
  if (state.schema < state.schema_expected) {
    report.problems.emplace_back("The schema is too old: run `codasync migrate`.");
    report.readable = false;
  }
  if (std::abs(difference) > static_cast<double>(cache::kReaderClockDifferenceMax.count())) {
    report.problems.emplace_back(
        "The clock of PostgreSQL's machine is " +
        std::string{difference > 0 ? "ahead of" : "behind"} + " the clock of this machine by " +
        with_decimals(std::abs(difference)).substr(1) +
        " s, and more than 2 s are not allowed. Synchronise both (NTP): `timedatectl` shows "
        "whether a clock is synchronised.");
  }
  check_durability(state, report.problems);
  return report;
} catch (const Unavailable& error) {
  // The server's reason is in the first line, after the name of the dependency.
  std::string reason{error.what()};
  reason = reason.substr(0, reason.find('\n'));
  const auto name = error.dependency() + ": ";
  if (reason.starts_with(name)) reason.erase(0, name.size());
  if (reason.ends_with("session is read-only"))
    reason += " (it is a standby, or default_transaction_read_only is on)";
  return {{},
          {"PostgreSQL cannot be used: " + reason +
           "\n  Start it, or correct postgres.url (CODASYNC_POSTGRES_URL)."},
          false};
}

const char* explain(cache::Unreachable reason) {
  return reason == cache::Unreachable::refused ? "nothing listens there"
                                               : "it does not respond in time";
}

Report check_memcached(const cache::MemcachedOptions& options) {
  Report report;
  if (!options.servers.empty() && options.key_file.empty()) {
    report.problems.emplace_back(
        "memcached.key_file is not set: every program that reaches a Memcached server can store "
        "responses that clients then get. Make a file of keys (config/README.md, \"The keys of the "
        "cache\") and set it here and for Nginx.");
  }
  const auto control = cache::make_server_control(options);
  for (std::size_t slot = 0; slot < options.servers.size(); ++slot) {
    const auto& address = options.servers[slot];
    const auto failed = [&](const char* why) {
      report.readable = false;
      report.problems.push_back(
          "Memcached at " + address + " cannot be used: " + why +
          ".\n  Start it, or correct memcached.servers. Until then reads of its part of the cache "
          "use the database, and writes can wait (config/README.md, \"What to do when\").");
    };
    if (const auto unreachable = control->probe(slot)) {
      failed(explain(*unreachable));
      continue;
    }
    try {
      report.facts.push_back("Memcached   " + cache::server_version(options, slot) + " at " +
                             address);
      const auto server = cache::server_settings(options, slot);
      const auto add = [&](const char* option, const char* why) {
        report.problems.push_back("Memcached at " + address + " was started with " + option + ": " +
                                  why + ". Start it without " + option + ".");
      };
      if (!server.cas) add("-C", "nothing can be stored, because fills need check-and-set");
      if (!server.evicts) add("-M", "when it is full it refuses new entries");
      if (!server.flushes) add("-F", "it cannot be emptied, so its slot is never used");
    } catch (const Unavailable&) {
      failed("it does not respond in time");
    }
  }
  return report;
}

std::string json_of(const config::Loaded& loaded, const Report& report) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> json{buffer};
  const auto add = [&](const std::string& text) {
    json.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
  };
  json.StartObject();
  json.Key("settings");
  json.StartArray();
  for (const auto& each : loaded.effective) {
    json.StartObject();
    json.Key("name");
    add(each.name);
    json.Key("value");
    add(each.value);
    json.Key("source");
    add(each.source);
    json.EndObject();
  }
  json.EndArray();
  for (const auto& [key, texts] :
       {std::pair{"facts", &report.facts}, {"problems", &report.problems}}) {
    json.Key(key);
    json.StartArray();
    for (const auto& text : *texts) add(text);
    json.EndArray();
  }
  json.EndObject();
  return buffer.GetString();
}

}  // namespace

int check(const config::Loaded& loaded, const CheckDepth& depth, bool json) {
  auto& out = json ? std::cerr : std::cout;
  if (!json) {
    print_settings(loaded);
    out << "\n";
  }
  Report all{{}, loaded.problems, loaded.problems.empty()};
  const auto add = [&](const Report& more) {
    for (const auto& fact : more.facts) out << fact << "\n";
    all.facts.insert(all.facts.end(), more.facts.begin(), more.facts.end());
    all.problems.insert(all.problems.end(), more.problems.begin(), more.problems.end());
    all.readable = all.readable && more.readable;
  };
  const auto usable = [&](std::string_view section) {
    return std::ranges::none_of(loaded.problems,
                                [&](const auto& problem) { return problem.starts_with(section); });
  };
  if (usable("postgres.")) add(check_postgres(loaded.settings.postgres));
  if (usable("memcached.")) add(check_memcached(loaded.settings.memcached));
  if (depth.deep && all.readable) add({{}, check_deeply(loaded.settings, depth.repair, out)});
  if (json) {
    std::cout << json_of(loaded, all) << "\n" << std::flush;
  } else {
    std::cout << std::flush;
    for (const auto& problem : all.problems) std::cerr << "problem: " << problem << "\n";
  }
  if (!loaded.problems.empty()) return kMisused;
  if (!all.problems.empty()) return kFailed;
  if (!json) std::cout << "No problems found.\n";
  return kDone;
}

}  // namespace codasync::api::cli
