#include "api/observability/activity.hpp"

#include <algorithm>
#include <utility>

namespace codasync::api {
namespace {

/// A counter that is smaller than before was reset.
std::optional<std::int64_t> grown(const std::optional<std::int64_t>& before,
                                  const std::optional<std::int64_t>& after) {
  if (!before || !after || *after < *before) return std::nullopt;
  return *after - *before;
}

MinuteOfActivity until(const MinuteOfActivity& begin, const ActivityCounts& now) {
  const auto& then = begin.counts;
  MinuteOfActivity minute{begin.begins,
                          {grown(then.writes, now.writes), grown(then.look_ups, now.look_ups),
                           grown(then.hits, now.hits)}};
  // Both come from the same servers, and are compared.
  auto& counts = minute.counts;
  if (!counts.look_ups || !counts.hits) counts.look_ups = counts.hits = std::nullopt;
  return minute;
}

}  // namespace

Activity::Activity(std::function<ActivityCounts()> read, std::chrono::milliseconds interval)
    : read_{std::move(read)}, interval_{interval}, thread_{[this](const std::stop_token& stop) {
        run(stop);
      }} {}

std::vector<MinuteOfActivity> Activity::last(std::size_t minutes) {
  std::vector<MinuteOfActivity> found;
  {
    const MutexLock hold{mutex_};
    if (!current_ || minutes == 0) return {};
    const auto finished = std::min(over_.size(), minutes - 1);
    found.assign(over_.end() - static_cast<std::ptrdiff_t>(finished), over_.end());
    found.push_back(*current_);
  }
  found.back() = until(found.back(), read_());
  return found;
}

void Activity::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto counters = read_();
    MutexLock hold{mutex_};
    const auto time = now();
    if (current_) over_.push_back(until(*current_, counters));
    if (over_.size() >= kMinutesMax) over_.pop_front();
    current_ = MinuteOfActivity{std::chrono::floor<std::chrono::minutes>(time), counters};
    const auto elapsed = time.time_since_epoch() % interval_;
    stopped_.wait_for(hold, stop, interval_ - elapsed, [] { return false; });
  }
}

}  // namespace codasync::api
