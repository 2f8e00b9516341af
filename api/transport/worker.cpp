#include "api/transport/worker.hpp"

#include <sys/socket.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

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
constexpr auto kIdleDrain = 200ms;

constexpr Refusal kOverloaded{503, "overloaded", "Too many connections are open; try again."};
constexpr Refusal kTooSlow{408, "request-timeout", "The request took too long to arrive."};

ConnectionId next_id() {
  static std::atomic<ConnectionId> next{kFirstConnection};
  return next.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

constinit thread_local Worker* Worker::on_this_thread_ = nullptr;

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
  on_this_thread_ = this;
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
