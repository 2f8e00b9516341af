#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace codasync {

/// The id of a row. Each table has its own type, so a shop's id cannot be passed as a reading's.
template <class Tag>
class Id {
 public:
  constexpr explicit Id(std::int64_t value) noexcept : value_{value} {}
  [[nodiscard]] constexpr std::int64_t value() const noexcept { return value_; }
  friend constexpr auto operator<=>(Id, Id) = default;

 private:
  std::int64_t value_;
};

using ShopId = Id<struct ShopTag>;
using ReadingId = Id<struct ReadingTag>;
using TokenId = Id<struct TokenTag>;

}  // namespace codasync

template <class Tag>
struct std::hash<codasync::Id<Tag>> {
  std::size_t operator()(codasync::Id<Tag> id) const noexcept {
    return std::hash<std::int64_t>{}(id.value());
  }
};
