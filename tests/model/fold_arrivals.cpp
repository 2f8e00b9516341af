// Folds histories as in production, one transaction for each event in order of arrival, and prints
// the shown fields after each event. data_core_test.py compares the output with its model.
//
//   fold_arrivals [SECOND:COUNT...] <histories
//
// Arguments, in order of arrival: COUNT adjustments by 0, one microsecond apart, the last one at
// SECOND. They have no effect, but fill each history before its first event, so that later events
// are in sealed segments.
// Input: `NAME KIND SECOND DAY DATE_KIND QUANTITY DELTA TARGET`, one event per line, with - for a
// missing value; an empty line ends a history. A target precedes its void.
// Output, one line per event: `PRESENT DAY DATE_KIND QUANTITY LOOKED_AT COUNTED_AT MISCOUNTED`.

#include <cstdlib>
#include <iostream>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/ledger/ledger_tables.hpp"
#include "tests/model/events.hpp"
#include "tests/model/oracle.hpp"

namespace codasync::test {
namespace {

/// After all arrivals.
const Instant kNow = at(1'000);

/// Returns: an id that depends on the name only. Requires: at most 16 characters.
EventId id_of(const std::string& name) {
  EventId id;
  if (name.size() > id.bytes.size()) throw std::runtime_error{"a long name: " + name};
  std::ranges::copy(name, id.bytes.begin());
  return id;
}

/// The fields of one line.
class Fields {
 public:
  explicit Fields(const std::string& line) : text_{line} {}

  std::string word() {
    std::string word;
    if (!(text_ >> word)) throw std::runtime_error{"too few fields: " + text_.str()};
    return word;
  }
  std::optional<std::string> word_if_any() {
    auto found = word();
    return found == "-" ? std::nullopt : std::optional{std::move(found)};
  }
  std::optional<std::int64_t> number_if_any() {
    const auto found = word_if_any();
    return found ? std::optional{std::stoll(*found)} : std::nullopt;
  }

 private:
  std::istringstream text_;
};

Event parse_event(const std::string& line) {
  Fields fields{line};
  Event event{.id = id_of(fields.word()), .kind = EventKind::sighting, .observed_at = {}};
  const auto kind = parse_event_kind(fields.word());
  if (!kind) throw std::runtime_error{"an unknown kind: " + line};
  event.kind = *kind;
  event.observed_at = at(std::stoi(fields.word()));
  const auto day = fields.number_if_any();
  const auto date_kind = fields.word_if_any();
  if (day)
    event.date = december(static_cast<unsigned>(*day),
                          date_kind ? parse_date_kind(*date_kind) : std::nullopt);
  event.quantity = fields.number_if_any();
  event.delta = fields.number_if_any().value_or(0);
  if (const auto target = fields.word_if_any()) event.voids = id_of(*target);
  return event;
}

void print_number(const std::optional<std::int64_t>& number) {
  if (number) {
    std::cout << *number;
  } else {
    std::cout << '-';
  }
  std::cout << ' ';
}

void print_second(const std::optional<Instant>& moment) {
  print_number(moment ? std::optional{(*moment - at(0)) / std::chrono::seconds{1}} : std::nullopt);
}

void print(const Shown& seen) {
  std::cout << seen.present << ' ';
  print_number(seen.date ? std::optional{unsigned{seen.date->date.day()}} : std::nullopt);
  std::cout << (seen.date && seen.date->kind ? name_of(*seen.date->kind) : "-") << ' ';
  print_number(seen.quantity);
  print_second(seen.looked_at);
  print_second(seen.counted_at);
  std::cout << seen.miscounted << '\n';
}

/// Returns: a reading with adjustments by 0.
FoldedReading filled(std::span<const std::string> fillings) {
  FoldedReading reading;
  int fillers = 0;
  for (const auto& filling : fillings) {
    const auto second = std::stoi(filling);
    const auto count = std::stoi(filling.substr(filling.find(':') + 1));
    std::vector<Event> events;
    for (int i = 0; i < count; ++i) {
      auto event = adjust(second, 0);
      event.id = id_of("filler" + std::to_string(++fillers));
      event.observed_at -= std::chrono::microseconds{count - 1 - i};
      events.push_back(event);
    }
    reading.transact(events, kNow);
  }
  return reading;
}

void fold_arrivals(std::span<const std::string> fillings) {
  const auto start = filled(fillings);
  auto reading = start;
  for (std::string line; std::getline(std::cin, line);) {
    if (line.empty()) {
      reading = start;
      continue;
    }
    const auto event = parse_event(line);
    if (event.voids && !reading.has(*event.voids))
      throw std::runtime_error{"a void before its target: " + line};
    reading.transact({&event, 1}, kNow);
    print(shown(reading.state.shelf));
  }
}

}  // namespace
}  // namespace codasync::test

int main(int argc, char** argv) try {
  const std::vector<std::string> fillings{argv + 1, argv + argc};
  std::ios::sync_with_stdio(false);
  codasync::test::fold_arrivals(fillings);
  return EXIT_SUCCESS;
} catch (const std::exception& problem) {
  std::cerr << "fold_arrivals: " << problem.what() << '\n';
  return EXIT_FAILURE;
}
