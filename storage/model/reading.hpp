#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "storage/model/gtin.hpp"
#include "storage/model/ids.hpp"
#include "storage/model/time.hpp"
#include "storage/model/uuid.hpp"

// The rules of a stock reading: the ledger of events is the truth, the reading is its fold.
// Everything here is pure.

namespace codasync {

/// What a date on a pack promises. Declared from the strictest: of two equal dates the stricter
/// kind is shown.
enum class DateKind { use_by, sell_by, best_before };

std::string_view name_of(DateKind kind);
std::optional<DateKind> parse_date_kind(std::string_view name);

/// A date on a shelf and what it means; without a kind nobody said.
struct ShelfDate {
  Date date;
  std::optional<DateKind> kind;

  friend bool operator==(const ShelfDate&, const ShelfDate&) = default;
};

/// Returns: the shorter of two dates; of equal ones the stricter kind, any kind before none.
/// Commutative, associative, idempotent.
ShelfDate shorter(const ShelfDate& a, const ShelfDate& b);

enum class EventKind {
  sighting,    // a unit with this date is on the shelf: the date can only become shorter
  check,       // the whole shelf was looked at: this is the shortest date now, or nothing is left
  count,       // this many units are there
  adjust,      // so many more, or fewer
  remove,      // the reading is gone until somebody records again
  void_event,  // one earlier event never happened; named `void` outside C++
};

std::string_view name_of(EventKind kind);
std::optional<EventKind> parse_event_kind(std::string_view name);

inline constexpr std::int64_t kQuantityMax = 2'147'483'647;

/// One accepted operation on a reading, as far as the fold needs it.
struct Event {
  EventId id;
  EventKind kind;
  std::optional<ShelfDate> date{};         // of a sighting or a check
  std::optional<std::int64_t> quantity{};  // of a count, sighting or check. 0…kQuantityMax
  std::int64_t delta{0};                   // of an adjust. -kQuantityMax…kQuantityMax
  std::optional<EventId> voids{};          // of a void
  Instant observed_at;                     // never later than its arrival
};

/// What is known of one product on one shelf: the fold of its events, ordered by (observed_at, id).
struct Shelf {
  bool present{false};              // recorded, and not removed since
  std::optional<ShelfDate> date{};  // the shortest known

  /// The last count plus the adjustments after it. Below zero when a late count says that less was
  /// there than was taken; quantity() is what a person sees.
  std::optional<std::int64_t> balance{};

  std::optional<Instant> folded_at{};   // observation of the newest event
  std::optional<Instant> checked_at{};  // newest check or remove: older sightings do not count
  std::optional<Instant> counted_at{};  // newest count or remove: older adjustments do not count

  /// Returns: the balance as units on the shelf, 0…kQuantityMax; nothing when never counted.
  [[nodiscard]] std::optional<std::int64_t> quantity() const;

  friend bool operator==(const Shelf&, const Shelf&) = default;
};

/// Returns: the reading that a set of events leads to, whatever order `events` is in. Voided events
/// and voids themselves count for nothing except in folded_at; a void cannot be voided.
/// Requires: no event twice.
Shelf fold(std::span<const Event> events);

/// fold(), one event after the other, for a ledger that is too long to be held at once. `voided`:
/// an event of the set voids it. Requires: events come in the order (observed_at, id).
void fold_next(Shelf& shelf, const Event& event, bool voided);

/// Returns: fold(S plus `event`) given `shelf` = fold(S), or nothing when that cannot be told
/// without S: a void; a check, count or remove that is not the newest event, so others may have to
/// be folded after it, unless a newer one has outdone it; an event of exactly the moment of the
/// check or count that decides whether it still matters.
/// Requires: `event` is not in S and no event of S voids it.
/// Constant time: what a live writer pays.
std::optional<Shelf> apply(const Shelf& shelf, const Event& event);

/// Returns: whether a person sees the same: presence, date with its kind, quantity.
bool looks_same(const Shelf& a, const Shelf& b);

/// The row as others see it.
struct Reading {
  ReadingId id;
  ShopId shop;
  Gtin gtin;
  std::string name;  // the product's
  std::int64_t product_version;
  std::optional<ShelfDate> date;
  std::optional<std::int64_t> quantity;
  std::int64_t version;  // from 1, plus one with each change that a person can see
  Instant observed_at;   // observation of the event that changed it last
  Instant updated_at;    // arrival of that event
};

enum class EventOutcome { applied, kept };

std::string_view name_of(EventOutcome outcome);

/// One line of a reading's history.
struct HistoryEntry {
  Event event;
  ReadingId reading;
  Instant received_at;
  std::string actor;  // name of the token that wrote it
  std::optional<std::string> reason;
  EventOutcome outcome;
  std::int64_t version;  // of the reading after it
};

}  // namespace codasync
