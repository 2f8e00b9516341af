#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace codasync::cache {

/// Says which entries are worth storing after a miss. Few misses at a time are all stored. Of many,
/// only those whose key was missed before: most of the others are not read again before they end
/// (the doorkeeper of TinyLFU: Einziger, Friedman and Manes, 2017). A key stays in the
/// table until another one takes its place, on average after `kPlaces` others. Threads: safe
/// concurrently; a race, or two keys with one hash, at most let a key count as known or as new.
class Admission {
 public:
  /// Misses that are read together. Threads: one.
  class Batch {
   public:
    Batch(Admission& admission, std::size_t misses)
        : admission_{admission},
          misses_{misses},
          few_{admission.in_progress_.fetch_add(misses) + misses <= kFew} {}
    ~Batch() { answered(misses_); }
    Batch(const Batch&) = delete;
    Batch& operator=(const Batch&) = delete;

    /// Notes the key. Returns: whether its entry is to be stored.
    [[nodiscard]] bool admits(std::string_view key) {
      const bool known = admission_.note(key);
      return known || few_;
    }

    /// So many of the misses are not in progress any more. Requires: is called before their clients
    /// get the answers, so that never more misses count than there are clients.
    void answered(std::size_t misses) {
      misses_ -= misses;
      admission_.in_progress_.fetch_sub(misses);
    }

   private:
    Admission& admission_;
    std::size_t misses_;  // in progress
    const bool few_;
  };

 private:
  // Storing so few costs little, and the next reader gets a hit. Under a load of more misses a fill
  // costs PostgreSQL nearly as much again as the query.
  static constexpr std::size_t kFew = 16;
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
};

}  // namespace codasync::cache
