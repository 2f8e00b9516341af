#pragma once

#include <sys/types.h>

#include <string>

#include "storage/unique_fd.hpp"

namespace codasync::api::transport {

/// What to do when another process listens on a Unix socket's path.
enum class IfInUse { fail, take_over };

/// A listening socket.
///
/// A Unix socket is bound beside its path and then renamed onto it, so that clients always find a
/// socket while a new process takes the path over from an old one. A stale socket, which no process
/// listens on, is replaced. A file that is not a socket, and a socket of another user, are never
/// removed. Its mode is 0666: the directory decides who may connect. Threads: accept() and
/// refuse_more() are safe concurrently.
class Listener {
 public:
  /// Throws: std::system_error naming the address; its code is std::errc::address_in_use when
  /// another process listens there.
  explicit Listener(const std::string& address, IfInUse if_in_use = IfInUse::fail);
  Listener(Listener&&) noexcept = default;
  Listener& operator=(Listener&&) = delete;

  /// Removes the file of a Unix socket, unless another process has taken the path over.
  ~Listener();

  /// Returns: the address that is bound, with the real port where 0 was requested.
  [[nodiscard]] const std::string& address() const noexcept { return address_; }
  [[nodiscard]] bool is_tcp() const noexcept { return path_.empty(); }
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

  /// Returns: the next client, without blocking; an empty descriptor and errno when no client waits
  /// or no descriptor is left.
  [[nodiscard]] UniqueFd accept() const;

  /// New connections to a Unix socket are refused after this; clients in the queue can still be
  /// accepted. It has no effect on TCP: a client that connects between the last accept and the
  /// close is reset.
  void refuse_more() const;

 private:
  void check_path(IfInUse if_in_use) const;
  void listen_on_path();
  void listen_on_tcp();

  std::string address_;
  std::string path_;  // of a Unix socket
  UniqueFd fd_;
  dev_t device_{0};  // of the created socket file: another process may have replaced it
  ino_t inode_{0};
};

}  // namespace codasync::api::transport
