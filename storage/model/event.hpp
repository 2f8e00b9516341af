#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

#include "storage/model/time.hpp"
#include "storage/model/uuid.hpp"

// What people and programs report about a product on a shelf. Everything here is pure.

namespace codasync {

/// What a date on a pack means. Declared from the strictest: of two equal dates the stricter kind
/// is shown.
enum class DateKind { use_by, sell_by, best_before };

std::string_view name_of(DateKind kind);
std::optional<DateKind> parse_date_kind(std::string_view name);

/// An expiry date and its kind; nothing: the kind is not known.
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
  remove,      // the reading is removed until something is recorded again
  void_event,  // one other event is taken back; named `void` outside C++
};

std::string_view name_of(EventKind kind);
std::optional<EventKind> parse_event_kind(std::string_view name);

/// Returns: whether an event of this kind records the product: a removed reading is present again.
constexpr bool is_record(EventKind kind) {
  return kind == EventKind::sighting || kind == EventKind::check || kind == EventKind::count;
}

inline constexpr std::int64_t kQuantityMax = 2'147'483'647;

/// One accepted operation on a reading, as far as the fold needs it.
struct Event {
  EventId id;
  EventKind kind;
  std::optional<ShelfDate> date{};         // of a sighting or a check
  std::optional<std::int64_t> quantity{};  // of a count, sighting or check. 0…kQuantityMax
  std::int64_t delta{0};                   // of an adjustment. -kQuantityMax…kQuantityMax
  std::optional<EventId> voids{};          // of a void
  Instant observed_at;                     // never later than its arrival
};

/// Returns: whether two operations say the same, whenever they were observed: kind, date, quantity,
/// delta and the target of a void. A check that gives no kind of date agrees with any kind: the
/// stored one may have been completed from the reading it confirmed.
bool says_the_same(const Event& stored, const Event& sent);

/// What an operation did to its reading, as its client is told. The ledger keeps the first two.
enum class EventOutcome {
  applied,    // presence, date, kind of date or quantity changed
  kept,       // none of them did
  duplicate,  // the ledger has this operation already; nothing was written
};

std::string_view name_of(EventOutcome outcome);

}  // namespace codasync
