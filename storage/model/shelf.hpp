#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>

#include "storage/model/event.hpp"

// The fold: it computes the state of a shelf from a set of events. Everything here is pure.
//
// An event has one or two effects. Effects have a total order that does not depend on arrival: by
// observed_at, then by rank, then by value (storage/README.md, "The order of events"). Effects that
// are equal in all three have the same result, so ids are not needed. A Summary is the result of a
// run of effects. Summaries compose in any grouping, so a long history can be stored as a few of
// them.

namespace codasync {

/// A run without a statement of the quantity: adjustments only.
struct QuantityAdjustment {
  std::int64_t sum{0};     // of all adjustments
  std::int64_t lowest{0};  // lowest value of the running sum, at most 0

  friend bool operator==(const QuantityAdjustment&, const QuantityAdjustment&) = default;
};

/// A run with a statement of the quantity, and the adjustments since then. The quantity stops at
/// zero at each step: a shelf cannot hold a negative number of units.
struct QuantityStatement {
  Instant since;                           // of the statement
  std::optional<std::int64_t> quantity{};  // nullopt: not known (never counted, or removed)
  std::int64_t plain{0};                   // the same without stopping at zero
  std::int64_t lowest{0};  // lower bound of `quantity` since the statement; -1: it stopped at zero

  friend bool operator==(const QuantityStatement&, const QuantityStatement&) = default;
};

using QuantityEffect = std::variant<QuantityAdjustment, QuantityStatement>;

/// The effect of a run of events, in their order, on the shelf before it.
struct Summary {
  std::optional<bool> present{};         // nullopt: unchanged
  std::optional<Instant> dates_since{};  // newest check or removal: older dates do not count
  std::optional<ShelfDate> date{};       // shortest date since then, or of the whole run
  std::optional<Instant> looked_at{};    // newest sighting, check or count
  QuantityEffect quantity{};

  /// Returns: whether the events before this run have no influence on the result.
  [[nodiscard]] bool is_complete() const;

  friend bool operator==(const Summary&, const Summary&) = default;
};

/// Returns: `first` followed by `second`. Associative; Summary{} is the neutral element.
Summary then(const Summary& first, const Summary& second);

/// Returns: the summary of a set of events. `events`: in any order, without voided ones; voids
/// themselves have no effect.
Summary summary_of(std::span<const Event> events);

/// Earlier than every event.
inline constexpr Instant kBeginning = Instant::min();

/// The state of one product on one shelf: the fold of all its events.
struct Shelf {
  bool present{false};              // recorded, and not removed since
  std::optional<ShelfDate> date{};  // the shortest known
  Instant dates_since{kBeginning};  // newest check or removal
  std::optional<Instant> looked_at{};
  QuantityStatement stock{.since = kBeginning};

  /// Returns: units on the shelf as responses show them, 0…kQuantityMax; nullopt when never
  /// counted.
  [[nodiscard]] std::optional<std::int64_t> quantity() const;

  /// Returns: the time of the newest statement of the quantity; nullopt when never counted.
  [[nodiscard]] std::optional<Instant> counted_at() const;

  friend bool operator==(const Shelf&, const Shelf&) = default;
};

/// Returns: the shelf after a run of events, all newer than those of `shelf`.
Shelf then(const Shelf& shelf, const Summary& run);

/// Returns: the shelf after one event that is newer than all events of `shelf`. Constant time:
/// every live write uses this. Requires: the event is not voided.
Shelf then(const Shelf& shelf, const Event& event);

/// The part of a reading's history that is needed to fold an event that is not the newest.
enum class HistoryNeeded {
  nothing,     // newer events override it, or its position does not matter
  from_event,  // all events from its observed_at on
  all,         // all events since the last sealed segment
};

/// Returns: what fold_late() needs. Requires: the event is not in `shelf`.
HistoryNeeded history_needed(const Shelf& shelf, const Event& event);

/// Returns: the shelf with one more event that is not the newest. `since_event`: the summary of all
/// events from its observed_at on, itself included; ignored when history_needed() is `nothing`.
/// Requires: history_needed() is not `all`.
Shelf fold_late(const Shelf& shelf, const Event& event, const Summary& since_event);

/// Returns: whether presence, date, kind of date and quantity are equal; decides `outcome`.
bool same_stock(const Shelf& a, const Shelf& b);

/// Returns: whether all fields of a response are equal; decides `version`.
bool looks_same(const Shelf& a, const Shelf& b);

}  // namespace codasync
