#pragma once

#include <string>
#include <utility>

namespace codasync {

/// A text that must not be printed. It has no operator<< on purpose; reveal() is for the code that
/// needs the value.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_{std::move(value)} {}
  [[nodiscard]] const std::string& reveal() const noexcept { return value_; }
  [[nodiscard]] bool empty() const noexcept { return value_.empty(); }

 private:
  std::string value_;
};

}  // namespace codasync
