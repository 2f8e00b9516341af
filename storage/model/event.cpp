#include "storage/model/event.hpp"

#include <tuple>

namespace codasync {

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
    case EventOutcome::duplicate:
      return "duplicate";
  }
  __builtin_unreachable();
}

ShelfDate shorter(const ShelfDate& a, const ShelfDate& b) {
  const auto rank = [](const ShelfDate& date) {
    return std::tuple{date.date, !date.kind.has_value(), date.kind.value_or(DateKind::use_by)};
  };
  return rank(b) < rank(a) ? b : a;
}

bool same_content(const Event& stored, const Event& sent) {
  const auto day = [](const Event& event) {
    return event.date ? std::optional{event.date->date} : std::nullopt;
  };
  const bool kind_left_out =
      sent.kind == EventKind::check && sent.date.has_value() && !sent.date->kind;
  return stored.kind == sent.kind && day(stored) == day(sent) &&
         (kind_left_out || stored.date == sent.date) && stored.quantity == sent.quantity &&
         stored.delta == sent.delta && stored.voids == sent.voids;
}

}  // namespace codasync
