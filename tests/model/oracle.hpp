#pragma once

#include <algorithm>
#include <optional>
#include <set>
#include <vector>

#include "storage/model/shelf.hpp"

// The rules of a reading as a declarative function, without a sequence of steps. It shares no code
// with storage/model/shelf.cpp.

namespace codasync::test {

/// The shown fields of a reading, and `miscounted`.
struct Shown {
  bool present{false};
  std::optional<ShelfDate> date{};
  std::optional<std::int64_t> quantity{};
  std::optional<Instant> looked_at{};
  std::optional<Instant> counted_at{};
  bool miscounted{false};

  friend bool operator==(const Shown&, const Shown&) = default;
};

inline Shown shown(const Shelf& shelf) {
  return {shelf.present,      shelf.date,
          shelf.quantity(),   shelf.looked_at,
          shelf.counted_at(), shelf.stock.quantity && *shelf.stock.quantity > shelf.stock.plain};
}

/// Returns: the state after a set of events, voids included, in any order.
inline Shown oracle(const std::vector<Event>& all) {
  std::set<EventId> voided;
  for (const auto& event : all) {
    if (event.voids) voided.insert(*event.voids);
  }
  std::vector<Event> events;
  for (const auto& event : all) {
    if (event.kind != EventKind::void_event && !voided.contains(event.id)) events.push_back(event);
  }
  const auto newest = [&](auto&& which) {
    std::optional<Instant> at;
    for (const auto& event : events) {
      if (which(event)) at = std::max(at, std::optional{event.observed_at});
    }
    return at;
  };
  const auto record = [](const Event& e) {
    return e.kind == EventKind::sighting || e.kind == EventKind::check ||
           e.kind == EventKind::count;
  };
  const auto removal = [](const Event& e) { return e.kind == EventKind::remove; };

  Shown seen;
  seen.looked_at = newest(record);
  seen.present = seen.looked_at && seen.looked_at >= newest(removal);

  const auto since =
      newest([&](const Event& e) { return removal(e) || e.kind == EventKind::check; });
  for (const auto& e : events) {
    const bool counts = (e.kind == EventKind::sighting && (!since || e.observed_at >= *since)) ||
                        (e.kind == EventKind::check && e.observed_at == since);
    if (!counts || !e.date) continue;
    const auto strictness = [](const ShelfDate& d) {
      return d.kind ? static_cast<int>(*d.kind) : 9;
    };
    if (!seen.date || e.date->date < seen.date->date ||
        (e.date->date == seen.date->date && strictness(*e.date) < strictness(*seen.date)))
      seen.date = e.date;
  }

  // The newest statement of a quantity; with equal observed_at: a number, then an empty shelf, then
  // a removal.
  const auto number = [&](const Event& e) { return record(e) && e.quantity; };
  const auto empty = [](const Event& e) {
    return e.kind == EventKind::check && !e.date && !e.quantity;
  };
  const auto start = newest([&](const Event& e) { return number(e) || empty(e) || removal(e); });
  if (!start) return seen;
  std::optional<std::int64_t> quantity;
  bool is_empty = false;
  for (const auto& e : events) {
    if (e.observed_at != *start) continue;
    if (number(e)) quantity = quantity ? std::min(*quantity, *e.quantity) : *e.quantity;
    is_empty = is_empty || empty(e);
  }
  if (!quantity && is_empty) quantity = 0;
  if (!quantity) return seen;
  seen.counted_at = start;
  std::int64_t plain = *quantity;
  std::set<Instant> moments;
  const auto adjusts = [&](const Event& e) {
    return e.kind == EventKind::adjust && e.observed_at >= *start;
  };
  for (const auto& e : events) {
    if (adjusts(e)) moments.insert(e.observed_at);
  }
  for (const auto moment : moments) {  // with equal observed_at: deliveries, then sales
    std::int64_t delivered = 0;
    std::int64_t sold = 0;
    for (const auto& e : events) {
      if (adjusts(e) && e.observed_at == moment) (e.delta > 0 ? delivered : sold) += e.delta;
    }
    quantity = std::max<std::int64_t>(0, *quantity + delivered + sold);
    plain += delivered + sold;
  }
  seen.miscounted = *quantity > plain;
  seen.quantity = std::min(*quantity, kQuantityMax);
  return seen;
}

}  // namespace codasync::test
