#include "tests/service/naive_operations.hpp"

#include <chrono>
#include <ctime>
#include <numeric>

namespace codasync::test::naive {
namespace {

constexpr std::int64_t kQuantityMax = 2'147'483'647;

/// Returns: moment number `n`. Half of a small set's moments lie before the first day of a month,
/// where the ledger begins another partition, and the others after it.
std::string moment(std::size_t n) {
  using namespace std::chrono;
  const auto an_hour_ago = system_clock::now() - hours{1};
  const year_month_day day{floor<days>(an_hour_ago)};
  const auto start = sys_days{day.year() / day.month() / 1} - seconds{3};
  const auto at = system_clock::to_time_t(start + seconds{n});
  std::tm parts{};
  gmtime_r(&at, &parts);
  char text[32];
  const auto size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text, size};
}

void draw_date(Random& random, std::size_t dates, Operation& operation) {
  static const std::string kKinds[]{"use_by", "sell_by", "best_before", "", "", ""};
  operation.date = "2026-12-2" + std::to_string(random.below(dates));
  operation.date_kind = kKinds[random.below(std::size(kKinds))];
}

std::int64_t draw_quantity(Random& random) {
  return random.one_in(50) ? kQuantityMax : static_cast<std::int64_t>(random.below(10));
}

std::int64_t draw_delta(Random& random) {
  if (random.one_in(50)) return random.one_in(2) ? kQuantityMax : -kQuantityMax;
  return static_cast<std::int64_t>(random.below(17)) - 8;
}

/// Returns: an operation that is no void.
Operation draw(Random& random, std::size_t moments, std::size_t dates) {
  static constexpr Kind kKinds[]{Kind::sighting, Kind::sighting, Kind::check,
                                 Kind::check,    Kind::count,    Kind::adjust,
                                 Kind::adjust,   Kind::adjust,   Kind::removal};
  Operation operation{.kind = kKinds[random.below(std::size(kKinds))],
                      .observed_at = moment(random.below(moments))};
  switch (operation.kind) {
    case Kind::sighting:
      if (!random.one_in(8)) draw_date(random, dates, operation);
      if (random.one_in(4)) operation.quantity = draw_quantity(random);
      break;
    case Kind::check:
      if (!random.one_in(3)) draw_date(random, dates, operation);
      if (random.one_in(3)) operation.quantity = draw_quantity(random);
      break;
    case Kind::count:
      operation.quantity = draw_quantity(random);
      break;
    case Kind::adjust:
      operation.delta = draw_delta(random);
      break;
    case Kind::removal:
    case Kind::void_of:
      break;
  }
  return operation;
}

}  // namespace

Random::Random(std::initializer_list<std::uint64_t> numbers) {
  std::vector<std::uint32_t> words;
  for (const auto number : numbers) {
    words.push_back(static_cast<std::uint32_t>(number));
    words.push_back(static_cast<std::uint32_t>(number >> 32));
  }
  std::seed_seq seed(words.begin(), words.end());
  engine_.seed(seed);
}

std::vector<Operation> draw_set(Random& random, std::size_t count) {
  const auto moments = 1 + random.below(6) + count / 12;
  const auto dates = 1 + random.below(4);
  // Clients look the target of a void up in the history, which costs more in a long one.
  const std::size_t one_void_in = count > 200 ? 20 : 10;
  std::vector<Operation> operations;
  std::vector<std::size_t> targets;
  std::vector<std::size_t> removals;
  while (operations.size() < count) {
    if (!targets.empty() && random.one_in(one_void_in)) {
      const auto& which = !removals.empty() && random.one_in(3) ? removals : targets;
      operations.push_back({.kind = Kind::void_of,
                            .observed_at = moment(random.below(moments)),
                            .target = which[random.below(which.size())]});
      continue;
    }
    auto operation = draw(random, moments, dates);
    if (targets.empty() && !is_record(operation.kind)) continue;
    targets.push_back(operations.size());
    if (operation.kind == Kind::removal) removals.push_back(operations.size());
    operations.push_back(std::move(operation));
  }
  return operations;
}

std::vector<std::size_t> draw_order(Random& random, const std::vector<Operation>& operations) {
  std::vector<std::size_t> order(operations.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  // A void that comes before its target changes places with it; all others stay as they are.
  std::vector<std::size_t> place(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) place[order[i]] = i;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto each = order[i];
    if (operations[each].kind != Kind::void_of) continue;
    const auto target = operations[each].target;
    if (place[target] < place[each]) continue;
    std::swap(order[place[target]], order[place[each]]);
    std::swap(place[target], place[each]);
  }
  const auto first = std::find_if(order.begin(), order.end(),
                                  [&](auto i) { return is_record(operations[i].kind); });
  std::rotate(order.begin(), first, first + 1);
  return order;
}

bool is_record(Kind kind) {
  return kind == Kind::sighting || kind == Kind::check || kind == Kind::count;
}

std::string name_of(Kind kind) {
  static const std::string kNames[]{"sighting", "check", "count", "adjust", "remove", "void"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::string to_text(const Operation& operation) {
  auto text = operation.observed_at + " " + name_of(operation.kind);
  if (!operation.date.empty()) text += " " + operation.date;
  if (!operation.date_kind.empty()) text += " " + operation.date_kind;
  if (operation.quantity) text += " quantity " + std::to_string(*operation.quantity);
  if (operation.kind == Kind::adjust) text += " " + std::to_string(operation.delta);
  if (operation.kind == Kind::void_of) text += " of operation " + std::to_string(operation.target);
  return text;
}

std::string to_text(const Shown& shown) {
  if (!shown.present) return "not there";
  const auto or_none = [](const std::string& text) { return text.empty() ? "none" : text; };
  return "date " + or_none(shown.date) + ", kind " + or_none(shown.date_kind) + ", quantity " +
         (shown.quantity ? std::to_string(*shown.quantity) : "none") + ", checked " +
         or_none(shown.checked_at) + ", counted " + or_none(shown.counted_at);
}

}  // namespace codasync::test::naive
