#include "storage/ledger/reading_history.hpp"

#include <algorithm>
#include <cassert>
#include <iterator>

namespace codasync::storage {
namespace {

/// The newest few segments are mostly sufficient.
constexpr std::size_t kSegmentsAtFirst = 16;
constexpr std::size_t kSegmentsAtATime = 1024;

/// Returns: the last time before `at`.
Instant before(Instant at) { return at - Instant::duration{1}; }

Instant moment_of(const LedgerEvent& line) { return line.event.observed_at; }

}  // namespace

void ReadingHistory::add(const Event& event) {
  assert(event.kind != EventKind::void_event);
  added_.push_back(event);
  const auto at = event.observed_at;
  if (at <= sealed()) {
    fold_again(at, 1);
  } else {
    ++state_.tail;
    if (!state_.newest_at || at > *state_.newest_at) {
      state_.shelf = then(state_.shelf, event);
    } else {
      fold_late(event);
    }
  }
  state_.newest_at = std::max(state_.newest_at, std::optional{at});
}

void ReadingHistory::add_voided(const Event& event) {
  assert(event.kind != EventKind::void_event);
  added_.push_back(event);
  voided_.insert(event.id);
  const auto at = event.observed_at;
  if (at <= sealed()) {
    fold_again(at, 1);
  } else {
    ++state_.tail;
  }
  state_.newest_at = std::max(state_.newest_at, std::optional{at});
}

void ReadingHistory::fold_late(const Event& event) {
  switch (history_needed(state_.shelf, event)) {
    case HistoryNeeded::nothing:
      state_.shelf = codasync::fold_late(state_.shelf, event, {});
      return;
    case HistoryNeeded::from_event: {
      const auto since = between(before(event.observed_at), Instant::max());
      state_.shelf = codasync::fold_late(state_.shelf, event, summary_of(since));
      return;
    }
    case HistoryNeeded::all:
      fold_again(event.observed_at, 0);
      return;
  }
  __builtin_unreachable();
}

void ReadingHistory::void_events(std::span<const Event> events) {
  assert(!events.empty());
  auto oldest = Instant::max();
  for (const auto& event : events) {
    voided_.insert(event.id);
    oldest = std::min(oldest, event.observed_at);
    if (event.observed_at > sealed()) continue;
    // Its segment gets another summary; the state is folded again below.
    auto& known = segment_at(event.observed_at);
    known.segment.summary = summary_of(between(*known.after, known.segment.until));
    known.changed = true;
  }
  fold_again(oldest, 0);
}

/// An event was added or voided at `at`: folds its segment again, then everything that still has
/// influence.
void ReadingHistory::fold_again(Instant at, std::int64_t events_more) {
  if (at <= sealed()) {
    auto& known = segment_at(at);
    known.segment.events += events_more;
    known.segment.summary = summary_of(between(*known.after, known.segment.until));
    known.changed = true;
    if (known.segment.events > kSegmentMax) split(known);
  }
  auto rest = summary_of(between(sealed(), Instant::max()));
  // From the newest segment backwards, until older segments have no influence.
  auto next = Instant::max();
  while (!rest.is_complete()) {
    auto older = known_.lower_bound(next);
    if (older == known_.begin() || std::prev(older)->first < known_from_) {
      if (!read_older_segments()) break;
      continue;
    }
    --older;
    rest = then(older->second.segment.summary, rest);
    next = older->first;
  }
  state_.shelf = then(Shelf{}, rest);
}

/// Reads the next older segments. Returns: false when all segments are known already.
bool ReadingHistory::read_older_segments() {
  if (known_from_ == kBeginning) return false;
  ++reads_;
  const auto count = known_from_ == Instant::max() ? kSegmentsAtFirst : kSegmentsAtATime;
  auto segments = source_.segments_before(*reading_, known_from_, count);
  known_from_ = segments.size() < count ? kBeginning : segments.back().until;
  for (auto& segment : segments) {
    const auto until = segment.until;
    if (std::ranges::find(dropped_, until) != dropped_.end()) continue;
    known_.try_emplace(
        until, Known{.segment = std::move(segment)});  // a segment that was changed here stays
  }
  return true;
}

ReadingHistory::Known& ReadingHistory::segment_at(Instant at) {
  const auto found = known_.lower_bound(at);
  if (found != known_.end() && found->second.after && *found->second.after < at)
    return found->second;
  ++reads_;
  auto placed = source_.segment_at(*reading_, at);
  const auto until = placed.segment.until;
  auto& known =
      known_.try_emplace(until, Known{.segment = std::move(placed.segment)}).first->second;
  known.after = placed.after;
  return known;
}

/// Divides a segment between two events with different observed_at near its middle; if all are
/// equal, it stays.
void ReadingHistory::split(Known& known) {
  const auto events = all_between(*known.after, known.segment.until);
  const auto middle = moment_of(events[events.size() / 2 - 1]);
  if (middle == known.segment.until) return;
  const auto first_half = std::ranges::count_if(
      events, [&](const LedgerEvent& line) { return moment_of(line) <= middle; });
  known_.insert_or_assign(middle,
                          Known{.segment = {.until = middle,
                                            .events = first_half,
                                            .summary = summary_of(between(*known.after, middle))},
                                .after = known.after,
                                .changed = true});
  known.segment.events -= first_half;
  known.segment.summary = summary_of(between(middle, known.segment.until));
  known.after = middle;
}

bool ReadingHistory::is_moment_full(Instant at) {
  const bool may_be = at <= sealed() ? segment_at(at).segment.events > kSegmentMax
                                     : state_.tail > kTailMax + kMomentMax;
  return may_be && std::ssize(all_between(before(at), at)) >= kMomentMax;
}

void ReadingHistory::seal(Instant now) {
  if (state_.tail < kTailMax) return;
  const auto events = all_between(sealed(), now);
  auto begin = events.begin();
  while (state_.tail >= kTailMax && events.end() - begin >= kSegmentEvents) {
    const auto until = moment_of(*(begin + kSegmentEvents - 1));
    const auto end = std::ranges::upper_bound(begin, events.end(), until, {}, moment_of);
    known_.insert_or_assign(until,
                            Known{.segment = {.until = until,
                                              .events = end - begin,
                                              .summary = summary_of(between(sealed(), until))},
                                  .after = sealed(),
                                  .changed = true});
    state_.tail -= end - begin;
    state_.sealed_until = until;
    begin = end;
  }
}

std::vector<Event> ReadingHistory::reopen(Instant from) {
  while (state_.sealed_until && *state_.sealed_until >= from) {
    auto& newest = segment_at(*state_.sealed_until);
    const auto until = newest.segment.until;
    state_.sealed_until = *newest.after == kBeginning ? std::nullopt : std::optional{*newest.after};
    known_.erase(until);
    dropped_.push_back(until);
  }
  const auto tail = all_between(sealed(), Instant::max());
  state_.tail = std::ssize(tail);
  state_.newest_at = state_.sealed_until;
  for (const auto& line : tail) {
    if (moment_of(line) < from) state_.newest_at = moment_of(line);
  }
  return between(before(from), Instant::max());
}

std::optional<Instant> ReadingHistory::needs_tail_after(const Event& event) const {
  const auto at = event.observed_at;
  if (!reading_ || !state_.newest_at || at > *state_.newest_at) return std::nullopt;
  if (at <= sealed()) return sealed();
  switch (history_needed(state_.shelf, event)) {
    case HistoryNeeded::nothing:
      return std::nullopt;
    case HistoryNeeded::from_event:
      return before(at);
    case HistoryNeeded::all:
      return sealed();
  }
  __builtin_unreachable();
}

void ReadingHistory::put_tail(Instant after, std::vector<LedgerEvent> events) {
  loaded_.push_back({after, Instant::max(), std::move(events)});
}

const ReadingHistory::Loaded& ReadingHistory::load(Instant after, Instant until) {
  const auto found = std::ranges::find_if(
      loaded_, [&](const Loaded& range) { return range.after <= after && until <= range.until; });
  if (found != loaded_.end()) return *found;
  std::vector<LedgerEvent> events;
  if (reading_) {
    ++reads_;
    events = std::move(source_.events({{*reading_, after, until}}).front());
  }
  loaded_.push_back({after, until, std::move(events)});
  return loaded_.back();
}

/// Returns: the events of the ledger and the added ones, voided ones included, in order of
/// observed_at.
std::vector<LedgerEvent> ReadingHistory::all_between(Instant after, Instant until) {
  const auto inside = [&](Instant at) { return after < at && at <= until; };
  std::vector<LedgerEvent> events;
  for (const auto& line : load(after, until).events) {
    if (inside(moment_of(line)))
      events.push_back({line.event, line.voided || voided_.contains(line.event.id)});
  }
  const auto of_ledger = std::ssize(events);
  for (const auto& event : added_) {
    if (inside(event.observed_at)) events.push_back({event, voided_.contains(event.id)});
  }
  const auto middle = events.begin() + of_ledger;
  std::stable_sort(middle, events.end(),
                   [](const auto& a, const auto& b) { return moment_of(a) < moment_of(b); });
  std::inplace_merge(events.begin(), middle, events.end(),
                     [](const auto& a, const auto& b) { return moment_of(a) < moment_of(b); });
  return events;
}

/// Returns: the events that are not voided.
std::vector<Event> ReadingHistory::between(Instant after, Instant until) {
  std::vector<Event> events;
  for (const auto& line : all_between(after, until)) {
    if (!line.voided) events.push_back(line.event);
  }
  return events;
}

std::vector<Segment> ReadingHistory::changed_segments() const {
  std::vector<Segment> changed;
  for (const auto& [until, known] : known_) {
    if (known.changed) changed.push_back(known.segment);
  }
  return changed;
}

}  // namespace codasync::storage
