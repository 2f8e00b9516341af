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

/// Threads that work later, like the service's executor.
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

/// A server with a small service. Its response depends on the path:
///   /now/x    "x", sent on the worker          /pool/x  "x", sent on another thread
///   /big/n    n bytes                          /drop    destroys the reply         /throw  throws
///   /status/n status n, "body"                 /hold    keeps the reply for release()
///   /stream   starts a stream, which is kept
///   any other path: the request, one `name=value` a line.
/// It needs no bodies below /now/.
class Service {
 public:
  explicit Service(api::ServerOptions options = small());
  ~Service();

  /// TCP on a free port, with timeouts that no test reaches by accident.
  static api::ServerOptions small();

  [[nodiscard]] const std::string& address() const { return address_; }
  api::Server& server() { return *server_; }

  /// Ends the server; replies may outlive it.
  void stop() { server_.reset(); }

  /// Waits until that many replies are held.
  void await_held(std::size_t count);
  /// Returns: how many of the held replies have lost their client.
  [[nodiscard]] std::size_t held_without_client();
  /// Sends `body` with all replies that are held.
  void release(const std::string& body);

  /// Waits until that many streams are kept. Returns: them, in the order of their requests; the
  /// caller ends them.
  std::vector<api::ResponseStream> take_streams(std::size_t count);

 private:
  void dispatch(api::Request request, api::Reply reply);

  Pool pool_{2};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<api::Reply> held_;
  std::vector<api::ResponseStream> streams_;
  std::unique_ptr<api::Server> server_;
  std::string address_;
};

}  // namespace codasync::test
