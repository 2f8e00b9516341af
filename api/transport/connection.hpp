#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "api/transport/reactor.hpp"
#include "api/transport/request_reader.hpp"
#include "api/transport/unique_fd.hpp"

namespace codasync::api::transport {

using Clock = std::chrono::steady_clock;

/// Never given twice in a process, so an answer can not reach another client than its own: a
/// descriptor number comes back, an id does not.
using ConnectionId = std::uint64_t;

/// One client's socket and what is known about it. For its worker's thread only.
struct Connection {
  enum class State {
    reading,    // a request, or waiting for one
    answering,  // a request is with the service: no clock runs
    writing,    // an answer that the socket did not take at once
    lingering,  // the last answer is out; reads away what still comes, so that no reset overtakes
                // the answer
    closed,     // to be forgotten
  };

  Connection(UniqueFd socket, ConnectionId its_id, std::size_t request_bytes_max)
      : fd{std::move(socket)}, id{its_id}, reader{request_bytes_max} {}

  /// Writes what the socket takes of `out`.
  /// Returns: whether there was progress or nothing to do; false: the client has gone.
  bool transmit();
  [[nodiscard]] bool all_sent() const noexcept { return sent == out.size(); }

  UniqueFd fd;
  ConnectionId id;
  RequestReader reader;
  State state{State::reading};
  Interest interest{Interest::readable};
  Clock::time_point deadline{Clock::time_point::max()};  // of the state

  // The answer on its way.
  std::string out;
  std::size_t sent{0};
  bool keep_alive{true};  // after it
};

}  // namespace codasync::api::transport
