#pragma once

#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>

#include "cache/address.hpp"
#include "cache/observer.hpp"

namespace codasync::cache {

/// A server that could not be reached, hung up, or said something unexpected.
class TextFailure : public std::runtime_error {
 public:
  TextFailure(Loss loss, const std::string& log_detail)
      : std::runtime_error{log_detail}, loss_{loss} {}
  [[nodiscard]] Loss loss() const noexcept { return loss_; }

 private:
  Loss loss_;
};

/// A socket of our own.
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

/// Memcached's text protocol, for commands whose answer is one line that says yes: DELETED or
/// NOT_FOUND to a delete, OK to flush_all. Many are under way at once, which libmemcached cannot do
/// without giving the answers up. Never blocks except to connect.
/// Threads: one at a time.
class TextConnection {
 public:
  /// Throws: TextFailure when the server cannot be reached within `timeout`.
  TextConnection(Address address, std::chrono::milliseconds timeout);

  /// Begins a round. `commands` ends with a line end and has `count` lines.
  /// Requires: the round before is done().
  void begin(std::string commands, std::size_t count);

  /// Sends and reads as much as goes without waiting. A server that has hung up on a connection
  /// from an earlier round, which it may have done long ago, is connected again once and the round
  /// starts over: right for commands that may be done twice, and deletes are. Throws: TextFailure.
  void advance();

  [[nodiscard]] bool done() const noexcept { return missing_ == 0; }

  /// What to poll for, until done().
  [[nodiscard]] int descriptor() const noexcept { return socket_.descriptor(); }
  [[nodiscard]] short events() const noexcept;

  /// Returns: whether another round may begin: nothing failed and nothing is under way.
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
  std::size_t missing_{0};  // answers
  std::string unread_;      // the beginning of a line
};

/// Runs one command on a connection of its own. Returns once it is acknowledged.
/// Throws: TextFailure; Loss::silent when there is no answer within `answer_timeout`.
void run_command(const Address& address, std::string command,
                 std::chrono::milliseconds connect_timeout,
                 std::chrono::milliseconds answer_timeout);

}  // namespace codasync::cache
