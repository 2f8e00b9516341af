#include "tests/faults/load/replay.hpp"

#include <algorithm>
#include <utility>

namespace codasync::faults {
namespace {

constexpr std::int64_t kQuantityShownMax = 2'147'483'647;

enum Rank { removal, check, sighting, empty_shelf, quantity, adjustment };

/// Returns: 0 for the strictest kind of date, more for laxer ones.
int laxness(char date_kind) {
  switch (date_kind) {
    case 'u':
      return 0;
    case 's':
      return 1;
    case 'b':
      return 2;
    default:
      return 3;
  }
}

/// Returns: a text that is less for a later date, and for one date with a laxer kind; the least
/// for no date.
std::string latest_first(const LedgerEvent& event) {
  std::string order = event.date;
  if (order.empty()) return order;
  for (char& digit : order) {
    if (digit != '-') digit = static_cast<char>('0' + '9' - digit);
  }
  return order + static_cast<char>('9' - laxness(event.date_kind));
}

std::string json(const std::string& text) { return text.empty() ? "null" : '"' + text + '"'; }

std::string json(std::optional<std::int64_t> number) {
  return number ? std::to_string(std::min(*number, kQuantityShownMax)) : "null";
}

/// Returns: the time as answers have it: no zeros at its end.
std::string json_time(std::string at) {
  if (at.empty()) return "null";
  while (at.ends_with('0')) at.pop_back();
  if (at.ends_with('.')) at.pop_back();
  return '"' + at + "Z\"";
}

std::string json_date_kind(char kind) {
  switch (kind) {
    case 'u':
      return "\"use_by\"";
    case 's':
      return "\"sell_by\"";
    case 'b':
      return "\"best_before\"";
    default:
      return "null";
  }
}

}  // namespace

std::vector<Replay::Step> Replay::steps_of(const LedgerEvent& event) {
  std::vector<Step> steps;
  const auto add = [&](Rank rank, std::string date_order, std::int64_t number_order) {
    steps.push_back({event.observed_at, rank, std::move(date_order), number_order, event, {}});
  };
  switch (event.kind) {
    case 'r':
      add(Rank::removal, "", 0);
      return steps;
    case 'a':
      add(Rank::adjustment, "", -event.delta);  // deliveries before sales
      return steps;
    case 'c':
      add(Rank::check, latest_first(event), 0);
      if (event.date.empty() && !event.quantity) add(Rank::empty_shelf, "", 0);
      break;
    case 's':
      add(Rank::sighting, "", 0);
      break;
    default:
      break;
  }
  if (event.quantity) add(Rank::quantity, "", -*event.quantity);  // the lowest holds
  return steps;
}

void Replay::apply(const Step& step, Shelf& shelf) {
  const auto& event = step.event;
  switch (step.rank) {
    case Rank::removal:
      shelf.present = false;
      shelf.date.clear();
      shelf.date_kind = 0;
      shelf.quantity.reset();
      shelf.counted_at.clear();
      return;
    case Rank::check:
      shelf.date = event.date;
      shelf.date_kind = event.date_kind;
      break;
    case Rank::sighting:
      if (event.date.empty()) break;
      if (shelf.date.empty() || std::pair{event.date, laxness(event.date_kind)} <
                                    std::pair{shelf.date, laxness(shelf.date_kind)}) {
        shelf.date = event.date;
        shelf.date_kind = event.date_kind;
      }
      break;
    case Rank::empty_shelf:
    case Rank::quantity:
      shelf.quantity = event.quantity.value_or(0);
      shelf.counted_at = step.at;
      break;
    case Rank::adjustment:
      if (shelf.quantity) shelf.quantity = std::max<std::int64_t>(*shelf.quantity + event.delta, 0);
      return;
    default:
      return;
  }
  shelf.present = true;
  shelf.checked_at = step.at;
}

/// Folds the steps from this one on.
void Replay::fold_from(std::size_t step) {
  Shelf shelf = step == 0 ? Shelf{} : steps_[step - 1].after;
  for (; step < steps_.size(); ++step) {
    if (!voided_.contains(steps_[step].event.id)) apply(steps_[step], shelf);
    steps_[step].after = shelf;
  }
  state_.shelf = std::move(shelf);
}

/// That event no longer counts.
void Replay::take_back(const std::string& event) {
  voided_.insert(event);
  const auto first =
      std::ranges::find(steps_, event, [](const Step& step) { return step.event.id; });
  if (first != steps_.end()) fold_from(static_cast<std::size_t>(first - steps_.begin()));
}

void Replay::add(const LedgerEvent& event) {
  before_ = state_;
  last_ = event.id;
  if (event.kind == 'v') take_back(event.voids);
  for (const auto& step : steps_of(event)) {
    const auto place = steps_.insert(std::upper_bound(steps_.begin(), steps_.end(), step), step);
    fold_from(static_cast<std::size_t>(place - steps_.begin()));
  }
  const Shelf& was = before_.shelf;
  const Shelf& is = state_.shelf;
  applied_ = was.present != is.present || was.date != is.date || was.date_kind != is.date_kind ||
             was.quantity != is.quantity;
  if (was == is) return;
  ++state_.version;
  state_.observed_at = event.observed_at;
  state_.updated_at = event.received_at;
}

void Replay::undo() {
  std::erase_if(steps_, [&](const Step& step) { return step.event.id == last_; });
  fold_from(0);
  state_ = before_;
}

std::string Replay::shown() const {
  const Shelf& shelf = state_.shelf;
  return "\"expiry_date\":" + json(shelf.date) +
         ",\"date_kind\":" + json_date_kind(shelf.date_kind) +
         ",\"quantity\":" + json(shelf.quantity) +
         ",\"available\":" + (shelf.quantity == 0 ? "false" : "true") +
         ",\"expired\":false,\"version\":" + std::to_string(version()) +
         ",\"observed_at\":" + json_time(state_.observed_at) +
         ",\"checked_at\":" + json_time(shelf.checked_at) +
         ",\"counted_at\":" + json_time(shelf.counted_at) +
         ",\"updated_at\":" + json_time(state_.updated_at);
}

}  // namespace codasync::faults
