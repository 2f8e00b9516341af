#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

namespace codasync::test {

/// A proxy on a loopback port that can fail as networks do. Each connection to it is one to the
/// target. Threads: modes may be set from anywhere.
class TcpGate {
 public:
  enum class Mode {
    pass,     // moves the bytes
    stall,    // accepts, and moves nothing; what was sent meanwhile arrives when it passes again
    one_way,  // the target hears everything; what it answers arrives when it passes again
    delay,    // moves the bytes a hundredth of a second late
    refuse,   // no port: connections are refused, those that exist are reset
    cut,      // resets every connection as soon as somebody sends on it
  };

  /// `target`: `host:port` with a numeric host, or `unix:/path`.
  explicit TcpGate(const std::string& target);
  ~TcpGate();
  TcpGate(const TcpGate&) = delete;
  TcpGate& operator=(const TcpGate&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  /// Returns when the gate behaves so.
  void set(Mode mode);

  /// Resets every connection, once.
  void cut_now();

  /// Returns: number of connections accepted so far.
  [[nodiscard]] std::size_t connections() const noexcept;

 private:
  class Worker;
  std::unique_ptr<Worker> worker_;
  std::uint16_t port_;
};

}  // namespace codasync::test
