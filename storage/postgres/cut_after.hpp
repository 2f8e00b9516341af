#pragma once

#include <chrono>
#include <list>

namespace codasync::storage::postgres {

/// Ends a connection whose answer does not come in time: libpq waits for ever for a server that is
/// there and silent. Whoever waits on the socket is told that the server closed it.
/// Threads: made and destroyed on the thread that waits.
class CutAfter {
 public:
  /// The socket stays open until this is destroyed or has cut it.
  CutAfter(int socket, std::chrono::milliseconds patience);
  ~CutAfter();
  CutAfter(const CutAfter&) = delete;
  CutAfter& operator=(const CutAfter&) = delete;

  struct Wait {
    int socket;
    std::chrono::steady_clock::time_point until;
  };

 private:
  std::list<Wait>::iterator wait_;
};

}  // namespace codasync::storage::postgres
