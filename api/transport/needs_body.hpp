#pragma once

#include <functional>

#include "api/transport/http.hpp"

namespace codasync::api {

/// Called on a worker with a request whose body has not arrived yet. Returns: whether the body is
/// needed. If not, the request is dispatched without it, and its connection is closed after the
/// response. Must not block and must not throw.
using NeedsBody = std::function<bool(const Request&)>;

}  // namespace codasync::api
