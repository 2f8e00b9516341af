#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

namespace codasync::test {

/// A TCP proxy on a loopback port that simulates network faults. Each of its connections has its
/// own connection to the target. Threads: any thread may set the mode.
class TcpGate {
 public:
  enum class Mode {
    pass,     // forwards the bytes
    stall,    // accepts connections and forwards nothing; the bytes arrive after the next `pass`
    one_way,  // forwards to the target; its replies arrive after the next `pass`
    delay,    // forwards the bytes 10 ms late
    refuse,   // refuses new connections and resets the existing ones
    cut,      // resets a connection as soon as the client sends on it
  };

  /// `target`: `host:port` with a numeric host, or `unix:/path`.
  explicit TcpGate(const std::string& target);
  ~TcpGate();
  TcpGate(const TcpGate&) = delete;
  TcpGate& operator=(const TcpGate&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  /// Returns when the mode is in force.
  void set(Mode mode);

  /// Resets all present connections.
  void cut_now();

  /// Returns: the number of connections accepted so far.
  [[nodiscard]] std::size_t connections() const noexcept;

 private:
  class Worker;
  std::unique_ptr<Worker> worker_;
  std::uint16_t port_;
};

}  // namespace codasync::test
