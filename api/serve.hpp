#pragma once

#include "config/settings.hpp"

namespace codasync::api {

/// Runs the service until SIGTERM or SIGINT: then readiness fails, what is in flight is finished
/// within `api.shutdown_grace`, and it returns. Returns: 0 after a complete drain, 1 when something
/// was left. Throws: std::system_error when a socket cannot be bound. Requires: the settings have
/// no problems. Call it from the main thread before any other thread exists: it blocks the two
/// signals.
int serve(const config::Settings& settings);

}  // namespace codasync::api
