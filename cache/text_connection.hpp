#pragma once

#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>

#include "cache/address.hpp"
#include "cache/unreachable.hpp"

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

/// Owns a socket.
class Socket {
 public:
  explicit Socket(int descriptor) noexcept : descriptor_{descriptor} {}
  Socket(Socket&& other) noexcept : descriptor_{std::exchange(other.descriptor_, -1)} {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~Socket();
  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

 private:
  int descriptor_;  // -1: none
};

/// Throws: TextFailure when the server cannot be reached within `timeout`.
Socket connect_to(const Address& address, std::chrono::milliseconds timeout);

/// Memcached's text protocol, for commands with a reply of one line: DELETED or NOT_FOUND to a
/// delete, OK to flush_all. Sends many before it reads the replies, which libmemcached can do only
/// without replies (NOREPLY). Never blocks except to connect.
/// Threads: one at a time.
class TextConnection {
 public:
  /// Throws: TextFailure when the server cannot be reached within `timeout`.
  TextConnection(Address address, std::chrono::milliseconds timeout);

  /// Starts a round. `commands` ends with a line end and has `count` lines.
  /// Requires: the round before is done().
  void begin(std::string commands, std::size_t count);

  /// Sends and reads as much as is possible without waiting. If the server has closed a connection
  /// of an earlier round, this connects once more and repeats the round: right for commands that
  /// may be executed twice, as deletes. Throws: TextFailure.
  void advance();

  [[nodiscard]] bool done() const noexcept { return missing_ == 0; }

  /// For poll(), until done().
  [[nodiscard]] int descriptor() const noexcept { return socket_.descriptor(); }
  [[nodiscard]] short events() const noexcept;

  /// Returns: whether another round may start: no failure, and no reply is missing.
  [[nodiscard]] bool usable() const noexcept { return done() && unread_.empty(); }

 private:
  void send_some();
  void read_some();
  void take_lines();
  void start_over();

  const Address address_;
  const std::chrono::milliseconds timeout_;
  Socket socket_;
  bool reused_{false};  // the socket is older than this round
  std::string commands_;
  std::size_t count_{0};
  std::size_t sent_{0};     // bytes of commands_
  std::size_t missing_{0};  // replies
  std::string unread_;      // the first part of a line
};

/// Runs one command on a new connection. Returns when it is acknowledged.
/// Throws: TextFailure; Unreachable::no_response without a reply within `answer_timeout`.
void run_command(const Address& address, std::string command,
                 std::chrono::milliseconds connect_timeout,
                 std::chrono::milliseconds answer_timeout);

}  // namespace codasync::cache
