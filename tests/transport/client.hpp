#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "storage/unique_fd.hpp"

namespace codasync::test {

struct Received {
  int status{0};
  std::string head;  // status line and headers
  std::string body;

  /// Returns: the value of a header, by its exact name.
  [[nodiscard]] std::optional<std::string> header(std::string_view name) const;
};

/// A client of raw bytes, so that it can send what no library sends. It waits up to `timeout` for
/// bytes, so a test sees a response that never arrives.
class Client {
 public:
  /// `address` as Server::addresses() returns it. Throws: std::runtime_error.
  explicit Client(const std::string& address,
                  std::chrono::milliseconds timeout = std::chrono::seconds{10});

  /// Returns: whether everything was taken.
  bool send(std::string_view bytes);
  void send_get(std::string_view target, std::string_view headers = {});
  void half_close();
  /// Like a process that is killed: unread bytes are discarded, over TCP with a reset.
  void vanish();

  /// Returns: the next response; empty when the connection ended or nothing arrived.
  std::optional<Received> receive(bool to_head = false);

  /// Returns: the next chunk of a body that has no length, empty at its end; nothing when the
  /// connection ended or no chunk arrived.
  std::optional<std::string> receive_chunk();

  /// Returns: everything up to the end of the connection.
  std::string receive_rest();

  /// Returns: whether the server closed the connection, with nothing more to read.
  bool closed_by_server();

  /// Returns: whether the server has closed the connection, without waiting or reading.
  [[nodiscard]] bool ended() const;

  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  bool read_more();

  UniqueFd fd_;
  std::chrono::milliseconds timeout_;
  std::string buffer_;
  bool ended_{false};
};

}  // namespace codasync::test
