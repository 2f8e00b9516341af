#pragma once

#include <chrono>
#include <list>

namespace codasync::storage::postgres {

/// Shuts a connection's socket down if no reply arrives in time: libpq would wait without limit for
/// a server that accepts data and does not respond. The waiting thread then sees a closed
/// connection. Threads: constructed and destroyed on the waiting thread.
class ReplyTimeout {
 public:
  /// Requires: the socket stays open until this object is destroyed or has shut it down.
  ReplyTimeout(int socket, std::chrono::milliseconds timeout);
  ~ReplyTimeout();
  ReplyTimeout(const ReplyTimeout&) = delete;
  ReplyTimeout& operator=(const ReplyTimeout&) = delete;

  struct Wait {
    int socket;
    std::chrono::steady_clock::time_point until;
  };

 private:
  std::list<Wait>::iterator wait_;
};

}  // namespace codasync::storage::postgres
