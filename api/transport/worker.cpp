#include "api/transport/worker.hpp"

#include <sys/socket.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>
#include <variant>

namespace codasync::api::transport {
namespace {

using namespace std::chrono_literals;

// Tags of the worker's own descriptors, then of the listeners, then of the connections.
constexpr std::uint64_t kMessagesTag = 0;
constexpr std::uint64_t kTickTag = 1;
constexpr std::uint64_t kListenerTag = 2;
constexpr ConnectionId kFirstConnection = 1U << 16;

constexpr std::size_t kReceiveBytes = 64UL * 1024;
constexpr std::size_t kRefusedMax = 128;  // connections beyond connections_max that get a 503
constexpr auto kLinger = 1s;
constexpr auto kIdleDrain = 200ms;

constexpr Refusal kOverloaded{503, "overloaded", "Too many connections are open; try again."};
constexpr Refusal kTooSlow{408, "request-timeout", "The request took too long to arrive."};

ConnectionId next_id() {
  static std::atomic<ConnectionId> next{kFirstConnection};
  return next.fetch_add(1, std::memory_order_relaxed);
}

thread_local Worker* this_thread_worker = nullptr;

/// The few bytes fit into the empty socket buffer; a client that does not get them sends the body
/// anyway.
void send_continue(const Connection& connection) {
  constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  ::send(connection.fd.get(), kContinue.data(), kContinue.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace

void ServerState::connection_closed(bool is_tcp) {
  if (is_tcp) --tcp_connections;
  if (--connections == 0 && draining) notify();
}

void ServerState::worker_stopped_listening() {
  ++workers_not_listening;
  notify();
}

void ServerState::notify() {
  const MutexLock lock{mutex};  // so that no waiter is between its check and its wait
  changed.notify_all();
}

/// Has its connection's id and shares the queue: may outlive the connection, the worker and the
/// server.
class Worker::Sink final : public Reply::Sink {
 public:
  Sink(const Worker& worker, const Connection& connection, bool keep_alive, bool head_only,
       StreamFraming framing)
      : messages_{worker.messages_},
        state_{worker.state_},
        shared_{connection.shared},
        connection_{connection.id},
        keep_alive_{keep_alive},
        head_only_{head_only},
        framing_{framing} {
    ++state_->requests_in_flight;
  }

  void send(Response response) override {
    const bool keep_alive = keep_alive_ && !state_->draining;
    ResponsePart part{connection_, ResponsePart::Kind::whole,
                      serialise(response, keep_alive, head_only_), keep_alive};
    --state_->requests_in_flight;
    // The queues are compared, not the workers: the queue exists, so its address is unique.
    if (this_thread_worker != nullptr && this_thread_worker->messages_ == messages_) {
      this_thread_worker->respond(std::move(part));
    } else {
      messages_->post(std::move(part));
    }
  }

  ResponseStream stream(Response head) override;

  [[nodiscard]] bool client_gone() const noexcept override { return shared_->gone; }

 private:
  std::shared_ptr<MessageQueue<ResponsePart>> messages_;
  std::shared_ptr<ServerState> state_;
  std::shared_ptr<Connection::Shared> shared_;
  ConnectionId connection_;
  bool keep_alive_;
  bool head_only_;
  StreamFraming framing_;
};

/// Always posts, also on the connection's own thread, so that the pieces stay in order.
class Worker::StreamSink final : public ResponseStream::Sink {
 public:
  StreamSink(std::shared_ptr<MessageQueue<ResponsePart>> messages,
             std::shared_ptr<Connection::Shared> shared, ConnectionId connection,
             StreamFraming framing)
      : messages_{std::move(messages)},
        shared_{std::move(shared)},
        connection_{connection},
        framing_{framing} {}

  StreamSink(const StreamSink&) = delete;
  StreamSink& operator=(const StreamSink&) = delete;
  ~StreamSink() override {
    if (!shared_->gone && !cut_off_)
      post(ResponsePart::Kind::end, std::string{end_of_body(framing_)});
  }

  void cut_off() noexcept override {
    cut_off_ = true;
    if (!shared_->gone) post(ResponsePart::Kind::cut_off, {});
  }

  void post(ResponsePart::Kind kind, std::string bytes) {
    shared_->waiting += bytes.size();
    messages_->post({connection_, kind, std::move(bytes)});
  }

  bool write(std::string_view piece) override {
    auto bytes = serialise_piece(piece, framing_);
    // Only the worker changes it meanwhile, and it only makes it less.
    if (shared_->gone || shared_->waiting + bytes.size() > kStreamBufferBytes) return false;
    post(ResponsePart::Kind::piece, std::move(bytes));
    return true;
  }

  [[nodiscard]] std::size_t waiting() const noexcept override { return shared_->waiting; }
  [[nodiscard]] bool client_gone() const noexcept override { return shared_->gone; }

 private:
  std::shared_ptr<MessageQueue<ResponsePart>> messages_;
  std::shared_ptr<Connection::Shared> shared_;
  ConnectionId connection_;
  StreamFraming framing_;
  bool cut_off_{false};
};

ResponseStream Worker::Sink::stream(Response head) {
  --state_->requests_in_flight;
  if (head_only_) {
    const bool keep_alive = keep_alive_ && !state_->draining;
    messages_->post({connection_, ResponsePart::Kind::whole,
                     serialise_head(head, framing_, keep_alive), keep_alive});
    return ResponseStream{nullptr};
  }
  auto sink = std::make_unique<StreamSink>(messages_, shared_, connection_, framing_);
  sink->post(ResponsePart::Kind::head, serialise_head(head, framing_, false));
  return ResponseStream{std::move(sink)};
}

Worker::Worker(const ServerOptions& options, Dispatch dispatch, IterationEnd on_iteration_end,
               NeedsBody needs_body, UploadRule uploads, Listeners listeners,
               std::shared_ptr<ServerState> state)
    : options_{options},
      dispatch_{std::move(dispatch)},
      after_dispatches_{std::move(on_iteration_end)},
      needs_body_{std::move(needs_body)},
      uploads_{std::move(uploads)},
      tcp_connections_max_{options_.connections_max},
      listeners_{std::move(listeners)},
      state_{std::move(state)},
      messages_{std::make_shared<MessageQueue<ResponsePart>>()},
      ticks_{::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)},
      bytes_(kReceiveBytes) {
  // A Unix socket is that of the reverse proxy. Clients of the direct addresses must not take its
  // connections.
  const auto is_unix = [](const Listener& listener) { return !listener.is_tcp(); };
  if (!options_.behind_proxy && std::ranges::any_of(*listeners_, is_unix))
    tcp_connections_max_ = std::min(options_.tcp_connections_max, options_.connections_max);
  // One periodic tick checks all deadlines, so that a request needs no timer calls of its own.
  const auto shortest =
      std::min({options_.request_timeout, options_.idle_timeout, options_.write_timeout});
  const std::chrono::nanoseconds period =
      std::clamp<std::chrono::milliseconds>(shortest / 8, 5ms, 100ms);
  const timespec every{0, period.count()};
  const itimerspec schedule{every, every};
  if (ticks_.get() < 0 || ::timerfd_settime(ticks_.get(), 0, &schedule, nullptr) != 0) {
    throw std::system_error{errno, std::generic_category(), "timerfd"};
  }
}

Worker::~Worker() {
  for (const auto& [id, connection] : connections_) {
    --state_->connections;
    if (connection->is_tcp) --state_->tcp_connections;
  }
}

void Worker::attach(Poller& poller) {
  poller_ = &poller;
  if (!poller.add(messages_->fd(), kMessagesTag, Interest::readable_edge) ||
      !poller.add(ticks_.get(), kTickTag, Interest::readable)) {
    throw std::system_error{errno, std::generic_category(), "epoll"};
  }
  paused_ = true;
  resume_listening();
}

void Worker::on_event(std::uint64_t tag, Readiness event) noexcept {
  this_thread_worker = this;
  if (tag == kMessagesTag) return drain_messages();
  if (tag == kTickTag) return on_tick();
  if (tag < kFirstConnection) {
    if (listeners_ && !paused_) accept_one((*listeners_)[tag - kListenerTag]);
    return;
  }
  const auto it = connections_.find(tag);
  if (it == connections_.end()) return;  // closed earlier in this loop iteration
  Connection& connection = *it->second;
  switch (connection.state) {
    case Connection::State::reading:
      on_readable(connection);
      break;
    case Connection::State::serving:
      if (event.hung_up)
        connection.state = Connection::State::closed;
      else
        watch(connection, Interest::none);  // what arrives now is read after the response
      break;
    case Connection::State::receiving:
      receive_upload(connection);
      break;
    case Connection::State::writing:
      if (event.writable)
        continue_writing(connection);
      else
        connection.state = Connection::State::closed;
      advance(connection);
      break;
    case Connection::State::streaming:
    case Connection::State::ending:
      if (event.hung_up) {
        connection.state = Connection::State::closed;
      } else if (event.writable) {
        continue_stream(connection);
      } else {
        discard(connection);
      }
      break;
    case Connection::State::lingering:
      discard(connection);
      break;
    case Connection::State::closed:
      break;
  }
  remove_if_closed(connection);
}

void Worker::on_iteration_end() noexcept {
  // After a response the next request of its connection, which may have arrived already, is
  // dispatched.
  while (dispatched_ || !to_advance_.empty()) {
    if (std::exchange(dispatched_, false)) after_dispatches_();
    if (to_advance_.empty()) continue;
    const auto it = connections_.find(to_advance_.back());
    to_advance_.pop_back();
    if (it == connections_.end()) continue;
    advance(*it->second);
    remove_if_closed(*it->second);
  }
  if (state_->draining && !idle_drain_until_) {
    idle_drain_until_ = Clock::now() + kIdleDrain;
    stop_listening();
  }
}

void Worker::accept_one(const Listener& listener) {
  // One in each loop iteration, so that a burst is spread over all workers.
  UniqueFd socket = listener.accept();
  if (socket.get() >= 0) return add_connection(std::move(socket), listener);
  const bool none_waiting = errno == EAGAIN || errno == EWOULDBLOCK;
  // No descriptors or no memory: the waiting clients would keep this loop busy.
  if (!none_waiting) pause_listening();
}

void Worker::add_connection(UniqueFd socket, const Listener& listener) {
  const bool is_tcp = listener.is_tcp();
  const std::size_t open = ++state_->connections;
  const std::size_t open_tcp = is_tcp ? ++state_->tcp_connections : 0;
  const auto exceeded = [&](std::size_t more) {
    return open > options_.connections_max + more || open_tcp > tcp_connections_max_ + more;
  };
  const bool refused = exceeded(0);
  const ConnectionId id = next_id();
  if (exceeded(kRefusedMax) || !poller_->add(socket.get(), id, Interest::readable))
    return state_->connection_closed(is_tcp);
  const auto sender = is_tcp && !options_.behind_proxy ? Sender::client : Sender::proxy;
  auto made = std::make_unique<Connection>(
      std::move(socket), id, is_tcp,
      RequestReader{options_.request_bytes_max, sender, &needs_body_, uploads_});
  Connection& connection = *connections_.emplace(id, std::move(made)).first->second;
  await_request(connection);
  if (refused) refuse(connection, kOverloaded);
  remove_if_closed(connection);
}

void Worker::pause_listening() {
  if (std::exchange(paused_, true)) return;
  for (const auto& listener : *listeners_) poller_->remove(listener.fd());
}

void Worker::resume_listening() {
  if (!listeners_ || !std::exchange(paused_, false)) return;
  std::uint64_t tag = kListenerTag;
  for (const auto& listener : *listeners_) {
    if (!poller_->add(listener.fd(), tag++, Interest::readable)) return pause_listening();
  }
}

void Worker::stop_listening() {
  pause_listening();
  for (const auto& listener : *listeners_) {
    listener.refuse_more();
    // The clients in the queue are connected already.
    for (UniqueFd socket = listener.accept(); socket.get() >= 0; socket = listener.accept()) {
      add_connection(std::move(socket), listener);
    }
  }
  listeners_.reset();
  state_->worker_stopped_listening();
}

void Worker::on_readable(Connection& connection) {
  const ssize_t received = ::recv(connection.fd.get(), bytes_.data(), bytes_.size(), 0);
  if (received > 0) {
    // Empty lines before a request count, or a client could renew the deadline with them.
    const bool first = !connection.reader.touched();
    connection.reader.feed({bytes_.data(), static_cast<std::size_t>(received)});
    if (first) connection.deadline = Clock::now() + options_.request_timeout;
    advance(connection);
  } else if (received == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
    connection.state = Connection::State::closed;
  }
}

void Worker::receive_upload(Connection& connection) {
  const ssize_t received = ::recv(connection.fd.get(), bytes_.data(), bytes_.size(), 0);
  if (received > 0) {
    connection.reader.feed({bytes_.data(), static_cast<std::size_t>(received)});
    continue_upload(connection);
  } else if (received == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
    connection.state = Connection::State::closed;
  }
}

/// Gives the service the next piece of a body, or waits for it.
void Worker::continue_upload(Connection& connection) {
  auto step = connection.reader.next_piece();
  if (std::holds_alternative<RequestReader::ExpectsContinue>(step)) {
    send_continue(connection);
  } else if (auto* piece = std::get_if<RequestReader::Piece>(&step)) {
    serve_on(connection);
    connection.upload->add(std::move(piece->bytes));
    if (piece->last) connection.upload->end();
    return;
  } else if (const auto* refusal = std::get_if<Refusal>(&step)) {
    serve_on(connection);
    return connection.upload->fail(*refusal);
  }
  watch(connection, Interest::readable);
}

/// The service has what it waited for. What else arrives is left in the socket.
void Worker::serve_on(Connection& connection) {
  connection.state = Connection::State::serving;
  connection.deadline = Clock::time_point::max();
  watch(connection, Interest::none);
}

void Worker::discard(Connection& connection) {
  const ssize_t received = ::recv(connection.fd.get(), bytes_.data(), bytes_.size(), 0);
  if (received == 0 ||
      (received < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
    connection.state = Connection::State::closed;
  }
}

void Worker::advance(Connection& connection) {
  while (connection.state == Connection::State::reading && connection.reader.started()) {
    auto step = connection.reader.next();
    if (auto* message = std::get_if<RequestReader::Complete>(&step)) {
      dispatch(connection, std::move(*message));
    } else if (const auto* refusal = std::get_if<Refusal>(&step)) {
      refuse(connection, *refusal);
    } else if (std::holds_alternative<RequestReader::ExpectsContinue>(step)) {
      send_continue(connection);
    } else {
      return;
    }
  }
}

void Worker::dispatch(Connection& connection, RequestReader::Complete message) {
  message.request.arrived = Clock::now();
  dispatched_ = true;
  connection.state = Connection::State::serving;
  connection.deadline = Clock::time_point::max();
  const bool head_only = message.request.method == Method::head;
  const auto framing = message.takes_chunks ? StreamFraming::chunked : StreamFraming::closed;
  if (message.uploads) {
    // The rest of a body that is not read would be taken for the next request.
    message.keep_alive = false;
    watch(connection, Interest::none);
    connection.upload = message.request.upload =
        std::make_shared<Upload>([messages = messages_, id = connection.id] {
          messages->post({id, ResponsePart::Kind::receive, {}});
        });
  }
  const ConnectionId outer = std::exchange(dispatching_, connection.id);
  try {
    dispatch_(
        std::move(message.request),
        Reply{std::make_shared<Sink>(*this, connection, message.keep_alive, head_only, framing)});
  } catch (...) {
    // It breaks the contract; the destroyed reply has sent 500.
  }
  dispatching_ = outer;
}

void Worker::refuse(Connection& connection, const Refusal& refusal) {
  start_response(connection, serialise(to_response(refusal), false), false);
}

void Worker::start_response(Connection& connection, std::string bytes, bool keep_alive) {
  connection.state = Connection::State::writing;
  connection.out = std::move(bytes);
  connection.sent = 0;
  connection.keep_alive = keep_alive;
  continue_writing(connection);
}

void Worker::continue_writing(Connection& connection) {
  if (!connection.transmit()) {
    connection.state = Connection::State::closed;
  } else if (connection.all_sent()) {
    after_response(connection);
  } else {
    connection.deadline = Clock::now() + options_.write_timeout;
    watch(connection, Interest::writable);
  }
}

void Worker::after_response(Connection& connection) {
  connection.out = {};
  watch(connection, Interest::readable);
  if (connection.keep_alive) {
    connection.state = Connection::State::reading;
    await_request(connection);
    return;
  }
  // RFC 9112 section 9.6: closing with unread bytes would reset the connection, and the response
  // could be lost.
  ::shutdown(connection.fd.get(), SHUT_WR);
  connection.state = Connection::State::lingering;
  connection.deadline = Clock::now() + kLinger;
}

void Worker::watch(Connection& connection, Interest interest) {
  if (connection.interest == interest) return;
  connection.interest = interest;
  poller_->change(connection.fd.get(), connection.id, interest);
}

void Worker::remove_if_closed(Connection& connection) {
  if (connection.state != Connection::State::closed) return;
  const bool is_tcp = connection.is_tcp;
  connections_.erase(connection.id);
  state_->connection_closed(is_tcp);
}

void Worker::respond(ResponsePart part) {
  const auto it = connections_.find(part.connection);
  if (it == connections_.end()) return;  // the client is gone
  Connection& connection = *it->second;
  switch (part.kind) {
    case ResponsePart::Kind::whole:
      start_response(connection, std::move(part.bytes), part.keep_alive);
      if (part.connection != dispatching_) to_advance_.push_back(part.connection);
      return;
    case ResponsePart::Kind::head:
      start_stream(connection, std::move(part.bytes));
      break;
    case ResponsePart::Kind::piece:
      connection.append(part.bytes);
      continue_stream(connection);
      break;
    case ResponsePart::Kind::end:
      connection.append(part.bytes);
      connection.state = Connection::State::ending;
      connection.deadline = Clock::now() + kLinger;
      continue_stream(connection);
      break;
    case ResponsePart::Kind::cut_off:
      connection.state = Connection::State::closed;
      break;
    case ResponsePart::Kind::receive:
      connection.state = Connection::State::receiving;
      connection.deadline = Clock::now() + options_.request_timeout;
      continue_upload(connection);
      break;
  }
  remove_if_closed(connection);
}

/// A stream is the last response of its connection.
void Worker::start_stream(Connection& connection, std::string head) {
  connection.state = Connection::State::streaming;
  connection.keep_alive = false;
  connection.out = std::move(head);
  connection.sent = 0;
  continue_stream(connection);
}

void Worker::continue_stream(Connection& connection) {
  const bool ending = connection.state == Connection::State::ending;
  const std::size_t before = connection.sent;
  if (!connection.transmit()) {
    connection.state = Connection::State::closed;
  } else if (!connection.all_sent()) {
    // A piece that was added is no progress of the client.
    const bool waited = connection.interest == Interest::writable;
    if (!ending && (!waited || connection.sent > before))
      connection.deadline = Clock::now() + options_.write_timeout;
    watch(connection, Interest::writable);
  } else if (ending) {
    after_response(connection);
  } else {
    connection.out = {};
    connection.sent = 0;
    connection.deadline = Clock::time_point::max();
    watch(connection, Interest::readable);
  }
}

void Worker::drain_messages() {
  messages_->drain(drained_);
  for (auto& part : drained_) respond(std::move(part));
  drained_.clear();
}

void Worker::await_request(Connection& connection) {
  const auto timeout =
      connection.reader.started() ? options_.request_timeout : options_.idle_timeout;
  connection.deadline = Clock::now() + timeout;
}

void Worker::on_tick() {
  std::uint64_t expirations{0};
  if (::read(ticks_.get(), &expirations, sizeof expirations) < 0) return;
  if (paused_) resume_listening();

  const auto now = Clock::now();
  const bool idle_drain_over = idle_drain_until_ && now >= *idle_drain_until_;
  for (auto it = connections_.begin(); it != connections_.end();) {
    Connection& connection = *(it++)->second;  // may be removed below
    const bool idle =
        connection.state == Connection::State::reading && !connection.reader.started();
    if (idle && idle_drain_over) {
      close_idle(connection);
    } else if (now >= connection.deadline) {
      expire(connection);
    }
    remove_if_closed(connection);
  }
}

void Worker::close_idle(Connection& connection) {
  on_readable(connection);  // a request that has just arrived
  if (connection.state != Connection::State::reading || connection.reader.started()) return;
  // After this, a write of the client to a Unix socket fails and sends nothing, so that even a POST
  // can be sent to another instance. TCP has no equivalent.
  ::shutdown(connection.fd.get(), SHUT_RD);
  on_readable(connection);  // what arrived in between, or the end
}

void Worker::expire(Connection& connection) {
  if (connection.state == Connection::State::reading && connection.reader.started()) {
    refuse(connection, kTooSlow);
  } else if (connection.state == Connection::State::receiving) {
    serve_on(connection);
    connection.upload->fail(kTooSlow);
  } else {
    if (connection.state == Connection::State::streaming) ++state_->streams_dropped;
    connection.state = Connection::State::closed;
  }
}

}  // namespace codasync::api::transport
