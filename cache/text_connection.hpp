#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "cache/address.hpp"
#include "cache/unreachable.hpp"
#include "storage/unique_fd.hpp"

namespace codasync::cache {

/// The connection to a server failed, or the server closed it or sent an unexpected reply.
class TextFailure : public std::runtime_error {
 public:
  TextFailure(Unreachable reason, const std::string& log_detail)
      : std::runtime_error{log_detail}, reason_{reason} {}
  [[nodiscard]] Unreachable reason() const noexcept { return reason_; }

 private:
  Unreachable reason_;
};

/// Throws: TextFailure when the server cannot be reached within `timeout`, or its name is not
/// resolved yet.
UniqueFd connect_to(const Address& address, std::chrono::milliseconds timeout);

/// Takes the reply to command `number` off the front of `bytes`. Returns: its length; 0 when a part
/// of it is missing. Throws: TextFailure for any other text.
using TakeReply = std::function<std::size_t(std::size_t number, std::string_view bytes)>;

/// Returns: the line at the front of `bytes`, without its end; nothing when the end is missing.
/// Throws: TextFailure for a line that is longer than any reply.
std::optional<std::string_view> reply_line(std::string_view bytes);

/// Throws: TextFailure for a reply that belongs to another command.
[[noreturn]] void refuse_reply(std::string_view line);

/// Takes DELETED or NOT_FOUND, the replies to a delete, and OK, the reply to flush_all.
std::size_t take_acknowledgement(std::size_t number, std::string_view bytes);

class TextConnection;

/// Runs on each new connection before its first round. Throws: TextFailure when it must not be
/// used.
using CheckConnection = std::function<void(TextConnection&)>;

/// Whether a round may be sent a second time.
enum class Repeat { no, yes };

/// Memcached's text protocol. Sends many commands before it reads the replies, which libmemcached
/// can do only without replies (NOREPLY) or for look-ups. Never blocks except to connect and to
/// check the new connection.
/// Threads: one at a time.
class TextConnection {
 public:
  /// Throws: TextFailure when the server cannot be reached within `timeout`, and what `check`
  /// throws.
  TextConnection(Address address, std::chrono::milliseconds timeout, CheckConnection check = {});

  /// Starts a round of `count` commands, each with one reply. If the server has closed a connection
  /// of an earlier round, the round is repeated on a new one where `repeat` allows it.
  /// Requires: the round before is done().
  void begin(std::string commands, std::size_t count, TakeReply take = &take_acknowledgement,
             Repeat repeat = Repeat::yes);

  /// Sends and reads as much as is possible without waiting. Throws: TextFailure.
  void advance();

  [[nodiscard]] bool done() const noexcept { return missing_ == 0; }

  /// For poll(), until done().
  [[nodiscard]] int descriptor() const noexcept { return socket_.get(); }
  [[nodiscard]] short events() const noexcept;

  /// Returns: whether another round may start: no failure, and no reply is missing.
  [[nodiscard]] bool usable() const noexcept { return done() && unread_.empty(); }

 private:
  void send_some();
  void read_some();
  void take_replies();
  void start_over();

  const Address address_;
  const std::chrono::milliseconds timeout_;
  const CheckConnection check_;
  UniqueFd socket_;
  bool reused_{false};  // the socket is older than this round
  std::string commands_;
  TakeReply take_;
  Repeat repeat_{Repeat::yes};
  std::size_t count_{0};
  std::size_t sent_{0};     // bytes of commands_
  std::size_t missing_{0};  // replies
  std::string unread_;      // the first part of a reply
};

/// Completes the rounds of several connections, which overlap. Waits `answer_timeout` for the next
/// piece of any reply, and twenty of them in total, because a round can be long. `failed` is called
/// with the position of each connection whose round fails, which is then not usable; it may throw.
void complete(std::span<TextConnection* const> connections,
              std::chrono::milliseconds answer_timeout,
              const std::function<void(std::size_t, const TextFailure&)>& failed);

/// Runs one command on a new connection. Returns when it is acknowledged.
/// Throws: TextFailure; Unreachable::no_response without a reply within `answer_timeout`.
void run_command(const Address& address, std::string command,
                 std::chrono::milliseconds connect_timeout,
                 std::chrono::milliseconds answer_timeout);

}  // namespace codasync::cache
