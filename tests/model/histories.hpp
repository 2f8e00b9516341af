#pragma once

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <random>
#include <vector>

#include "tests/model/events.hpp"

namespace codasync::test {

/// Random histories of a reading with many equal values: few times, few dates, small numbers.
class Histories {
 public:
  explicit Histories(std::uint64_t seed) : engine_{seed} {}

  int pick(int low, int high) {
    return low + static_cast<int>(engine_() % static_cast<std::uint64_t>(high - low + 1));
  }

  std::optional<ShelfDate> some_date() {
    static constexpr std::optional<DateKind> kKinds[] = {DateKind::use_by, DateKind::sell_by,
                                                         DateKind::best_before, std::nullopt};
    if (pick(0, 4) == 0) return std::nullopt;
    return december(static_cast<unsigned>(pick(1, 6)), kKinds[pick(0, 3)]);
  }

  std::optional<std::int64_t> some_quantity() {
    if (pick(0, 3) != 0) return std::nullopt;
    return pick(0, 9);
  }

  /// Returns: any event except a void, observed in one of `seconds` seconds.
  Event some_event(int seconds = 10) {
    const auto second = pick(0, seconds - 1);
    switch (pick(0, 9)) {
      case 0:
      case 1:
        return check(second, some_date(), some_quantity());
      case 2:
        return count(second, pick(0, 9));
      case 3:
      case 4:
      case 5:
        return adjust(second, pick(-5, 5));
      case 6:
        return removal(second);
      default:
        return sighting(second, some_date(), some_quantity());
    }
  }

  /// Returns: events with voids of some of them; a void can precede its target.
  std::vector<Event> some_history(int size_max = 14, int seconds = 10) {
    std::vector<Event> events;
    for (int left = pick(1, size_max); left > 0; --left) {
      const bool is_void = !events.empty() && pick(0, 9) == 0;
      events.push_back(is_void ? void_of(some_of(events), pick(0, seconds - 1))
                               : some_event(seconds));
    }
    return events;
  }

  void shuffle(std::vector<Event>& events) {
    for (std::size_t i = events.size(); i > 1; --i) {
      std::swap(events[i - 1], events[static_cast<std::size_t>(pick(0, static_cast<int>(i) - 1))]);
    }
  }

  const Event& some_of(const std::vector<Event>& events) {
    return events[static_cast<std::size_t>(pick(0, static_cast<int>(events.size()) - 1))];
  }

 private:
  std::mt19937_64 engine_;
};

/// Returns: CODASYNC_TEST_SEED, or a random seed.
inline std::uint64_t seed_of_this_run() {
  const char* given = std::getenv("CODASYNC_TEST_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
}

}  // namespace codasync::test
