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

// Tags of the worker's own descriptors; listeners follow, connections begin where listeners cannot
// reach.
constexpr std::uint64_t kMailTag = 0;
constexpr std::uint64_t kTickTag = 1;
constexpr std::uint64_t kListenerTag = 2;
constexpr ConnectionId kFirstConnection = 1U << 16;

constexpr std::size_t kReceiveBytes = 64 * 1024;
constexpr std::size_t kRefusedMax =
    128;  // connections beyond connections_max that are told 503; more are just closed
constexpr auto kLinger = 1s;
constexpr auto kPolitePhase = 200ms;

constexpr Refusal kOverloaded{503, "overloaded", "Too many connections are open; try again."};
constexpr Refusal kTooSlow{408, "request-timeout", "The request took too long to arrive."};

ConnectionId next_id() {
  static std::atomic<ConnectionId> next{kFirstConnection};
  return next.fetch_add(1, std::memory_order_relaxed);
}

thread_local Worker* this_thread_worker = nullptr;

}  // namespace

void Tally::left() {
  if (--connections == 0 && draining) announce();
}

void Tally::stopped_listening() {
  ++deaf_workers;
  announce();
}

void Tally::announce() {
  const std::lock_guard lock{mutex};  // or the waiter could look before and sleep after
  changed.notify_all();
}

/// Knows its connection by id only, and shares the mailbox: may outlive the connection, the worker
/// and the server.
class Worker::Sink final : public Reply::Sink {
 public:
  Sink(const Worker& worker, ConnectionId connection, bool keep_alive, bool head_only)
      : mailbox_{worker.mailbox_},
        tally_{worker.tally_},
        connection_{connection},
        keep_alive_{keep_alive},
        head_only_{head_only} {
    ++tally_->in_flight;
  }

  void send(Response response) override {
    const bool keep_alive = keep_alive_ && !tally_->draining;
    Answer answer{connection_, serialise(response, keep_alive, head_only_), keep_alive};
    --tally_->in_flight;
    // The mailbox and not the worker is compared: it is alive, so no other can have its address.
    if (this_thread_worker != nullptr && this_thread_worker->mailbox_ == mailbox_) {
      this_thread_worker->answer_here(std::move(answer));
    } else {
      mailbox_->post(std::move(answer));
    }
  }

 private:
  std::shared_ptr<Mailbox<Answer>> mailbox_;
  std::shared_ptr<Tally> tally_;
  ConnectionId connection_;
  bool keep_alive_;
  bool head_only_;
};

Worker::Worker(const ServerOptions& options, Dispatch dispatch, TurnEnd turn_end,
               Listeners listeners, std::shared_ptr<Tally> tally)
    : options_{options},
      dispatch_{std::move(dispatch)},
      turn_end_{std::move(turn_end)},
      listeners_{std::move(listeners)},
      tally_{std::move(tally)},
      mailbox_{std::make_shared<Mailbox<Answer>>()},
      ticks_{::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)},
      bytes_(kReceiveBytes) {
  // Deadlines are looked at, not armed: nobody pays a system call for a timeout that does not
  // happen.
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

Worker::~Worker() { tally_->connections -= connections_.size(); }

void Worker::attach(Poller& poller) {
  poller_ = &poller;
  if (!poller.add(mailbox_->fd(), kMailTag, Interest::each_arrival) ||
      !poller.add(ticks_.get(), kTickTag, Interest::readable)) {
    throw std::system_error{errno, std::generic_category(), "epoll"};
  }
  paused_ = true;
  resume_listening();
}

void Worker::on_event(std::uint64_t tag, bool writable) noexcept {
  this_thread_worker = this;
  if (tag == kMailTag) return take_mail();
  if (tag == kTickTag) return on_tick();
  if (tag < kFirstConnection) {
    if (listeners_ && !paused_) accept_one((*listeners_)[tag - kListenerTag]);
    return;
  }
  const auto it = connections_.find(tag);
  if (it == connections_.end()) return;  // closed earlier in this turn
  Connection& connection = *it->second;
  switch (connection.state) {
    case Connection::State::reading:
      on_readable(connection);
      break;
    case Connection::State::answering:
      watch(connection, Interest::none);  // what comes now is for after the answer
      break;
    case Connection::State::writing:
      if (writable)
        go_on_writing(connection);
      else
        connection.state = Connection::State::closed;
      advance(connection);
      break;
    case Connection::State::lingering:
      discard(connection);
      break;
    case Connection::State::closed:
      break;
  }
  forget_if_closed(connection);
}

void Worker::on_turn_end() noexcept {
  // Answers let the next requests of their connections through, which were waiting in full.
  while (dispatched_ || !answered_elsewhere_.empty()) {
    if (std::exchange(dispatched_, false)) turn_end_();
    if (answered_elsewhere_.empty()) continue;
    const auto it = connections_.find(answered_elsewhere_.back());
    answered_elsewhere_.pop_back();
    if (it == connections_.end()) continue;
    advance(*it->second);
    forget_if_closed(*it->second);
  }
  if (tally_->draining && !polite_until_) {
    polite_until_ = Clock::now() + kPolitePhase;
    stop_listening();
  }
}

// Clients
// ------------------------------------------------------------------------------------------------------------

void Worker::accept_one(const Listener& listener) {
  // One in a turn: the other workers are awake for the rest, which spreads a burst over all of
  // them.
  UniqueFd socket = listener.accept();
  if (socket.get() >= 0) return adopt(std::move(socket));
  const bool none_waiting = errno == EAGAIN || errno == EWOULDBLOCK;
  if (!none_waiting)
    pause_listening();  // no descriptors or memory: the queue would keep this loop spinning
}

void Worker::adopt(UniqueFd socket) {
  const std::size_t open = ++tally_->connections;
  const bool refused = open > options_.connections_max;
  const ConnectionId id = next_id();
  if (open > options_.connections_max + kRefusedMax ||
      !poller_->add(socket.get(), id, Interest::readable)) {
    return tally_->left();
  }
  Connection& connection = *connections_
                                .emplace(id, std::make_unique<Connection>(
                                                 std::move(socket), id, options_.request_bytes_max))
                                .first->second;
  await_request(connection);
  if (refused) refuse(connection, kOverloaded);
  forget_if_closed(connection);
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
    // Whoever is in the queue has been promised a connection.
    for (UniqueFd socket = listener.accept(); socket.get() >= 0; socket = listener.accept()) {
      adopt(std::move(socket));
    }
  }
  listeners_.reset();
  tally_->stopped_listening();
}

// One connection
// -----------------------------------------------------------------------------------------------------

void Worker::on_readable(Connection& connection) {
  const ssize_t received = ::recv(connection.fd.get(), bytes_.data(), bytes_.size(), 0);
  if (received > 0) {
    const bool first = !connection.reader.started();
    connection.reader.feed({bytes_.data(), static_cast<std::size_t>(received)});
    if (first) connection.deadline = Clock::now() + options_.request_timeout;
    advance(connection);
  } else if (received == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
    connection.state = Connection::State::closed;
  }
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
    auto step = connection.reader.next(parser_);
    if (auto* message = std::get_if<RequestReader::Complete>(&step)) {
      dispatch(connection, std::move(*message));
    } else if (const auto* refusal = std::get_if<Refusal>(&step)) {
      refuse(connection, *refusal);
    } else if (std::holds_alternative<RequestReader::WantsContinue>(step)) {
      constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
      // Its few bytes fit into the empty socket buffer; a client that does not get them sends the
      // body anyway.
      ::send(connection.fd.get(), kContinue.data(), kContinue.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    } else {
      return;
    }
  }
}

void Worker::dispatch(Connection& connection, RequestReader::Complete message) {
  message.request.arrived = Clock::now();
  dispatched_ = true;
  connection.state = Connection::State::answering;
  connection.deadline = Clock::time_point::max();
  const bool head_only = message.request.method == Method::head;
  const ConnectionId outer = std::exchange(advancing_, connection.id);
  try {
    dispatch_(std::move(message.request),
              Reply{std::make_shared<Sink>(*this, connection.id, message.keep_alive, head_only)});
  } catch (...) {
    // Against the contract; the reply has answered 500 when it was destroyed.
  }
  advancing_ = outer;
}

void Worker::refuse(Connection& connection, const Refusal& refusal) {
  start_answer(connection, serialise(to_response(refusal), false), false);
}

void Worker::start_answer(Connection& connection, std::string bytes, bool keep_alive) {
  connection.state = Connection::State::writing;
  connection.out = std::move(bytes);
  connection.sent = 0;
  connection.keep_alive = keep_alive;
  go_on_writing(connection);
}

void Worker::go_on_writing(Connection& connection) {
  if (!connection.transmit()) {
    connection.state = Connection::State::closed;
  } else if (connection.all_sent()) {
    after_answer(connection);
  } else {
    connection.deadline = Clock::now() + options_.write_timeout;
    watch(connection, Interest::writable);
  }
}

void Worker::after_answer(Connection& connection) {
  connection.out = {};
  watch(connection, Interest::readable);
  if (connection.keep_alive) {
    connection.state = Connection::State::reading;
    await_request(connection);
    return;
  }
  // RFC 9112 section 9.6: closing with unread bytes would reset the connection and could destroy
  // the answer.
  ::shutdown(connection.fd.get(), SHUT_WR);
  connection.state = Connection::State::lingering;
  connection.deadline = Clock::now() + kLinger;
}

void Worker::watch(Connection& connection, Interest interest) {
  if (connection.interest == interest) return;
  connection.interest = interest;
  poller_->change(connection.fd.get(), connection.id, interest);
}

void Worker::forget_if_closed(Connection& connection) {
  if (connection.state != Connection::State::closed) return;
  connections_.erase(connection.id);
  tally_->left();
}

// Answers
// ------------------------------------------------------------------------------------------------------------

void Worker::answer_here(Answer answer) {
  const auto it = connections_.find(answer.connection);
  if (it == connections_.end()) return;  // the client has gone
  start_answer(*it->second, std::move(answer.bytes), answer.keep_alive);
  if (answer.connection != advancing_) answered_elsewhere_.push_back(answer.connection);
}

void Worker::take_mail() {
  mailbox_->take(mail_);
  for (auto& answer : mail_) answer_here(std::move(answer));
  mail_.clear();
}

// Clock
// --------------------------------------------------------------------------------------------------------------

void Worker::await_request(Connection& connection) {
  const auto patience =
      connection.reader.started() ? options_.request_timeout : options_.idle_timeout;
  connection.deadline = Clock::now() + patience;
}

void Worker::on_tick() {
  std::uint64_t expirations{0};
  if (::read(ticks_.get(), &expirations, sizeof expirations) < 0) return;
  if (paused_) resume_listening();

  const auto now = Clock::now();
  const bool polite_phase_over = polite_until_ && now >= *polite_until_;
  for (auto it = connections_.begin(); it != connections_.end();) {
    Connection& connection = *(it++)->second;  // may be forgotten below
    const bool idle =
        connection.state == Connection::State::reading && !connection.reader.started();
    if (idle && polite_phase_over) {
      close_idle(connection);
    } else if (now >= connection.deadline) {
      expire(connection);
    }
    forget_if_closed(connection);
  }
}

void Worker::close_idle(Connection& connection) {
  on_readable(connection);  // a request that has just come
  if (connection.state != Connection::State::reading || connection.reader.started()) return;
  // From here on whoever writes to a Unix socket learns at once that nothing was sent, so that even
  // a POST may go elsewhere. TCP has no way to say so.
  ::shutdown(connection.fd.get(), SHUT_RD);
  on_readable(connection);  // what came in between, or the end
}

void Worker::expire(Connection& connection) {
  if (connection.state == Connection::State::reading && connection.reader.started()) {
    refuse(connection, kTooSlow);
  } else {
    connection.state = Connection::State::closed;
  }
}

}  // namespace codasync::api::transport
