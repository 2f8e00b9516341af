#pragma once

#include <cstdint>
#include <optional>

#include "storage/model/shelf.hpp"

// Builders of events with defaults.

namespace codasync::test {

/// Returns: second `n` of the day of these tests.
inline Instant at(int n) {
  return std::chrono::sys_days{std::chrono::year{2026} / 11 / 24} + std::chrono::seconds{n};
}

/// Returns: day `n` of December as the date on a pack.
inline ShelfDate december(unsigned n, std::optional<DateKind> kind = std::nullopt) {
  return {std::chrono::year{2026} / 12 / std::chrono::day{n}, kind};
}

/// Returns: a new id, larger than all earlier ones.
inline EventId next_id() {
  static std::uint32_t count = 0;
  ++count;
  EventId id;
  for (std::size_t i = 0; i < 4; ++i)
    id.bytes[i] = static_cast<std::uint8_t>(count >> (8 * (3 - i)));
  return id;
}

inline Event event(EventKind kind, int second) {
  return {.id = next_id(), .kind = kind, .observed_at = at(second)};
}

inline Event sighting(int second, std::optional<ShelfDate> date,
                      std::optional<std::int64_t> quantity = std::nullopt) {
  auto made = event(EventKind::sighting, second);
  made.date = date;
  made.quantity = quantity;
  return made;
}

inline Event check(int second, std::optional<ShelfDate> date,
                   std::optional<std::int64_t> quantity = std::nullopt) {
  auto made = sighting(second, date, quantity);
  made.kind = EventKind::check;
  return made;
}

inline Event count(int second, std::int64_t quantity) {
  auto made = event(EventKind::count, second);
  made.quantity = quantity;
  return made;
}

inline Event adjust(int second, std::int64_t delta) {
  auto made = event(EventKind::adjust, second);
  made.delta = delta;
  return made;
}

inline Event removal(int second) { return event(EventKind::remove, second); }

inline Event void_of(const Event& target, int second) {
  auto made = event(EventKind::void_event, second);
  made.voids = target.id;
  return made;
}

}  // namespace codasync::test
