#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>

#include "storage/model/event.hpp"

// The fold: what a set of events means for a shelf. Everything here is pure.
//
// An event has one or two effects. Effects have a total order that no arrival decides: by moment of
// observation, then by rank, then by value (storage/README.md, "The order of events"). Effects that
// are equal in all three do the same, so ids play no part. What a run of effects does is a Summary;
// summaries compose, in any grouping, so a long history can be kept as a few of them.

namespace codasync {

/// A run that states no quantity: it only adds and takes.
struct QuantityAdjustment {
  std::int64_t sum{0};     // of all adjustments
  std::int64_t lowest{0};  // lowest value of the running sum, at most 0

  friend bool operator==(const QuantityAdjustment&, const QuantityAdjustment&) = default;
};

/// A run in which a quantity was stated, with the adjustments since then. A quantity stops at zero
/// at each step: what is on a shelf is not negative.
struct QuantityStatement {
  Instant since;                           // of the statement
  std::optional<std::int64_t> quantity{};  // nothing: not known (never counted, or removed)
  std::int64_t plain{0};                   // the same without stopping at zero
  std::int64_t lowest{0};  // lower bound of `quantity` since the statement; -1: it stopped at zero

  friend bool operator==(const QuantityStatement&, const QuantityStatement&) = default;
};

using QuantityEffect = std::variant<QuantityAdjustment, QuantityStatement>;

/// What a run of events, in their order, does to the shelf before it.
struct Summary {
  std::optional<bool> present{};         // nothing: unchanged
  std::optional<Instant> dates_since{};  // newest check or removal: older dates do not count
  std::optional<ShelfDate> date{};       // shortest date seen since then, or in the whole run
  std::optional<Instant> looked_at{};    // newest sighting, check or count
  QuantityEffect quantity{};

  /// Returns: whether nothing that was before this run can matter.
  [[nodiscard]] bool is_complete() const;

  friend bool operator==(const Summary&, const Summary&) = default;
};

/// Returns: what `first` and then `second` do. Associative; Summary{} is neutral.
Summary then(const Summary& first, const Summary& second);

/// Returns: what a set of events does. `events`: in any order, without those that are voided; voids
/// themselves do nothing.
Summary summary_of(std::span<const Event> events);

/// Earlier than every event.
inline constexpr Instant kBeginning = Instant::min();

/// What is known of one product on one shelf: the fold of all its events.
struct Shelf {
  bool present{false};              // recorded, and not removed since
  std::optional<ShelfDate> date{};  // the shortest known
  Instant dates_since{kBeginning};  // newest check or removal
  std::optional<Instant> looked_at{};
  QuantityStatement stock{.since = kBeginning};

  /// Returns: units on the shelf as answers show them, 0…kQuantityMax; nothing when never counted.
  [[nodiscard]] std::optional<std::int64_t> quantity() const;

  /// Returns: the moment that the quantity rests on; nothing when never counted.
  [[nodiscard]] std::optional<Instant> counted_at() const;

  friend bool operator==(const Shelf&, const Shelf&) = default;
};

/// Returns: the shelf after a run of events, all newer than those of `shelf`.
Shelf then(const Shelf& shelf, const Summary& run);

/// Returns: the shelf after one event that is newer than all events of `shelf`. Constant time: what
/// a live write pays. Requires: the event is not voided.
Shelf then(const Shelf& shelf, const Event& event);

/// What has to be read of a reading's history to fold an event that is not the newest.
enum class HistoryNeeded {
  nothing,     // newer events outdo it, or its place among them does not matter
  from_event,  // all events from its moment on
  all,         // everything since the last sealed segment
};

/// Returns: what fold_late() needs. Requires: the event is not in `shelf`.
HistoryNeeded history_needed(const Shelf& shelf, const Event& event);

/// Returns: the shelf with one event more that is not the newest. `since_event`: the summary of all
/// events from its moment on, itself included; it is not looked at when history_needed() says
/// `nothing`. Requires: history_needed() does not say `all`.
Shelf fold_late(const Shelf& shelf, const Event& event, const Summary& since_event);

/// Returns: whether presence, date, kind of date and quantity are equal: what `outcome` tells of.
bool same_stock(const Shelf& a, const Shelf& b);

/// Returns: whether every field is equal that an answer shows: what `version` tells of.
bool looks_same(const Shelf& a, const Shelf& b);

}  // namespace codasync
