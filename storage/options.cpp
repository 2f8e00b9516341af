#include "storage/options.hpp"

#include <stdexcept>

#include "storage/postgres/connection.hpp"

namespace codasync::storage {
namespace {

using std::chrono::milliseconds;

std::string text(std::size_t number) { return std::to_string(number); }
std::string text(milliseconds time) { return std::to_string(time.count()) + " ms"; }

/// Collects one sentence for each value outside its range.
class Ranges {
 public:
  template <class Value>
  void check(const std::string& name, Value value, Value min, Value max) {
    if (value < min || max < value) {
      problems.push_back(name + " is " + text(value) + ": it must be " + text(min) + " to " +
                         text(max));
    }
  }
  std::vector<std::string> problems{};
};

}  // namespace

std::vector<std::string> problems(const PostgresOptions& options) {
  Ranges ranges;
  try {
    postgres::connection_string(options);
  } catch (const std::invalid_argument& error) {
    ranges.problems.push_back(std::string{"postgres.url is "} +
                              error.what());  // the value may hold a password
  }

  using std::chrono_literals::operator""ms;
  using std::chrono_literals::operator""s;
  using std::chrono_literals::operator""h;
  ranges.check<std::size_t>("postgres.connections_max", options.connections_max, 1, 1000);
  ranges.check<std::size_t>("postgres.fill_connections_max", options.fill_connections_max, 1, 1000);
  ranges.check<std::size_t>("postgres.waiters_max", options.waiters_max, 0, 100'000);
  ranges.check<milliseconds>("postgres.acquire_timeout", options.acquire_timeout, 10ms, 60s);
  ranges.check<milliseconds>("postgres.connect_timeout", options.connect_timeout, 1s, 60s);
  ranges.check<milliseconds>("postgres.lock_timeout", options.lock_timeout, 10ms, 60s);
  ranges.check<milliseconds>("postgres.statement_timeout", options.statement_timeout, 10ms, 600s);
  if (options.lock_timeout >= options.statement_timeout) {
    ranges.problems.push_back("postgres.lock_timeout is " + text(options.lock_timeout) +
                              ": it must be shorter than postgres.statement_timeout, " +
                              text(options.statement_timeout));
  }
  return ranges.problems;
}

std::vector<std::string> problems(const CombinerOptions& options) {
  using std::chrono_literals::operator""ms;
  using std::chrono_literals::operator""s;
  using std::chrono_literals::operator""h;
  Ranges ranges;
  ranges.check<std::size_t>("combiner.lanes", options.lanes, 1, 64);
  ranges.check<std::size_t>("combiner.batch_max", options.batch_max, 1, 1000);
  ranges.check<std::size_t>("combiner.lane_queue_max", options.lane_queue_max, 1, 1'000'000);
  ranges.check<milliseconds>("combiner.queue_timeout", options.queue_timeout, 10ms, 60s);
  ranges.check<std::size_t>("combiner.attempts_max", options.attempts_max, 1, 20);
  return ranges.problems;
}

}  // namespace codasync::storage
