#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "api/transport/server.hpp"

namespace codasync::test {

/// Threads that do things later, as the service's executor does.
class Pool {
 public:
  explicit Pool(std::size_t threads);
  ~Pool();
  void post(std::function<void()> work);

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> work_;
  bool stopping_{false};
  std::vector<std::thread> threads_;
};

/// A server with a service behind it that does what the path says:
///   /now/x    answers "x" on the worker        /pool/x  answers "x" from another thread
///   /big/n    answers n bytes                  /drop    forgets the reply         /throw  throws
///   /status/n answers with status n, "body"    /hold    keeps the reply for release()
///   any other answers with all that arrived, one `name=value` a line.
class Service {
 public:
  explicit Service(api::ServerOptions options = small());
  ~Service();

  /// TCP on a free port, and short timeouts' opposite: nothing expires within a test by accident.
  static api::ServerOptions small();

  [[nodiscard]] const std::string& address() const { return address_; }
  api::Server& server() { return *server_; }

  /// Ends the server; replies may outlive it.
  void stop() { server_.reset(); }

  /// Returns: when that many replies are held.
  void await_held(std::size_t count);
  /// Answers what is held with `body`.
  void release(const std::string& body);

 private:
  void dispatch(api::Request request, api::Reply reply);

  Pool pool_{2};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<api::Reply> held_;
  std::unique_ptr<api::Server> server_;
  std::string address_;
};

}  // namespace codasync::test
