#include "storage/model/reading.hpp"

#include <algorithm>
#include <tuple>
#include <vector>

namespace codasync {
namespace {

/// What an event does besides being there. The three effects are independent of each other, and
/// each has one instant in the shelf that says from when on it matters: apply() rests on this.
bool sets_date(const Event& event) {  // whatever the date was
  return event.kind == EventKind::check || event.kind == EventKind::remove;
}

bool sets_balance(const Event& event) {  // whatever the balance was
  switch (event.kind) {
    case EventKind::count:
    case EventKind::remove:
      return true;
    case EventKind::sighting:
    case EventKind::check:
      return event.quantity.has_value();
    case EventKind::adjust:
    case EventKind::void_event:
      return false;
  }
  __builtin_unreachable();
}

bool records(const Event& event) {
  return event.kind == EventKind::sighting || event.kind == EventKind::check ||
         event.kind == EventKind::count;
}

void lower_date(Shelf& shelf, const ShelfDate& date) {
  shelf.date = shelf.date ? shorter(*shelf.date, date) : date;
}

/// The event is the newest of the shelf, or of the same moment with a higher id.
void step(Shelf& shelf, const Event& event) {
  if (records(event)) shelf.present = true;
  if (event.kind == EventKind::remove) shelf.present = false;

  if (sets_date(event)) {
    shelf.date = event.kind == EventKind::check ? event.date : std::nullopt;
    shelf.checked_at = event.observed_at;
  } else if (event.kind == EventKind::sighting && event.date) {
    lower_date(shelf, *event.date);
  }

  if (sets_balance(event)) {
    shelf.balance = event.kind == EventKind::remove ? std::nullopt : event.quantity;
    shelf.counted_at = event.observed_at;
  } else if (event.kind == EventKind::adjust && shelf.balance) {
    *shelf.balance += event.delta;
  }
}

void mark_folded(Shelf& shelf, Instant observed_at) {
  shelf.folded_at = shelf.folded_at ? std::max(*shelf.folded_at, observed_at) : observed_at;
}

/// Whether something observed at `at` comes before or after the event that set `decided_at`.
enum class Side { before, unknown, after };

Side side_of(Instant at, const std::optional<Instant>& decided_at) {
  if (!decided_at || at > *decided_at) return Side::after;
  return at < *decided_at ? Side::before : Side::unknown;
}

/// The event is not the newest. What a newer check, count or remove has outdone counts for nothing;
/// a sighting or an adjustment that is not outdone may be added in any order, because shorter() and
/// + do not care.
std::optional<Shelf> step_late(Shelf shelf, const Event& event) {
  if (sets_date(event) || event.kind == EventKind::sighting) {
    const auto side = side_of(event.observed_at, shelf.checked_at);
    if (side == Side::unknown || (side == Side::after && sets_date(event))) return std::nullopt;
    if (side == Side::after) {
      shelf.present = true;
      if (event.date) lower_date(shelf, *event.date);
    }
  }
  if (sets_balance(event)) {
    if (side_of(event.observed_at, shelf.counted_at) != Side::before) return std::nullopt;
  } else if (event.kind == EventKind::adjust && shelf.balance) {
    const auto side = side_of(event.observed_at, shelf.counted_at);
    if (side == Side::unknown) return std::nullopt;
    if (side == Side::after) *shelf.balance += event.delta;
  }
  return shelf;
}

}  // namespace

std::string_view name_of(DateKind kind) {
  switch (kind) {
    case DateKind::use_by:
      return "use_by";
    case DateKind::sell_by:
      return "sell_by";
    case DateKind::best_before:
      return "best_before";
  }
  __builtin_unreachable();
}

std::optional<DateKind> parse_date_kind(std::string_view name) {
  for (const auto kind : {DateKind::use_by, DateKind::sell_by, DateKind::best_before}) {
    if (name == name_of(kind)) return kind;
  }
  return std::nullopt;
}

std::string_view name_of(EventKind kind) {
  switch (kind) {
    case EventKind::sighting:
      return "sighting";
    case EventKind::check:
      return "check";
    case EventKind::count:
      return "count";
    case EventKind::adjust:
      return "adjust";
    case EventKind::remove:
      return "remove";
    case EventKind::void_event:
      return "void";
  }
  __builtin_unreachable();
}

std::optional<EventKind> parse_event_kind(std::string_view name) {
  for (const auto kind : {EventKind::sighting, EventKind::check, EventKind::count,
                          EventKind::adjust, EventKind::remove, EventKind::void_event}) {
    if (name == name_of(kind)) return kind;
  }
  return std::nullopt;
}

std::string_view name_of(EventOutcome outcome) {
  switch (outcome) {
    case EventOutcome::applied:
      return "applied";
    case EventOutcome::kept:
      return "kept";
  }
  __builtin_unreachable();
}

ShelfDate shorter(const ShelfDate& a, const ShelfDate& b) {
  const auto rank = [](const ShelfDate& date) {
    return std::tuple{date.date, !date.kind.has_value(), date.kind.value_or(DateKind::use_by)};
  };
  return rank(b) < rank(a) ? b : a;
}

std::optional<std::int64_t> Shelf::quantity() const {
  if (!balance) return std::nullopt;
  return std::clamp(*balance, std::int64_t{0}, kQuantityMax);
}

void fold_next(Shelf& shelf, const Event& event, bool voided) {
  mark_folded(shelf, event.observed_at);
  if (event.kind != EventKind::void_event && !voided) step(shelf, event);
}

Shelf fold(std::span<const Event> events) {
  std::vector<EventId> voided;
  std::vector<const Event*> in_order;
  in_order.reserve(events.size());
  for (const auto& event : events) {
    if (event.voids) voided.push_back(*event.voids);
    in_order.push_back(&event);
  }
  std::ranges::sort(voided);
  std::ranges::sort(in_order, {},
                    [](const Event* event) { return std::tie(event->observed_at, event->id); });
  Shelf shelf;
  for (const auto* event : in_order) {
    fold_next(shelf, *event, std::ranges::binary_search(voided, event->id));
  }
  return shelf;
}

std::optional<Shelf> apply(const Shelf& shelf, const Event& event) {
  if (event.kind == EventKind::void_event) return std::nullopt;
  if (shelf.folded_at && event.observed_at <= *shelf.folded_at) return step_late(shelf, event);
  auto next = shelf;
  step(next, event);
  next.folded_at = event.observed_at;
  return next;
}

bool looks_same(const Shelf& a, const Shelf& b) {
  return a.present == b.present && a.date == b.date && a.quantity() == b.quantity();
}

}  // namespace codasync
