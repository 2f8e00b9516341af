#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "api/transport/reactor.hpp"
#include "api/transport/request_reader.hpp"
#include "api/transport/upload.hpp"
#include "storage/unique_fd.hpp"

namespace codasync::api::transport {

using Clock = std::chrono::steady_clock;

/// Unique in a process, so that a response cannot reach another client: the kernel reuses
/// descriptor numbers.
using ConnectionId = std::uint64_t;

/// One client's socket and its state. Threads: its worker's only.
struct Connection {
  enum class State {
    reading,    // a request, or waiting for one
    serving,    // the service has a request: no deadline
    receiving,  // the same, and the service waits for a piece of its body
    writing,    // the socket did not take the whole response at once
    streaming,  // sends a response piece by piece; what arrives is read and discarded
    ending,     // the same, after the last piece
    lingering,  // the last response is sent; what still arrives is read and discarded, so that no
                // reset overtakes the response
    closed,     // to be removed
  };

  Connection(UniqueFd socket, ConnectionId its_id, bool over_tcp, RequestReader its_reader)
      : fd{std::move(socket)}, id{its_id}, is_tcp{over_tcp}, reader{std::move(its_reader)} {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() {
    shared->gone = true;
    if (upload) upload->fail({400, "malformed-request", "The body is not complete."});
  }

  /// Writes as much of `out` as the socket takes.
  /// Returns: false when the connection is lost.
  bool transmit();
  /// Returns: whether nothing of `out` is left.
  [[nodiscard]] bool all_sent() const noexcept { return sent == out.size(); }

  /// Reads what has arrived into `buffer`, up to its size. Returns: the bytes; empty: none. The
  /// state is `closed` after the end of the client's data and after a loss of the connection.
  std::string_view receive(std::span<char> buffer);

  [[nodiscard]] bool in_stream() const noexcept {
    return state == State::streaming || state == State::ending;
  }

  /// Adds bytes to what is not sent yet.
  void append(std::string_view bytes);

  UniqueFd fd;
  ConnectionId id;
  bool is_tcp;

  /// What replies and streams on other threads see of a connection.
  struct Shared {
    std::atomic<bool> gone{false};        // set by the destructor
    std::atomic<std::size_t> waiting{0};  // bytes of a stream that the socket has not taken
  };
  const std::shared_ptr<Shared> shared{std::make_shared<Shared>()};
  RequestReader reader;
  std::shared_ptr<Upload> upload;  // of the request that the service has
  State state{State::reading};
  Interest interest{Interest::readable};
  Clock::time_point deadline{Clock::time_point::max()};  // of the state

  std::string out;  // the response
  std::size_t sent{0};
  bool keep_alive{true};  // after the response
};

}  // namespace codasync::api::transport
