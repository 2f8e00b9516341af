#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "api/transport/connection.hpp"
#include "api/transport/listener.hpp"
#include "api/transport/mailbox.hpp"
#include "api/transport/parser.hpp"
#include "api/transport/reactor.hpp"
#include "api/transport/refusal.hpp"
#include "api/transport/server.hpp"

namespace codasync::api::transport {

/// What the workers, the replies and the server count together. Outlives them all by shared
/// ownership.
struct Tally {
  std::atomic<std::size_t> connections{0};
  std::atomic<std::size_t> in_flight{0};
  std::atomic<bool> draining{false};
  std::atomic<std::size_t> deaf_workers{0};  // do not listen any more
  std::mutex mutex;                          // for `changed` only
  std::condition_variable changed;           // of what a drain waits for

  void left();               // one connection
  void stopped_listening();  // one worker

 private:
  void announce();
};

/// The bytes of an answer, for the worker that has the connection.
struct Answer {
  ConnectionId connection;
  std::string bytes;
  bool keep_alive;
};

using Listeners = std::shared_ptr<const std::vector<Listener>>;

/// One event loop: accepts clients, reads their requests, hands these to the dispatch and writes
/// the answers. Everything but mailbox() belongs to the loop's thread.
class Worker final : public EventHandler {
 public:
  Worker(const ServerOptions& options, Dispatch dispatch, TurnEnd turn_end, Listeners listeners,
         std::shared_ptr<Tally> tally);
  ~Worker() override;

  void attach(Poller& poller) override;
  void on_event(std::uint64_t tag, bool writable) noexcept override;
  void on_turn_end() noexcept override;

  Mailbox<Answer>& mailbox() noexcept { return *mailbox_; }

 private:
  class Sink;

  // Clients.
  void accept_one(const Listener& listener);
  void adopt(UniqueFd socket);
  void pause_listening();
  void resume_listening();
  void stop_listening();

  // One connection.
  void on_readable(Connection& connection);
  void discard(Connection& connection);
  void advance(Connection& connection);
  void dispatch(Connection& connection, RequestReader::Complete message);
  void refuse(Connection& connection, const Refusal& refusal);
  void start_answer(Connection& connection, std::string bytes, bool keep_alive);
  void go_on_writing(Connection& connection);
  void after_answer(Connection& connection);
  void watch(Connection& connection, Interest interest);
  void forget_if_closed(Connection& connection);

  // Answers.
  void answer_here(Answer answer);
  void take_mail();

  // Clock.
  void on_tick();
  void close_idle(Connection& connection);
  void expire(Connection& connection);
  void await_request(Connection& connection);

  const ServerOptions options_;
  const Dispatch dispatch_;
  const TurnEnd turn_end_;
  Listeners listeners_;  // empty when draining; the last worker to let go closes them
  const std::shared_ptr<Tally> tally_;
  const std::shared_ptr<Mailbox<Answer>> mailbox_;
  UniqueFd ticks_;
  Poller* poller_{nullptr};
  Parser parser_;
  std::unordered_map<ConnectionId, std::unique_ptr<Connection>> connections_;
  std::vector<ConnectionId> answered_elsewhere_;  // from within another connection's dispatch
  std::vector<Answer> mail_;
  std::vector<char> bytes_;  // just received
  ConnectionId advancing_{0};
  bool paused_{false};
  bool dispatched_{false};                         // something, since turn_end_ ran
  std::optional<Clock::time_point> polite_until_;  // set while draining
};

}  // namespace codasync::api::transport
