#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/transport/http.hpp"
#include "api/transport/needs_body.hpp"
#include "api/transport/options.hpp"
#include "api/transport/response_stream.hpp"
#include "api/transport/upload.hpp"

namespace codasync::api {

/// Sends one response to one client. Move-only. Threads: any.
/// Destroyed without a response it sends 500, so that no client waits for ever. When the client is
/// gone, the response is dropped.
class Reply {
 public:
  /// The transport's side; tests of handlers have their own.
  class Sink {
   public:
    virtual ~Sink() = default;
    /// Called at most once. Must not throw. Threads: any.
    virtual void send(Response response) = 0;
    /// The same.
    virtual ResponseStream stream(Response head) = 0;
    /// Threads: any.
    [[nodiscard]] virtual bool client_gone() const noexcept { return false; }
  };

  explicit Reply(std::shared_ptr<Sink> sink) noexcept;
  Reply(Reply&&) noexcept;
  Reply& operator=(Reply&&) noexcept;
  ~Reply();

  /// Sends the response. The transport adds Content-Length and Connection.
  void send(Response response) &&;

  /// Sends the head of a response whose body follows piece by piece. The transport adds
  /// Transfer-Encoding and Connection. The client of a HEAD request counts as gone.
  ResponseStream stream(Response head) &&;

  /// Returns: whether the client has closed its connection, so that work which only serves the
  /// response can be dropped. A client that only ended its sending side still waits. Over TCP a
  /// close is detected only when the client resets the connection.
  /// Requires: the response was not sent. Threads: any.
  [[nodiscard]] bool client_gone() const noexcept;

 private:
  std::shared_ptr<Sink> sink_;
};

/// Called on a worker for each request; must not block and must not throw. May send the response at
/// once or keep the reply.
using Dispatch = std::function<void(Request, Reply)>;

/// Called on a worker after the requests of one loop iteration were dispatched, so that what they
/// need can be requested together. Must not block for long and must not throw. May send responses.
using IterationEnd = std::function<void()>;

/// What a server has at the moment. Threads: any.
struct ServerCounters {
  std::atomic<std::size_t> connections{0};
  std::atomic<std::size_t> tcp_connections{0};     // of these
  std::atomic<std::size_t> requests_in_flight{0};  // without streams
  std::atomic<std::size_t> streams_dropped{0};     // because their client read nothing
};

/// An HTTP/1.1 server on Pistache's event loops (api/transport/README.md says why not its
/// endpoint). Threads: start, drain and the destructor: one.
class Server {
 public:
  /// Binds the sockets. `needs_body`: empty when each body is needed. Throws: std::system_error
  /// naming the address.
  Server(const ServerOptions& options, const Dispatch& dispatch,
         const IterationEnd& on_iteration_end, const NeedsBody& needs_body = {},
         const UploadRule& uploads = no_uploads());
  /// Closes all connections. Replies may outlive the server: their responses are dropped.
  ~Server();

  /// Starts the workers, and returns. Their threads inherit the signal mask of this one.
  void start();

  /// Returns: the addresses that are bound, with the real port where 0 was requested.
  [[nodiscard]] std::vector<std::string> addresses() const;

  /// Stops listening, finishes the requests in flight and closes each connection after its
  /// response. A stream has to be ended by what writes it. Idle connections are closed after a
  /// short idle drain, in which a request that was already sent still gets its response. Returns:
  /// whether all connections were closed within `limit`.
  bool drain(std::chrono::milliseconds limit);

  /// Returns: its counters. They may outlive it: what measures them may run on other threads.
  [[nodiscard]] std::shared_ptr<const ServerCounters> counters() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace codasync::api
