#pragma once

#include <stdexcept>
#include <string>

namespace codasync {

/// A dependency is unavailable; nothing was changed. A client may try again. what() is for the log
/// only; dependency() may be shown to clients.
class Unavailable : public std::runtime_error {
 public:
  Unavailable(std::string dependency, const std::string& log_detail)
      : std::runtime_error{dependency + ": " + log_detail}, dependency_{std::move(dependency)} {}
  [[nodiscard]] const std::string& dependency() const noexcept { return dependency_; }

 private:
  std::string dependency_;  // "postgres", "memcached" or "queue": a metric's label
};

/// The connection was lost during COMMIT: it is not known whether the transaction committed.
class InDoubt : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace codasync
