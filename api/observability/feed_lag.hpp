#pragma once

#include <chrono>
#include <deque>

#include "storage/change_feed.hpp"
#include "storage/mutex.hpp"

namespace codasync::api {

/// How far the change feed is behind: the longest time for which a committed change can be missing,
/// because an older transaction still runs. It is exact to the interval between two notes, a second
/// (storage/housekeeper.hpp). Threads: safe concurrently.
class FeedLag {
 public:
  using Clock = std::chrono::steady_clock;

  /// Stores a horizon that was read just now.
  void note(const storage::FeedHorizon& read, Clock::time_point now = Clock::now());

  /// Returns: the lag now; 0 before the first note.
  [[nodiscard]] std::chrono::milliseconds behind(Clock::time_point now = Clock::now()) const;

 private:
  struct Note {
    storage::TransactionNumber newest;
    Clock::time_point at;
  };

  mutable Mutex mutex_;
  storage::TransactionNumber horizon_ CODASYNC_GUARDED_BY(mutex_){0};
  // The newest note whose transactions have all ended, and those after it.
  std::deque<Note> notes_ CODASYNC_GUARDED_BY(mutex_);
};

}  // namespace codasync::api
