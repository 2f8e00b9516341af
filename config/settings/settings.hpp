#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/observability/log.hpp"
#include "api/options.hpp"
#include "api/transport/server.hpp"
#include "cache/options.hpp"
#include "storage/options.hpp"

namespace codasync::config {

/// Everything that can be set: the options of each layer, whose defaults they are. Fixed after the
/// start.
struct Settings {
  storage::PostgresOptions postgres;
  storage::CombinerOptions combiner;
  cache::MemcachedOptions memcached;
  api::ServerOptions server;
  api::ExecutorOptions executor;
  api::ApiOptions api;
  api::LogOptions log;
};

/// One setting as it is in force.
struct EffectiveSetting {
  std::string name;    // postgres.lock_timeout
  std::string value;   // as print() writes it; secrets masked
  std::string source;  // "default", "file", or the name of an environment variable
};

struct Loaded {
  Settings settings;
  std::vector<EffectiveSetting> effective;  // all of them, in the order of the table
  std::vector<std::string>
      problems;  // one sentence each, with name, value and rule; empty: `settings` may be used
};

using Environment = std::map<std::string, std::string>;

/// Returns: the environment of this process.
Environment environment_of_process();

/// Reads the settings. What wins: CODASYNC_<SECTION>_<KEY> in the environment, the file, a
/// platform's own variable such as DATABASE_URL (config/README.md lists them), the default. An
/// empty variable counts as not set. Returns: also with problems, all of them at once. A file that
/// cannot be read is one. Threads: safe anywhere.
Loaded load(const std::optional<std::filesystem::path>& file, const Environment& environment);

}  // namespace codasync::config
