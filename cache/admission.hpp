#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace codasync::cache {

/// Says which entries are worth storing after a miss. Few misses at a time are all stored. Of many,
/// and for a moment after them, only those whose key was missed before: most of the others are not
/// read again before they end (the doorkeeper of TinyLFU: Einziger, Friedman and Manes, 2017). A
/// key stays in the table until another one takes its place, on average after `kPlaces` others.
/// Threads: safe concurrently; a race, or two keys with one hash, at most let a key count as known
/// or as new.
class Admission {
 public:
  /// A miss in progress, until its end.
  class Miss {
   public:
    explicit Miss(Admission& admission) : admission_{admission} {
      if (++admission_.in_progress_ > kFew) admission_.many_at_ = Clock::now();
    }
    ~Miss() { --admission_.in_progress_; }
    Miss(const Miss&) = delete;
    Miss& operator=(const Miss&) = delete;

   private:
    Admission& admission_;
  };

  /// Notes the key of a miss. Returns: whether its entry is to be stored.
  [[nodiscard]] bool admits(std::string_view key) {
    const bool known = note(key);
    return known || Clock::now() - many_at_.load() > kMoment;
  }

 private:
  using Clock = std::chrono::steady_clock;

  // Storing so few costs little, and the next reader gets a hit. Under a load of more misses a fill
  // costs PostgreSQL nearly as much again as the query.
  static constexpr std::size_t kFew = 16;
  // Under such a load the clients' next misses begin one by one.
  static constexpr std::chrono::milliseconds kMoment{100};
  static constexpr std::size_t kPlaces = std::size_t{1} << 19U;  // 2 MB
  using Marks = std::vector<std::atomic<std::uint32_t>>;

  /// Returns: whether the key was in the table.
  bool note(std::string_view key) {
    const std::uint64_t hash = std::hash<std::string_view>{}(key);
    const auto mark = static_cast<std::uint32_t>(hash >> 32U) | 1U;  // 0: an empty place
    return marks_[hash % kPlaces].exchange(mark, std::memory_order_relaxed) == mark;
  }

  Marks marks_ = Marks(kPlaces);
  std::atomic<std::size_t> in_progress_{0};
  std::atomic<Clock::time_point> many_at_{Clock::time_point{}};
};

}  // namespace codasync::cache
