#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "api/transport/unique_fd.hpp"

namespace codasync::api::transport {

/// Returns: what is wrong with `unix:/path` or `address:port` (numeric, IPv6 in brackets); empty:
/// nothing.
std::optional<std::string> problem_of_address(const std::string& address);

/// A listening socket.
///
/// A Unix socket is bound beside its path and renamed onto it, so a new process takes the path over
/// from an old one without a moment in which a client finds nobody. Its mode is 0666: the directory
/// decides who may connect.
class Listener {
 public:
  /// Throws: std::system_error naming the address, also when something that is not a socket has the
  /// path.
  explicit Listener(const std::string& address);
  Listener(Listener&&) noexcept = default;
  Listener& operator=(Listener&&) = delete;

  /// Removes the path of a Unix socket, unless a newer process has taken it over.
  ~Listener();

  /// Returns: the address that is bound, with the real port where 0 was asked for.
  [[nodiscard]] const std::string& address() const noexcept { return address_; }
  [[nodiscard]] bool is_tcp() const noexcept { return path_.empty(); }
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

  /// Returns: the next client, without blocking; none with errno when there is none or no
  /// descriptor is left.
  [[nodiscard]] UniqueFd accept() const;

  /// From now on connecting to a Unix socket is refused; clients in the queue can still be
  /// accepted. TCP cannot do this: there, who comes between the last accept and the close is reset.
  void refuse_more() const;

 private:
  void listen_on_path();
  void listen_on_tcp();

  std::string address_;
  std::string path_;  // of a Unix socket
  UniqueFd fd_;
  dev_t device_{0};  // of the path we made: who has it now?
  ino_t inode_{0};
};

}  // namespace codasync::api::transport
