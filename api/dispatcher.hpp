#pragma once

#include "api/service.hpp"
#include "api/transport/http.hpp"
#include "api/transport/server.hpp"

namespace codasync::api {

/// Runs the steps of each request (request_flow.hpp) where they may run: on the event loop, on the
/// executor or in the ledger. The one place where exceptions become responses; counts and logs each
/// response. Threads: dispatch() and flush() run on the event loops and never wait for the
/// database.
class Dispatcher {
 public:
  explicit Dispatcher(Service& service) : service_{service} {}

  void dispatch(Request request, Reply reply);

  /// Looks up what the requests of this event loop since the last call need, in the cache and in
  /// the database, each with one message for all of them.
  void flush();

 private:
  Service& service_;
};

}  // namespace codasync::api
