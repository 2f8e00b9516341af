#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "api/transport/connection.hpp"
#include "api/transport/listener.hpp"
#include "api/transport/message_queue.hpp"
#include "api/transport/reactor.hpp"
#include "api/transport/refusal.hpp"
#include "api/transport/server.hpp"
#include "storage/mutex.hpp"

namespace codasync::api::transport {

/// The counters and flags that the workers, the replies and the server share.
struct ServerState : ServerCounters {
  std::atomic<bool> draining{false};
  std::atomic<std::size_t> workers_not_listening{0};
  Mutex mutex;        // for `changed` only
  Condition changed;  // the last connection or a worker's listening ended

  void connection_closed(bool is_tcp);
  void worker_stopped_listening();

 private:
  void notify();
};

/// Bytes of a response, or another message, for the worker that has the connection.
struct ResponsePart {
  enum class Kind {
    whole,    // a response
    head,     // of a stream
    piece,    // of its body
    end,      // of its body
    cut_off,  // no end: the connection is closed
    receive,  // no bytes: the service waits for a piece of the request's body
  };
  ConnectionId connection;
  Kind kind;
  std::string bytes;
  bool keep_alive{false};  // after a whole response
};

using Listeners = std::shared_ptr<const std::vector<Listener>>;

/// One event loop: accepts clients (worker.cpp), reads their requests, passes them to the dispatch
/// (worker_requests.cpp) and writes the responses (worker_responses.cpp). Threads: the loop's only,
/// except for messages().
class Worker final : public EventHandler {
 public:
  /// `needs_body`: empty when each body is needed. Throws: std::system_error when the kernel has no
  /// descriptors left; so does attach().
  Worker(const ServerOptions& options, Dispatch dispatch, IterationEnd on_iteration_end,
         NeedsBody needs_body, UploadRule uploads, Listeners listeners,
         std::shared_ptr<ServerState> state);
  ~Worker() override;

  void attach(Poller& poller) override;
  void on_event(std::uint64_t tag, Readiness event) noexcept override;
  void on_iteration_end() noexcept override;

  /// Threads: any.
  MessageQueue<ResponsePart>& messages() noexcept { return *messages_; }

 private:
  class Sink;
  class StreamSink;

  void accept_one(const Listener& listener);
  void add_connection(UniqueFd socket, const Listener& listener);
  void pause_listening();
  void resume_listening();
  void stop_listening();

  void on_tick();
  void close_idle(Connection& connection);
  void expire(Connection& connection);
  void watch(Connection& connection, Interest interest);
  void remove_if_closed(Connection& connection);

  // worker_requests.cpp

  void await_request(Connection& connection);
  void on_readable(Connection& connection);
  void receive_upload(Connection& connection);
  void continue_upload(Connection& connection);
  void serve_on(Connection& connection);
  void advance(Connection& connection);
  void dispatch(Connection& connection, RequestReader::Complete message);

  // worker_responses.cpp

  [[nodiscard]] Reply reply_to(const Connection& connection, bool keep_alive, bool head_only,
                               StreamFraming framing);
  void drain_messages();
  void respond(ResponsePart part);
  void refuse(Connection& connection, const Refusal& refusal);
  void start_response(Connection& connection, std::string bytes, bool keep_alive);
  void continue_writing(Connection& connection);
  void after_response(Connection& connection);
  void start_stream(Connection& connection, std::string head);
  void continue_stream(Connection& connection);
  void discard(Connection& connection);

  static constinit thread_local Worker* on_this_thread_;  // whose loop runs on this thread

  const ServerOptions options_;
  const Dispatch dispatch_;
  const IterationEnd after_dispatches_;
  const NeedsBody needs_body_;
  const UploadRule uploads_;
  std::size_t tcp_connections_max_;
  Listeners listeners_;  // empty when draining; the last worker that releases them closes them
  const std::shared_ptr<ServerState> state_;
  const std::shared_ptr<MessageQueue<ResponsePart>> messages_;
  UniqueFd ticks_;
  Poller* poller_{nullptr};
  std::unordered_map<ConnectionId, std::unique_ptr<Connection>> connections_;
  std::vector<ConnectionId> to_advance_;  // got a response outside their own dispatch
  std::vector<ResponsePart> drained_;     // the messages that drain_messages() works on
  std::vector<char> bytes_;               // just received
  ConnectionId dispatching_{0};           // whose request the dispatch has now; 0: none
  bool paused_{false};                    // does not listen: no descriptors were left
  bool dispatched_{false};                // since after_dispatches_ was called
  std::optional<Clock::time_point> idle_drain_until_;  // set while draining
};

}  // namespace codasync::api::transport
