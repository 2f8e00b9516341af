#include "storage/ledger/fold_again.hpp"

#include <algorithm>
#include <iterator>

namespace codasync::storage {
namespace {

template <class Iterator>
Summary summary_of_counting(Iterator begin, Iterator end) {
  std::vector<Event> counting;
  for (auto line = begin; line != end; ++line) {
    if (!line->voided) counting.push_back(line->event);
  }
  return summary_of(counting);
}

}  // namespace

FoldAgain::FoldAgain(const StockRow& row, const std::optional<Segment>& base,
                     std::vector<SegmentOfRow>& segments)
    : row_{row},
      segments_{segments},
      base_until_{base ? std::optional{base->until} : std::nullopt} {
  if (!base) return;
  summary_ = base->summary;
  state_.sealed_until = state_.newest_at = base->until;
}

void FoldAgain::add(const HistoryEntry& line) {
  if (line.event.kind == EventKind::void_event ||
      (base_until_ && line.event.observed_at <= *base_until_))
    return;
  tail_.push_back({line.event, line.voided_by.has_value()});
  if (!line.voided_by) state_.newest_at = line.event.observed_at;
  if (std::ssize(tail_) < kTailMax + kSegmentEvents) return;
  const auto until = tail_[kSegmentEvents - 1].event.observed_at;
  const auto end = std::ranges::upper_bound(
      tail_, until, {}, [](const LedgerEvent& each) { return each.event.observed_at; });
  if (end != tail_.end()) seal(end);
}

void FoldAgain::seal(std::vector<LedgerEvent>::iterator end) {
  const auto run = summary_of_counting(tail_.begin(), end);
  const auto until = std::prev(end)->event.observed_at;
  segments_.push_back({&row_, {.until = until, .events = end - tail_.begin(), .summary = run}});
  summary_ = then(summary_, run);
  state_.sealed_until = until;
  tail_.erase(tail_.begin(), end);
}

FoldState FoldAgain::finish() {
  state_.tail = std::ssize(tail_);
  state_.shelf = then(Shelf{}, then(summary_, summary_of_counting(tail_.begin(), tail_.end())));
  return state_;
}

}  // namespace codasync::storage
