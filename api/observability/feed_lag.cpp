#include "api/observability/feed_lag.hpp"

#include <algorithm>

namespace codasync::api {
namespace {

constexpr std::size_t kNotesMax = 1000;  // more seconds than any transaction may last
constexpr std::chrono::milliseconds kBetweenNotes{100};
constexpr std::chrono::seconds kRestored{10};

}  // namespace

void FeedLag::note(const storage::FeedHorizon& read, Clock::time_point now) {
  const MutexLock hold{mutex_};
  if (!notes_.empty() && read.newest < notes_.back().newest) {
    // Another thread was faster; or the database was restored and counts from a lower number.
    if (now - notes_.back().at < kRestored) return;
    notes_.clear();
    horizon_ = 0;
  }
  horizon_ = std::max(horizon_, read.horizon);
  if (read.newest <= horizon_) {
    notes_.assign({{read.newest, now}});
  } else if (!notes_.empty() && notes_.back().newest == read.newest) {
    notes_.back().at = now;
  } else if (notes_.empty() ||
             (now - notes_.back().at >= kBetweenNotes && notes_.size() < kNotesMax)) {
    notes_.push_back({read.newest, now});
  }
  while (notes_.size() > 1 && notes_[1].newest <= horizon_) notes_.pop_front();
}

std::chrono::milliseconds FeedLag::behind(Clock::time_point now) const {
  const MutexLock hold{mutex_};
  // Of the newest note all transactions have ended: nothing was missing then.
  if (notes_.empty() || notes_.back().newest <= horizon_) return std::chrono::milliseconds{0};
  return std::chrono::duration_cast<std::chrono::milliseconds>(now - notes_.front().at);
}

}  // namespace codasync::api
