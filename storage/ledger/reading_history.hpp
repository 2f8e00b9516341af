#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "storage/model/ids.hpp"
#include "storage/model/shelf.hpp"

// How a reading is folded from a history of any length with few reads (storage/README.md, "Bounded
// folds"): its events in order of observation are cut into sealed segments, whose summaries are
// kept, and an open tail. Nothing here knows PostgreSQL.

namespace codasync::storage {

/// The tail is sealed when it has this many events…
inline constexpr std::int64_t kTailMax = 512;
/// …in segments of this many…
inline constexpr std::int64_t kSegmentEvents = 256;
/// …and a segment that late events made larger than this is split.
inline constexpr std::int64_t kSegmentMax = 1024;
/// More events of one moment than this are refused: a moment is never cut in two, so its events are
/// always read together.
inline constexpr std::int64_t kMomentMax = 1024;

/// A run of events whose summary is kept.
struct Segment {
  Instant until;           // observation of its last event
  std::int64_t events{0};  // voided ones too, voids not; of a base: 0
  Summary summary{};
  bool is_base{false};  // what was before the floor of the ledger: nothing comes before it
};

/// A segment and the end of the one before it; kBeginning: it is the first.
struct PlacedSegment {
  Segment segment;
  Instant after;
};

/// An event in the ledger.
struct LedgerEvent {
  Event event;
  bool voided{false};
};

/// Events of one reading after one moment and up to another one.
struct EventRange {
  ReadingId reading;
  Instant after{kBeginning};
  Instant until{Instant::max()};
};

/// What is in the ledger. Voids are not among the events.
class HistorySource {
 public:
  virtual ~HistorySource() = default;

  /// Returns: the events of each range, in order of observation.
  virtual std::vector<std::vector<LedgerEvent>> events(const std::vector<EventRange>& ranges) = 0;

  /// Returns: the segment that contains the moment. Requires: it is not in the tail.
  virtual PlacedSegment segment_at(ReadingId reading, Instant at) = 0;

  /// Returns: at most `count` segments that end before `before`, the newest first.
  virtual std::vector<Segment> segments_before(ReadingId reading, Instant before,
                                               std::size_t count) = 0;
};

/// What is kept of a reading so that live events need no history.
struct FoldState {
  Shelf shelf{};
  std::optional<Instant> newest_at{};     // of the newest event that is no void
  std::optional<Instant> sealed_until{};  // end of the newest segment
  std::int64_t tail{0};                   // events after it

  friend bool operator==(const FoldState&, const FoldState&) = default;
};

/// One reading while a transaction folds events into it. Reads from the ledger what an event needs,
/// once. Threads: one.
class ReadingHistory {
 public:
  /// `reading`: nothing: it has no events yet. Both references outlive this.
  ReadingHistory(HistorySource& source, std::optional<ReadingId> reading, FoldState& state)
      : source_{source},
        reading_{reading},
        state_{state},
        known_from_{reading ? Instant::max() : kBeginning} {}

  /// Folds in an event that is not in the ledger yet. Requires: it is no void and not older than
  /// the ledger's floor.
  void add(const Event& event);

  /// Folds again without these events. Requires: each was added or is in the ledger, and is no
  /// void; there is at least one.
  void take_back(std::span<const Event> events);

  /// Returns: an event that was added here.
  [[nodiscard]] const Event* added(EventId id) const;

  /// Returns: whether so many events have exactly this moment that one more is refused.
  [[nodiscard]] bool is_crowded(Instant at);

  /// Seals what is too long, but nothing that was observed after `now`.
  void seal(Instant now);

  /// Takes the fold back to the events before `from` (see repair of a clock): what follows is no
  /// longer sealed. Returns: the events from `from` on that count.
  std::vector<Event> reopen(Instant from);

  /// Returns: from which moment on the tail has to be read to fold this event; nothing: not at all.
  [[nodiscard]] std::optional<Instant> needs_tail_after(const Event& event) const;

  /// Hands in what needs_tail_after() asked for: the events after a moment.
  void put_tail(Instant after, std::vector<LedgerEvent> events);

  /// Returns: how many times the ledger was read.
  [[nodiscard]] std::size_t reads() const noexcept { return reads_; }

  /// Returns: segments to write, and the ends of those to delete.
  [[nodiscard]] std::vector<Segment> changed_segments() const;
  [[nodiscard]] const std::vector<Instant>& dropped_segments() const noexcept { return dropped_; }

 private:
  struct Known {
    Segment segment;
    std::optional<Instant> after{};  // end of the segment before it, where that is known
    bool changed{false};
  };
  struct Loaded {
    Instant after;
    Instant until;
    std::vector<LedgerEvent> events;
  };

  void fold_late(const Event& event);
  void fold_again(Instant at, std::int64_t events_more);
  Known& segment_at(Instant at);
  void split(Known& known);
  bool read_older_segments();
  const Loaded& load(Instant after, Instant until);
  std::vector<LedgerEvent> all_between(Instant after, Instant until);
  std::vector<Event> between(Instant after, Instant until);
  [[nodiscard]] Instant sealed() const { return state_.sealed_until.value_or(kBeginning); }

  HistorySource& source_;
  const std::optional<ReadingId> reading_;
  FoldState& state_;

  std::vector<Event> added_;
  std::set<EventId> taken_back_;
  std::vector<Loaded> loaded_;      // of the ledger
  std::map<Instant, Known> known_;  // segments by their ends
  Instant known_from_;              // all segments that end here or later are in known_
  std::vector<Instant> dropped_;
  std::size_t reads_{0};
};

}  // namespace codasync::storage
