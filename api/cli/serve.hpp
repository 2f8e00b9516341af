#pragma once

#include <functional>

#include "config/settings/settings.hpp"

namespace codasync::api::cli {

/// Reads the settings again.
using Load = std::function<config::Loaded()>;

/// Runs the service until SIGTERM or SIGINT: then readiness fails, what is in flight is finished
/// within `api.shutdown_grace`, and it returns. SIGHUP takes `log.level` from `load`. Returns: 0
/// after a complete drain, 1 when some requests have no response. Throws: std::system_error when a
/// socket cannot be bound. Requires: the settings have no problems. Call it from the main thread
/// before any other thread exists: it blocks the three signals.
int serve(const config::Settings& settings, const Load& load);

}  // namespace codasync::api::cli
