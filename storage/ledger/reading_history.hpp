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

// Folds a reading from a history of any length with few reads (storage/README.md, "Bounded folds"):
// its events, in order of observed_at, are divided into sealed segments with stored summaries and
// an open tail. This code does not depend on PostgreSQL.

namespace codasync::storage {

/// The tail is sealed when it has this many events…
inline constexpr std::int64_t kTailMax = 512;
/// …in segments of this many…
inline constexpr std::int64_t kSegmentEvents = 256;
/// …and a segment that became larger than this through late events is split.
inline constexpr std::int64_t kSegmentMax = 1024;
/// More events with equal observed_at than this are refused: they are never divided between two
/// segments, so they are always read together.
inline constexpr std::int64_t kMomentMax = 1024;

/// A run of events with a stored summary.
struct Segment {
  Instant until;           // observed_at of its last event
  std::int64_t events{0};  // voided ones included, voids not; 0 for a base
  Summary summary{};
  bool is_base{false};  // the fold of all events before the floor of the ledger; the first segment
};

/// A segment and the end of the previous one; kBeginning: it is the first.
struct PlacedSegment {
  Segment segment;
  Instant after;
};

/// An event in the ledger.
struct LedgerEvent {
  Event event;
  bool voided{false};
};

/// The same with its arrival.
struct ArrivedEvent : LedgerEvent {
  TokenId token;
  Instant received_at;
};

/// The events of one reading with after < observed_at <= until.
struct EventRange {
  ReadingId reading;
  Instant after{kBeginning};
  Instant until{Instant::max()};
};

/// Reads the ledger. It returns no voids.
class HistorySource {
 public:
  virtual ~HistorySource() = default;

  /// Returns: the events of each range, in order of observation.
  virtual std::vector<std::vector<LedgerEvent>> events(const std::vector<EventRange>& ranges) = 0;

  /// Returns: the segment that contains the time `at`. Requires: `at` is not in the tail.
  virtual PlacedSegment segment_at(ReadingId reading, Instant at) = 0;

  /// Returns: at most `count` segments that end before `before`, the newest first.
  virtual std::vector<Segment> segments_before(ReadingId reading, Instant before,
                                               std::size_t count) = 0;
};

/// The stored state of a reading, so that live events need no history.
struct FoldState {
  Shelf shelf{};
  std::optional<Instant> newest_at{};     // of the newest event that is not a void
  std::optional<Instant> sealed_until{};  // end of the newest segment
  std::int64_t tail{0};                   // events after it

  friend bool operator==(const FoldState&, const FoldState&) = default;
};

/// One reading while a transaction folds events into it. It reads each needed part of the ledger
/// once. Threads: one at a time.
class ReadingHistory {
 public:
  /// `reading`: nullopt: it has no events yet. Both references outlive this.
  ReadingHistory(HistorySource& source, std::optional<ReadingId> reading, FoldState& state)
      : source_{source},
        reading_{reading},
        state_{state},
        known_from_{reading ? Instant::max() : kBeginning} {}

  /// Adds an event that is not in the ledger yet. Requires: it is not a void and not older than the
  /// ledger's floor.
  void add(const Event& event);

  /// The same for an event that a void names already: it has no effect.
  void add_voided(const Event& event);

  /// Folds again without these events. Requires: at least one event; each was added or is in the
  /// ledger, and is not a void.
  void void_events(std::span<const Event> events);

  /// Returns: whether kMomentMax events have exactly this observed_at.
  [[nodiscard]] bool is_moment_full(Instant at);

  /// Seals the oldest events of a long tail, except events after `now`.
  void seal(Instant now);

  /// Removes the seals after `from`, for the repair of a wrong clock. Returns: the events from
  /// `from` on that are not voided.
  std::vector<Event> reopen(Instant from);

  /// Returns: the time after which the tail must be read to fold this event; nullopt: no read is
  /// needed.
  [[nodiscard]] std::optional<Instant> needs_tail_after(const Event& event) const;

  /// Provides the events that needs_tail_after() requires: those after `after`.
  void put_tail(Instant after, std::vector<LedgerEvent> events);

  /// Returns: the number of reads of the ledger.
  [[nodiscard]] std::size_t reads() const noexcept { return reads_; }

  /// Returns: the segments to write, and the ends of those to delete.
  [[nodiscard]] std::vector<Segment> changed_segments() const;
  [[nodiscard]] const std::vector<Instant>& dropped_segments() const noexcept { return dropped_; }

 private:
  struct Known {
    Segment segment;
    std::optional<Instant> after{};  // end of the previous segment, if known
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
  std::set<EventId> voided_;
  std::vector<Loaded> loaded_;      // of the ledger
  std::map<Instant, Known> known_;  // segments by their ends
  Instant known_from_;              // all segments that end here or later are in known_
  std::vector<Instant> dropped_;
  std::size_t reads_{0};
};

}  // namespace codasync::storage
