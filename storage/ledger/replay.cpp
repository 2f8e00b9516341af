#include "storage/ledger/replay.hpp"

#include <algorithm>
#include <utility>

namespace codasync::storage {
namespace {

std::string date_text(const std::optional<ShelfDate>& date) {
  if (!date) return "none";
  return to_string(date->date) + (date->kind ? " " + std::string{name_of(*date->kind)} : "");
}

std::string text(const std::optional<std::int64_t>& number) {
  return number ? std::to_string(*number) : "none";
}

std::string text(const std::optional<Instant>& moment) {
  return moment && *moment != kBeginning ? to_string(*moment) : "never";
}

}  // namespace

Replay::Replay(std::vector<Segment> segments) : stored_{std::move(segments)} {
  if (has_base()) {
    summary_ = stored_.front().summary;
    sealed_until_ = stored_.front().until;
    next_ = 1;
  }
}

void Replay::add(const HistoryEntry& line) {
  const auto& event = line.event;
  take_version(line);
  if (event.kind == EventKind::void_event || is_in_base(event)) return;
  while (next_ < stored_.size() && event.observed_at > stored_[next_].until) end_segment();
  ++events_;
  if (line.voided_by) return;
  run_.push_back(event);
  newest_counting_ = event.observed_at;
  // A tail that should have been sealed is folded in parts, except events with the last
  // observed_at.
  if (next_ == stored_.size() && std::ssize(run_) > kTailMax &&
      run_[run_.size() - 2].observed_at < event.observed_at) {
    run_.pop_back();
    fold_run();
    run_.push_back(event);
  }
}

void Replay::finish() {
  while (next_ < stored_.size()) end_segment();
  tail_ = events_;
  fold_run();
}

std::vector<std::string> Replay::differences(const StockRow& row) const {
  std::vector<std::string> found;
  const auto differ = [&](const char* field, const std::string& is, const std::string& should) {
    if (is != should) found.push_back(std::string{field} + " is " + is + ", expected " + should);
  };
  const auto& is = row.fold.shelf;
  const auto should = then(Shelf{}, summary_);
  differ("state", is.present ? "present" : "removed", should.present ? "present" : "removed");
  differ("expiry_date", date_text(is.date), date_text(should.date));
  differ("quantity", text(is.stock.quantity), text(should.stock.quantity));
  if (is.stock.quantity && should.stock.quantity)
    differ("plain", text(is.stock.plain), text(should.stock.plain));
  differ("checked_at", text(is.looked_at), text(should.looked_at));
  differ("dates_since", text(is.dates_since), text(should.dates_since));
  differ("quantity_since", text(is.stock.since), text(should.stock.since));
  // A lower bound may be lower than necessary.
  if (is.stock.quantity && should.stock.quantity && is.stock.lowest > should.stock.lowest)
    differ("lowest", text(is.stock.lowest), text(should.stock.lowest));
  differ("sealed_until", text(row.fold.sealed_until), text(sealed_until_));
  differ("tail", std::to_string(row.fold.tail), std::to_string(tail_));
  if (row.fold.newest_at < newest_counting_)
    differ("newest_at", text(row.fold.newest_at), text(newest_counting_));
  // The event that arrived last may have been deleted.
  if (!has_base() || row.received_at < received_at_)
    differ("received_at", to_string(row.received_at), to_string(received_at_));
  // A repaired row has a version that no event has.
  if (row.version < version_)
    differ("version", std::to_string(row.version), std::to_string(version_));
  if (row.version == version_ && !changed_last(row.observed_at, row.updated_at)) {
    differ("observed_at", to_string(row.observed_at), to_string(observed_at()));
    differ("updated_at", to_string(row.updated_at), to_string(updated_at()));
  }
  for (const auto until : wrong_segments_)
    found.push_back("the segment until " + to_string(until) + " differs from its events");
  return found;
}

bool Replay::changed_last(Instant observed_at, Instant updated_at) const {
  // No event has changed the row yet, such as one that a void had come before: its times are of
  // none.
  if (version_ == 0 && !changed_by_.empty()) return true;
  return updated_at == changed_at_ &&
         std::ranges::find(changed_by_, observed_at) != changed_by_.end();
}
/// The first arrival with the newest version is the last change of the row.
void Replay::take_version(const HistoryEntry& line) {
  received_at_ = std::max(received_at_, line.received_at);
  const bool newer = line.version > version_ || changed_by_.empty();
  if (line.version < version_ || (!newer && line.received_at > changed_at_)) return;
  if (newer || line.received_at < changed_at_) changed_by_.clear();
  version_ = line.version;
  changed_at_ = line.received_at;
  changed_by_.push_back(line.event.observed_at);
}

void Replay::end_segment() {
  const auto& stored = stored_[next_++];
  const auto summary = summary_of(run_);
  if (summary != stored.summary || events_ != stored.events)
    wrong_segments_.push_back(stored.until);
  summary_ = then(summary_, summary);
  sealed_until_ = stored.until;
  run_.clear();
  events_ = 0;
}

void Replay::fold_run() {
  summary_ = then(summary_, summary_of(run_));
  run_.clear();
}

}  // namespace codasync::storage
