#pragma once

#include "api/http.hpp"
#include "api/service.hpp"
#include "api/transport/server.hpp"

namespace codasync::api {

/// Leads each request to its route and each answer back: request ids, tokens, the cache, the
/// executor, the one place where exceptions become answers, metrics and the log. Threads:
/// dispatch() runs on the event loops and never blocks for the database.
class Dispatcher {
 public:
  explicit Dispatcher(Service& service) : service_{service} {}

  void dispatch(Request request, Reply reply);

  /// Asks the cache and the database for what this thread's requests since the last call need, each
  /// once for all of them.
  void settle();

 private:
  void settle_look_ups();

  Service& service_;
};

/// Returns: whether a client's request id may be taken over: 1 to 128 of letters, digits and `._-`.
bool is_request_id(std::string_view text);

}  // namespace codasync::api
