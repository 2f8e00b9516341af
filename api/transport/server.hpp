#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/transport/http.hpp"

namespace codasync::api {

/// How to serve clients; fixed after the start. api/transport/README.md lists the response at each
/// limit.
struct ServerOptions {
  /// `unix:/path` or `address:port`; port 0: any free port.
  std::vector<std::string> listen{"127.0.0.1:8081"};

  /// When another process listens on one of the Unix sockets: replace it instead of failing. Set by
  /// the command line only (`codasync serve --take-over`), because the replaced process loses its
  /// clients.
  bool take_over{false};

  /// Threads with an event loop each: 1…64.
  /// The requests of one loop iteration share a round trip to the cache, so few loops are best on a
  /// small machine (tests/bench/README.md has the measurements).
  std::size_t workers{1};

  /// Open connections; further ones get 503 and are closed: 1…1000000.
  std::size_t connections_max{10'000};

  /// Request line, headers and body together: 4096…100000000.
  std::size_t request_bytes_max{1'100'000};

  /// From a request's first byte to its last: 1 ms…10 min.
  std::chrono::milliseconds request_timeout{10'000};

  /// Between requests: 1 ms…1 h. Longer than Nginx keeps idle connections (60 s).
  std::chrono::milliseconds idle_timeout{75'000};

  /// Without progress of a response that the client does not read: 1 ms…10 min.
  std::chrono::milliseconds write_timeout{10'000};
};

/// Returns: one sentence for each setting outside its range, with name, value and rule; empty when
/// all are valid.
std::vector<std::string> problems(const ServerOptions& options);

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
    /// Threads: any.
    [[nodiscard]] virtual bool client_gone() const noexcept { return false; }
  };

  explicit Reply(std::shared_ptr<Sink> sink) noexcept;
  Reply(Reply&&) noexcept;
  Reply& operator=(Reply&&) noexcept;
  ~Reply();

  /// Sends the response. The transport adds Content-Length and Connection.
  void send(Response response) &&;

  /// Returns: whether the client has closed its connection, so that work which only serves the
  /// response can be dropped. A client that only ended its sending side still waits. Over TCP a
  /// close is noticed only when the client resets the connection.
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
  std::atomic<std::size_t> requests_in_flight{0};
};

/// An HTTP/1.1 server on Pistache's event loops (api/transport/README.md says why not its
/// endpoint). Threads: start, drain and the destructor: one.
class Server {
 public:
  /// Binds the sockets. Throws: std::system_error naming the address.
  Server(ServerOptions options, Dispatch dispatch, IterationEnd on_iteration_end);
  ~Server();

  void start();

  /// Returns: the addresses that are bound, with the real port where 0 was requested.
  [[nodiscard]] std::vector<std::string> addresses() const;

  /// Stops listening, finishes the requests in flight and closes each connection after its
  /// response. Idle connections are closed after a short idle drain, in which a request that was
  /// already sent still gets its response. Returns: whether all connections were closed within
  /// `limit`.
  bool drain(std::chrono::milliseconds limit);

  /// Returns: its counters. They may outlive it: what measures them may run on other threads.
  [[nodiscard]] std::shared_ptr<const ServerCounters> counters() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace codasync::api
