#include "storage/ledger_retention.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <random>

#include "storage/ledger_check.hpp"
#include "storage/operation_name.hpp"
#include "storage/postgres/connection.hpp"
#include "tests/ledger/ledger_fixture.hpp"

namespace codasync::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

/// Closes the ledger at the beginning of this month: one partition has all older events.
class LedgerRetention : public LedgerTest {
 protected:
  // perform_all() submits thousands of operations at once, and an instrumented build is slow.
  LedgerRetention() { options.queue_timeout = 1min; }

  static Date this_month() {
    const Date today{std::chrono::floor<std::chrono::days>(now())};
    return {today.year(), today.month(), std::chrono::day{1}};
  }
  static Instant floor() { return Instant{std::chrono::sys_days{this_month()}}; }

  storage::CloseCounts close(Date day) {
    return storage::close_ledger(postgres, day, [](std::uint64_t) {});
  }

  static storage::StockOperation at(storage::StockOperation operation, Instant observed_at) {
    operation.observed_at = observed_at;
    operation.may_create = true;
    return operation;
  }

  void perform_all(const std::vector<storage::StockOperation>& operations) {
    std::vector<std::future<storage::StockResult>> results;
    results.reserve(operations.size());
    for (const auto& operation : operations) results.push_back(submit(operation));
    for (auto& result : results) {
      const auto done = result.get();
      ASSERT_TRUE(accepted(done)) << text(done);
    }
  }

  /// Returns: the shown fields of all readings.
  std::string shown() {
    return database.run(
        "select string_agg(concat_ws(' ', id, version, observed_at, updated_at, looked_at, "
        "quantity_since, quantity, plain, expiry_date, date_kind, present), e'\\n' order by id) "
        "from stock_readings");
  }

  std::string events() { return database.run("select count(*) from stock_events"); }

  void expect_clean() {
    storage::check_ledger(
        postgres, nullptr,
        [](const storage::LedgerDifference& difference) {
          ADD_FAILURE() << difference.reading.value() << ": " << difference.what.front();
        },
        [](const storage::LedgerCheckCounts&) {});
  }

  /// Returns: `before` operations before the floor and `after` ones after it, on two readings,
  /// shuffled.
  std::vector<storage::StockOperation> some_operations(std::size_t before, std::size_t after) {
    std::vector<storage::StockOperation> operations;
    const auto one = [&](std::size_t number, Instant moment) {
      const Gtin gtin = number % 3 == 0 ? kMilk : kTea;
      switch (number % 7) {
        case 0:
          return at(count(static_cast<std::int64_t>(number % 50), gtin), moment);
        case 1:
          return at(sighting(static_cast<unsigned>(1 + number % 28), gtin), moment);
        default:
          return at(adjust(static_cast<std::int64_t>(number % 5) - 2, gtin), moment);
      }
    };
    for (std::size_t i = 1; i <= before; ++i) operations.push_back(one(i, floor() - i * 1s));
    const auto step = (now() - floor()) / static_cast<std::int64_t>(after + 2);
    for (std::size_t i = 1; i <= after; ++i) operations.push_back(one(i, floor() + i * step));
    std::shuffle(operations.begin(), operations.end(), random);
    return operations;
  }

  const unsigned seed = std::random_device{}();
  std::mt19937 random{seed};
};

TEST_F(LedgerRetention, changes_no_reading_and_deletes_the_events_before_the_day) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  perform_all(some_operations(1500, 1500));
  const auto before = shown();
  const auto newer = database.run("select count(*) from stock_events where observed_at >= '" +
                                  to_string(floor()) + "'");
  const auto counts = close(this_month());
  EXPECT_EQ(counts.readings, 2U);
  EXPECT_THAT(counts.partitions, testing::ElementsAre("stock_events_before"));
  EXPECT_EQ(shown(), before);
  EXPECT_EQ(events(), newer);
  expect_clean();
}

TEST_F(LedgerRetention, leaves_a_ledger_that_folds_late_events_and_voids) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  perform_all(some_operations(1500, 700));
  close(this_month());
  perform_all(some_operations(0, 700));
  expect_clean();
  const auto event = database.run(
      "select id from stock_events where kind = 'a' and outcome = 'a' order by observed_at limit "
      "1");
  auto mistake = operation(EventKind::void_event,
                           Gtin::from_number(std::stoll(
                               database.run("select gtin from stock_readings where id = (select "
                                            "reading_id from stock_events where id = '" +
                                            event + "')"))));
  mistake.voids = Uuid::parse(event);
  EXPECT_TRUE(accepted(perform(mistake)));
  expect_clean();
}

TEST_F(LedgerRetention, refuses_older_operations_afterwards) {
  auto old = at(count(3), floor() - 1h);
  old.idempotency_key = key("old");
  old.name = storage::name_of_key(old.actor.id, "old");
  perform(old);
  close(this_month());
  const auto refused = perform(at(sighting(1), floor() - 1us));
  EXPECT_EQ(why(refused), storage::Refused::Why::too_old);
  EXPECT_EQ(std::get<storage::Refused>(refused).ledger_floor, floor());
  EXPECT_TRUE(accepted(perform(at(sighting(1), floor()))));
  EXPECT_EQ(text(perform(old)), text(perform(old))) << "its response is stored under the key";
  database.run("delete from idempotency_keys");
  EXPECT_EQ(why(perform(old)), storage::Refused::Why::too_old) << "and its name is stored";
  EXPECT_EQ(database.run("select quantity from stock_readings"), "3");
}

TEST_F(LedgerRetention, keeps_a_reading_that_has_old_events_only) {
  perform(at(count(3), floor() - 1h));
  perform(at(operation(EventKind::remove, kMilk), floor() - 2h));
  perform(at(sighting(5, kMilk), floor() - 1h));
  const auto before = shown();
  close(this_month());
  EXPECT_EQ(events(), "0");
  EXPECT_EQ(shown(), before);
  expect_clean();
  EXPECT_EQ(text(perform(adjust(-1))).substr(0, 7), "applied");
  EXPECT_EQ(database.run("select quantity from stock_readings where gtin = 4006381333931"), "2");
  expect_clean();
}

TEST_F(LedgerRetention, can_be_repeated_after_an_interruption) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  perform_all(some_operations(900, 900));
  const auto before = shown();
  postgres.lock_timeout = 50ms;
  {
    storage::postgres::Connection reader{postgres};
    reader.exec("begin; select count(*) from stock_events_before");
    EXPECT_THROW(close(this_month()), Unavailable) << "the partition is in use";
  }
  EXPECT_EQ(shown(), before);
  expect_clean();
  EXPECT_EQ(close(this_month()).partitions.size(), 1U);
  EXPECT_TRUE(close(this_month()).partitions.empty());
  EXPECT_EQ(shown(), before);
  expect_clean();
}

TEST_F(LedgerRetention, refuses_a_day_that_is_not_the_start_of_a_partition) {
  const auto refusal = [&](Date day) -> std::string {
    try {
      close(day);
      return "none";
    } catch (const storage::CloseRefused& refused) {
      return refused.what();
    }
  };
  const auto month = this_month();
  EXPECT_THAT(refusal({month.year(), month.month(), std::chrono::day{2}}),
              HasSubstr("first day of a month"));
  EXPECT_THAT(refusal(month + std::chrono::months{1}), HasSubstr("current month"));
  EXPECT_THAT(refusal(month - std::chrono::months{3}), HasSubstr("No partition"));
  close(month);
  EXPECT_THAT(refusal(month - std::chrono::months{1}), HasSubstr("already"));
}

}  // namespace
}  // namespace codasync::test
