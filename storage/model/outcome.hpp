#pragma once

#include <cassert>
#include <utility>
#include <variant>

namespace codasync {

/// A value, or the reason why it is missing. For refusals, which the caller handles. The failure of
/// a dependency is an exception (storage/errors.hpp), a bug an assertion. Threads: like the
/// contained values.
template <class T, class E>
class [[nodiscard]] Outcome {
 public:
  // NOLINTNEXTLINE: implicit on purpose
  Outcome(T value) : state_{std::in_place_index<0>, std::move(value)} {}
  // NOLINTNEXTLINE: implicit on purpose
  Outcome(E error) : state_{std::in_place_index<1>, std::move(error)} {}

  explicit operator bool() const noexcept { return state_.index() == 0; }

  /// Requires: the outcome is a value.
  const T& value() const& {
    assert(*this);
    return *std::get_if<0>(&state_);
  }
  T&& value() && {
    assert(*this);
    return std::move(*std::get_if<0>(&state_));
  }
  const T& operator*() const& { return value(); }
  const T* operator->() const { return &value(); }

  /// Requires: the outcome is an error.
  const E& error() const {
    assert(!*this);
    return *std::get_if<1>(&state_);
  }

 private:
  std::variant<T, E> state_;
};

}  // namespace codasync
