#pragma once

#include <random>
#include <string>
#include <vector>

#include "tests/service/naive_fold.hpp"

// Random operations on a reading, orders in which they may arrive, and their texts.

namespace codasync::test::naive {

/// Seeded by what the numbers say, so that each set and each order can be had again alone.
class Random {
 public:
  explicit Random(std::initializer_list<std::uint64_t> numbers);

  /// Returns: a number of 0…count - 1. Requires: count > 0.
  std::size_t below(std::size_t count) { return static_cast<std::size_t>(engine_() % count); }
  bool one_in(std::size_t count) { return below(count) == 0; }

 private:
  std::mt19937_64 engine_;
};

/// The most operations of a set: one page of a history shows them all.
inline constexpr std::size_t kSetMax = 1'000;

/// Returns: a set of `count` operations. Few moments and dates, so that ties are frequent; the
/// first operation is a sighting, check or count. Voids name any other operation, also the same
/// one twice. Requires: 0 < count <= kSetMax.
std::vector<Operation> draw_set(Random& random, std::size_t count);

/// Returns: the indices of all operations in a random order in which a client can send them: a
/// recording first, which creates the reading, and each void after its target.
std::vector<std::size_t> draw_order(Random& random, const std::vector<Operation>& operations);

[[nodiscard]] bool is_record(Kind kind);
[[nodiscard]] std::string name_of(Kind kind);
[[nodiscard]] std::string to_text(const Operation& operation);
[[nodiscard]] std::string to_text(const Shown& shown);

}  // namespace codasync::test::naive
