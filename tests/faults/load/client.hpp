#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace codasync::faults {

/// One answer; views into the client's buffer, good until its next request.
struct Answer {
  int status{0};
  std::string_view etag;  // with its quotes; empty: none
  std::string_view body;
};

/// A persistent HTTP connection with at most one request under way, driven by epoll. The server may
/// vanish, stop or send malformed bytes at any time: that is `lost`. Threads: one.
class Client {
 public:
  Client(int epoll, std::uint64_t number, std::uint16_t port)
      : epoll_{epoll}, number_{number}, port_{port} {}
  ~Client() { drop(); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  enum class Progress { waiting, answered, lost };

  /// Begins a request; connects first where that is needed. A response to HEAD has no body, one in
  /// gzip is decompressed. Returns: waiting or lost.
  Progress send(std::string request);

  /// Continues after the socket became ready. After `lost` the connection is closed.
  Progress advance();

  [[nodiscard]] const Answer& answer() const noexcept { return answer_; }

  /// Closes the connection; a request under way stays without an answer.
  void drop();

 private:
  bool connect();
  [[nodiscard]] bool push();
  Progress parse();

  const int epoll_;
  const std::uint64_t number_;
  const std::uint16_t port_;
  int socket_{-1};
  std::string request_;
  std::size_t sent_{0};
  std::string received_;
  std::size_t scanned_{0};  // no end of the head before it
  std::string joined_;      // the body without the heads of its chunks
  std::string inflated_;
  bool close_after_{false};
  Answer answer_;
};

}  // namespace codasync::faults
