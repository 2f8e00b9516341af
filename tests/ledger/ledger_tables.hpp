#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "storage/ledger/reading_history.hpp"

// A reading and its ledger in memory, folded one transaction after the other, as in production.

namespace codasync::test {

/// The tables of one reading. Counts the rows that are read.
class LedgerTables final : public storage::HistorySource {
 public:
  std::vector<storage::LedgerEvent> lines;
  std::map<Instant, storage::Segment> segments;
  std::size_t events_read{0};
  std::size_t segments_read{0};

  std::vector<std::vector<storage::LedgerEvent>> events(
      const std::vector<storage::EventRange>& ranges) override {
    std::vector<std::vector<storage::LedgerEvent>> found;
    for (const auto& range : ranges) {
      auto& chosen = found.emplace_back();
      for (const auto& line : lines) {
        const auto moment = line.event.observed_at;
        if (range.after < moment && moment <= range.until) chosen.push_back(line);
      }
      std::ranges::stable_sort(
          chosen, {}, [](const storage::LedgerEvent& line) { return line.event.observed_at; });
      events_read += chosen.size();
    }
    return found;
  }

  storage::PlacedSegment segment_at(ReadingId, Instant moment) override {
    const auto found = segments.lower_bound(moment);
    assert(found != segments.end());
    ++segments_read;
    return {found->second, found == segments.begin() ? kBeginning : std::prev(found)->first};
  }

  std::vector<storage::Segment> segments_before(ReadingId, Instant before,
                                                std::size_t count) override {
    std::vector<storage::Segment> found;
    for (auto segment = segments.lower_bound(before);
         segment != segments.begin() && found.size() < count;) {
      --segment;
      found.push_back(segment->second);
    }
    segments_read += found.size();
    return found;
  }

  /// Applies a transaction's changes of the segments.
  void write(const storage::ReadingHistory& history) {
    for (const auto until : history.dropped_segments()) segments.erase(until);
    for (const auto& segment : history.changed_segments())
      segments.insert_or_assign(segment.until, segment);
  }

  /// Marks the voided lines.
  void mark_voided(const std::set<EventId>& voided) {
    for (auto& line : lines) line.voided = voided.contains(line.event.id);
  }
};

/// The only reading of these tables.
inline constexpr ReadingId kReading{1};

/// A reading with its tables.
struct FoldedReading {
  LedgerTables tables{};
  storage::FoldState state{};
  std::set<EventId> voided{};

  [[nodiscard]] bool has(EventId id) const {
    return std::ranges::any_of(
        tables.lines, [&](const storage::LedgerEvent& line) { return line.event.id == id; });
  }

  /// Adds new events in one transaction. The target of a void is in the tables or earlier in
  /// `events`. Returns: the number of reads of the ledger after the first message.
  std::size_t transact(std::span<const Event> events, Instant now) {
    const auto known = tables.lines.empty() ? std::nullopt : std::optional{kReading};
    storage::ReadingHistory history{tables, known, state};
    prefetch(history, events);
    for (const auto& event : events) {
      if (event.kind != EventKind::void_event) {
        history.add(event);
      } else if (voided.insert(*event.voids).second) {
        const auto target = find(events, *event.voids);
        history.void_events({&target, 1});
      }
    }
    history.seal(now);
    tables.write(history);
    for (const auto& event : events) {
      if (event.kind != EventKind::void_event) tables.lines.push_back({event});
    }
    tables.mark_voided(voided);
    return history.reads();
  }

 private:
  void prefetch(storage::ReadingHistory& history, std::span<const Event> events) {
    std::optional<Instant> needed;
    for (const auto& event : events) {
      if (event.kind == EventKind::void_event) continue;
      if (const auto after = history.needs_tail_after(event))
        needed = needed ? std::min(*needed, *after) : *after;
    }
    if (needed)
      history.put_tail(*needed, tables.events({{.reading = kReading, .after = *needed}}).front());
  }

  /// Returns: the event with this id, from this transaction or from the tables.
  [[nodiscard]] Event find(std::span<const Event> events, EventId id) const {
    const auto added = std::ranges::find(events, id, &Event::id);
    if (added != events.end()) return *added;
    const auto line = std::ranges::find(
        tables.lines, id, [](const storage::LedgerEvent& each) { return each.event.id; });
    assert(line != tables.lines.end());
    return line->event;
  }
};

}  // namespace codasync::test
