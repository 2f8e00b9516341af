#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/observability/options.hpp"
#include "api/options.hpp"
#include "api/transport/options.hpp"
#include "cache/options.hpp"
#include "storage/options.hpp"

namespace codasync::config {

/// All settings: the options of each layer, with their defaults. They do not change after the
/// start.
struct Settings {
  storage::PostgresOptions postgres;
  storage::CombinerOptions combiner;
  cache::MemcachedOptions memcached;
  api::ServerOptions server;
  storage::SessionOptions sessions;
  api::ExecutorOptions executor;
  api::ApiOptions api;
  api::LogOptions log;
};

/// The value of one setting that is in force.
struct EffectiveSetting {
  std::string name;    // postgres.lock_timeout
  std::string value;   // text of print(); secrets are masked
  std::string source;  // "default", "file", or the name of an environment variable
};

/// What load() has read.
struct Loaded {
  Settings settings;
  std::vector<EffectiveSetting> effective;  // all settings, in the order of the table
  /// One sentence each, with name, value, source and rule; empty: `settings` is valid.
  std::vector<std::string> problems;
};

using Environment = std::map<std::string, std::string>;

/// Returns: the environment of this process.
Environment environment_of_process();

/// Reads the settings. The first source with a value counts: CODASYNC_<SECTION>_<KEY> in the
/// environment, the file, a platform's own variable such as DATABASE_URL (config/README.md lists
/// them), the default. An empty variable counts as not set. Returns: the settings with all
/// problems; an unreadable file is a problem. Threads: safe concurrently.
Loaded load(const std::optional<std::filesystem::path>& file, const Environment& environment);

}  // namespace codasync::config
