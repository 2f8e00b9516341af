#include "storage/model/shelf.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <limits>
#include <vector>

namespace codasync {
namespace {

/// Order of the effects with equal observed_at, so that the cautious result wins: the shortest
/// date, the lowest count. Deliveries come before sales, because sold units were on the shelf.
enum class Rank : std::uint8_t { removal, check, sighting, empty_shelf, quantity, adjustment };

/// The position of an effect in the total order.
struct Place {
  Instant at;
  Rank rank{};
  std::int64_t value{0};  // lower ones first

  friend auto operator<=>(const Place&, const Place&) = default;
};

struct Effect {
  Place place;
  Summary summary;
};

/// The effects of one event, in their order.
struct Effects {
  std::array<Effect, 2> each{};
  std::size_t count{0};

  void add(Place place, Summary summary) { each[count++] = {place, std::move(summary)}; }
  [[nodiscard]] auto begin() const { return each.begin(); }
  [[nodiscard]] auto end() const { return each.begin() + static_cast<std::ptrdiff_t>(count); }
};

constexpr std::int64_t kDateKinds = 4;  // the three, and no kind

/// Returns: a lower number for a later date, and for equal dates for a less strict kind; the lowest
/// for no date.
std::int64_t latest_first(const std::optional<ShelfDate>& date) {
  if (!date) return std::numeric_limits<std::int64_t>::min();
  const auto day = std::chrono::sys_days{date->date}.time_since_epoch().count();
  const auto strictness = date->kind ? static_cast<std::int64_t>(*date->kind) : kDateKinds - 1;
  return -(day * kDateKinds + strictness);
}

Effects effects_of(const Event& event) {
  const auto at = event.observed_at;
  Effects effects;
  switch (event.kind) {
    case EventKind::remove:
      effects.add({at, Rank::removal},
                  {.present = false, .dates_since = at, .quantity = QuantityStatement{at}});
      return effects;
    case EventKind::adjust:
      effects.add(
          {at, Rank::adjustment, -event.delta},
          {.quantity = QuantityAdjustment{event.delta, std::min<std::int64_t>(0, event.delta)}});
      return effects;
    case EventKind::void_event:
      return effects;
    case EventKind::check:
      effects.add({at, Rank::check, latest_first(event.date)},
                  {.present = true, .dates_since = at, .date = event.date, .looked_at = at});
      if (!event.date && !event.quantity) {
        effects.add({at, Rank::empty_shelf}, {.quantity = QuantityStatement{at, 0}});
      }
      break;
    case EventKind::sighting:
      effects.add({at, Rank::sighting}, {.present = true, .date = event.date, .looked_at = at});
      break;
    case EventKind::count:
      break;
  }
  if (event.quantity) {
    const auto n = *event.quantity;
    effects.add({at, Rank::quantity, -n},
                {.present = true, .looked_at = at, .quantity = QuantityStatement{at, n, n, n}});
  }
  return effects;
}

std::optional<ShelfDate> shortest(const std::optional<ShelfDate>& a,
                                  const std::optional<ShelfDate>& b) {
  if (!a || !b) return a ? a : b;
  return shorter(*a, *b);
}

std::optional<Instant> latest(const std::optional<Instant>& a, const std::optional<Instant>& b) {
  return std::max(a, b);  // nullopt is less than any time
}

QuantityStatement then(const QuantityStatement& first, const QuantityAdjustment& second) {
  if (!first.quantity) return first;
  const auto lowest = *first.quantity + second.lowest;
  return {first.since, *first.quantity + second.sum + std::max<std::int64_t>(0, -lowest),
          first.plain + second.sum, std::max<std::int64_t>(-1, std::min(first.lowest, lowest))};
}

QuantityEffect then(const QuantityEffect& first, const QuantityEffect& second) {
  if (std::holds_alternative<QuantityStatement>(second)) return second;
  const auto& more = std::get<QuantityAdjustment>(second);
  if (const auto* stated = std::get_if<QuantityStatement>(&first)) return then(*stated, more);
  const auto& some = std::get<QuantityAdjustment>(first);
  return QuantityAdjustment{some.sum + more.sum, std::min(some.lowest, some.sum + more.lowest)};
}

bool states_quantity(const Event& event) {
  return event.quantity || event.kind == EventKind::remove ||
         (event.kind == EventKind::check && !event.date);
}

/// Returns: whether the event replaces the date and is newer than the last one that did so.
bool replaces_date(const Shelf& shelf, const Event& event) {
  return (event.kind == EventKind::check || event.kind == EventKind::remove) &&
         event.observed_at > shelf.dates_since;
}

/// Returns: whether the event states the quantity, and no newer statement overrides it. A removal
/// has the lowest rank, so another statement with the same observed_at overrides it.
bool replaces_quantity(const Shelf& shelf, const Event& event) {
  if (!states_quantity(event)) return false;
  return event.kind == EventKind::remove ? event.observed_at > shelf.stock.since
                                         : event.observed_at >= shelf.stock.since;
}

bool adjusts(const Shelf& shelf, const Event& event) {
  return event.kind == EventKind::adjust && shelf.stock.quantity &&
         event.observed_at >= shelf.stock.since;
}

}  // namespace

bool Summary::is_complete() const {
  return present && dates_since && looked_at && std::holds_alternative<QuantityStatement>(quantity);
}

Summary then(const Summary& first, const Summary& second) {
  return {.present = second.present ? second.present : first.present,
          .dates_since = second.dates_since ? second.dates_since : first.dates_since,
          .date = second.dates_since ? second.date : shortest(first.date, second.date),
          .looked_at = latest(first.looked_at, second.looked_at),
          .quantity = then(first.quantity, second.quantity)};
}

Summary summary_of(std::span<const Event> events) {
  std::vector<Effect> effects;
  effects.reserve(events.size());
  for (const auto& event : events) {
    for (const auto& effect : effects_of(event)) effects.push_back(effect);
  }
  std::ranges::sort(effects, {}, &Effect::place);
  Summary summary;
  for (const auto& effect : effects) summary = then(summary, effect.summary);
  return summary;
}

std::optional<std::int64_t> Shelf::quantity() const {
  if (!stock.quantity) return std::nullopt;
  return std::min(*stock.quantity, kQuantityMax);
}

std::optional<Instant> Shelf::counted_at() const {
  return stock.quantity ? std::optional{stock.since} : std::nullopt;
}

Shelf then(const Shelf& shelf, const Summary& run) {
  const auto* stated = std::get_if<QuantityStatement>(&run.quantity);
  return {.present = run.present.value_or(shelf.present),
          .date = run.dates_since ? run.date : shortest(shelf.date, run.date),
          .dates_since = run.dates_since.value_or(shelf.dates_since),
          .looked_at = latest(shelf.looked_at, run.looked_at),
          .stock = stated != nullptr
                       ? *stated
                       : then(shelf.stock, std::get<QuantityAdjustment>(run.quantity))};
}

Shelf then(const Shelf& shelf, const Event& event) {
  auto next = shelf;
  for (const auto& effect : effects_of(event)) next = then(next, effect.summary);
  return next;
}

HistoryNeeded history_needed(const Shelf& shelf, const Event& event) {
  if (adjusts(shelf, event)) {
    // If the quantity never stops at zero, the sum does not depend on the order.
    const bool stays_above = shelf.stock.lowest + std::min<std::int64_t>(0, event.delta) >= 0;
    return stays_above ? HistoryNeeded::nothing : HistoryNeeded::all;
  }
  return replaces_date(shelf, event) || replaces_quantity(shelf, event) ? HistoryNeeded::from_event
                                                                        : HistoryNeeded::nothing;
}

Shelf fold_late(const Shelf& shelf, const Event& event, const Summary& since_event) {
  assert(history_needed(shelf, event) != HistoryNeeded::all);
  auto next = shelf;
  if (is_record(event.kind)) next.looked_at = latest(next.looked_at, event.observed_at);
  if (replaces_date(shelf, event)) {
    assert(since_event.present && since_event.dates_since);
    next.present = *since_event.present;
    next.dates_since = *since_event.dates_since;
    next.date = since_event.date;
  } else if (is_record(event.kind) && event.observed_at >= shelf.dates_since) {
    next.present = true;
    next.date = shortest(next.date, event.date);
  }
  if (replaces_quantity(shelf, event)) {
    next.stock = std::get<QuantityStatement>(since_event.quantity);
  } else if (adjusts(shelf, event)) {
    // Every later quantity changes by delta, so the bound does too.
    *next.stock.quantity += event.delta;
    next.stock.plain += event.delta;
    next.stock.lowest += std::min<std::int64_t>(0, event.delta);
  }
  return next;
}

bool same_stock(const Shelf& a, const Shelf& b) {
  return a.present == b.present && a.date == b.date && a.quantity() == b.quantity();
}

bool looks_same(const Shelf& a, const Shelf& b) {
  return same_stock(a, b) && a.looked_at == b.looked_at && a.counted_at() == b.counted_at();
}

}  // namespace codasync
