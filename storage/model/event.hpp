#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

#include "storage/model/time.hpp"
#include "storage/model/uuid.hpp"

// The operations that people and programs report about a product on a shelf. Everything here is
// pure.

namespace codasync {

/// The meaning of a date on a pack, from the strictest: of two equal dates the stricter kind is
/// shown.
enum class DateKind { use_by, sell_by, best_before };

std::string_view name_of(DateKind kind);
std::optional<DateKind> parse_date_kind(std::string_view name);

/// An expiry date and its kind; nullopt: the kind is not known.
struct ShelfDate {
  Date date;
  std::optional<DateKind> kind;

  friend bool operator==(const ShelfDate&, const ShelfDate&) = default;
};

/// Returns: the shorter of two dates; of equal dates the one with the stricter kind, any kind
/// before no kind. Commutative, associative, idempotent.
ShelfDate shorter(const ShelfDate& a, const ShelfDate& b);

enum class EventKind {
  sighting,    // a unit with this date is on the shelf: the date can only become shorter
  check,       // the whole shelf was checked: this is the shortest date, or the shelf is empty
  count,       // the quantity on the shelf
  adjust,      // a change of the quantity
  remove,      // the reading is removed until something is recorded again
  void_event,  // one other event no longer counts; named `void` outside C++
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

/// Returns: whether two operations have the same content: kind, date, quantity, delta and the
/// target of a void, but not observed_at. A check without a kind of date equals one with any kind:
/// the stored kind may have been copied from the reading that the check confirmed.
bool same_content(const Event& stored, const Event& sent);

/// The effect of an operation on its reading, as the response shows it. The ledger stores the first
/// two.
enum class EventOutcome {
  applied,    // presence, date, kind of date or quantity changed
  kept,       // none of them changed
  duplicate,  // the ledger already has this operation; nothing was written
};

std::string_view name_of(EventOutcome outcome);

}  // namespace codasync
