#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/http.hpp"

namespace codasync::api {

/// How to serve clients. Fixed after the start. api/transport/README.md says what each limit
/// answers.
struct ServerOptions {
  /// `unix:/path` or `address:port`; port 0: any free one.
  std::vector<std::string> listen{"127.0.0.1:8081"};

  /// Threads with an event loop each: 1…64.
  /// Requests of one turn share their round trip to the cache, so few loops serve a small machine
  /// best (tests/bench/README.md has the runs).
  std::size_t workers{1};

  /// Open at a time; further ones get 503 and are closed: 1…1000000.
  std::size_t connections_max{10'000};

  /// Request line, headers and body together: 4096…100000000.
  std::size_t request_bytes_max{1'100'000};

  /// From a request's first byte to its last: 1 ms…10 min.
  std::chrono::milliseconds request_timeout{10'000};

  /// Between requests: 1 ms…1 h. Longer than Nginx keeps its connections (60 s).
  std::chrono::milliseconds idle_timeout{75'000};

  /// Without progress of an answer that the client does not read: 1 ms…10 min.
  std::chrono::milliseconds write_timeout{10'000};
};

/// Returns: one sentence for each setting outside its range, with name, value and rule; empty when
/// all is well.
std::vector<std::string> problems(const ServerOptions& options);

/// The way back to one client, for one answer. Move-only, usable from any thread.
/// Destroyed without an answer it sends 500, so no client waits for ever. When the client has gone,
/// the answer is dropped.
class Reply {
 public:
  /// The transport's side; tests of handlers bring their own.
  class Sink {
   public:
    virtual ~Sink() = default;
    /// Called at most once, on any thread. Must not throw.
    virtual void send(Response response) = 0;
  };

  explicit Reply(std::shared_ptr<Sink> sink) noexcept;
  Reply(Reply&&) noexcept;
  Reply& operator=(Reply&&) noexcept;
  ~Reply();

  /// Sends the answer. Content-Length and Connection are the transport's.
  void send(Response response) &&;

 private:
  std::shared_ptr<Sink> sink_;
};

/// Called on a worker for each request; must not block and must not throw. May answer at once or
/// keep the reply.
using Dispatch = std::function<void(Request, Reply)>;

/// Called on a worker after all requests that had arrived together were dispatched, so that what
/// they need can be asked for at once. Must not block for long and must not throw. It may answer.
using TurnEnd = std::function<void()>;

/// HTTP/1.1 over Pistache's reactor and parser (api/transport/README.md says why not its endpoint).
/// Threads: start, drain and the destructor belong to one thread.
class Server {
 public:
  /// Binds the sockets. Throws: std::system_error naming the address.
  Server(
      ServerOptions options, Dispatch dispatch, TurnEnd turn_end = [] {});
  ~Server();

  void start();

  /// Returns: the addresses that are bound, with the real port where 0 was asked for.
  [[nodiscard]] std::vector<std::string> addresses() const;

  /// Stops listening, finishes what is in flight and closes each connection after its answer. Idle
  /// connections are closed after a short polite phase, in which a request that was already on its
  /// way is still answered. Returns: whether nothing was left when `limit` was over.
  bool drain(std::chrono::milliseconds limit);

  [[nodiscard]] std::size_t open_connections() const noexcept;
  [[nodiscard]] std::size_t requests_in_flight() const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace codasync::api
