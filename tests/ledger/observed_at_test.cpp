#include <gmock/gmock.h>

#include "tests/ledger/ledger_fixture.hpp"

// The times of operations: reports that arrive late, and the one clock.

namespace codasync::test {
namespace {

using Why = storage::Refused::Why;

class LedgerWithTimes : public LedgerTest {};

TEST_F(LedgerWithTimes, folds_late_events_at_their_position) {
  perform(sighting(24));
  auto check = operation(EventKind::check);
  check.date = ShelfDate{std::chrono::year{2026} / 12 / 28, {}};
  EXPECT_EQ(text(perform(check)), "applied v2 2026-12-28 -");
  auto before_the_check = sighting(1);
  before_the_check.observed_at = now() - std::chrono::hours{1};
  EXPECT_EQ(text(perform(before_the_check)), "kept v2 2026-12-28 -");
  perform(count(10));
  perform(adjust(-4));
  auto late_count = count(7);
  late_count.observed_at = *parse_instant("2000-01-01T00:00:00Z");
  EXPECT_EQ(text(perform(late_count)), "kept v4 2026-12-28 6");
  late_count.observed_at = *parse_instant("1999-12-31T23:59:59Z");
  EXPECT_EQ(why(perform(late_count)), Why::too_old);
  late_count.observed_at = *parse_instant("0001-01-01T00:00:00Z");
  EXPECT_EQ(why(perform(late_count)), Why::too_old);
}

TEST_F(LedgerWithTimes, never_refuses_a_report_because_of_the_state) {
  const auto then = now() - std::chrono::hours{2};
  auto sale = adjust(-3);
  sale.observed_at = then + std::chrono::minutes{30};
  EXPECT_EQ(text(perform(sale)), "kept v0 - - absent") << "it counts when a recording arrives";
  auto counted = count(5);
  counted.observed_at = then;
  EXPECT_EQ(text(perform(counted)), "applied v1 - 2 created");
  auto more = adjust(-9);
  more.observed_at = then + std::chrono::hours{1};
  EXPECT_EQ(text(perform(more)), "applied v2 - 0");
  EXPECT_EQ(database.run("select concat_ws(' ', quantity, plain, miscounted) from stock_readings"),
            "0 -7 t");
  EXPECT_EQ(why(perform(adjust(-1))), Why::below_zero) << "this is a request for now";
  EXPECT_EQ(text(perform(adjust(2))), "applied v3 - 2") << "the shelf has at least two units";
  auto gone = operation(EventKind::remove);
  gone.observed_at = now();
  EXPECT_EQ(text(perform(gone)), "applied v4 - - absent");
  gone.observed_at = now();
  EXPECT_EQ(text(perform(gone)), "kept v4 - - absent");
  auto late = sighting(24);
  late.observed_at = then;
  EXPECT_EQ(text(perform(late)), "kept v4 - - absent") << "recorded before the removal";
}

TEST_F(LedgerWithTimes, treats_an_observed_at_that_was_only_read_back_as_now) {
  perform(count(5));
  const auto read =
      *parse_instant(database.run("select to_char(observed_at at time zone 'UTC', "
                                  "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') from stock_readings"));
  auto back = count(9);
  back.may_create = false;
  back.observed_at = read;
  EXPECT_EQ(text(perform(back)), "kept v1 - 5") << "with equal observed_at the lowest count wins";
  back.echoes = true;
  EXPECT_EQ(text(perform(back)), "applied v2 - 9");
}

TEST_F(LedgerWithTimes, uses_the_clock_of_the_database) {
  perform(sighting(24));
  EXPECT_EQ(
      database.run("select received_at <= clock_timestamp() and received_at > clock_timestamp() -"
                   " interval '1 minute' and observed_at = received_at from stock_events"),
      "t");
}

TEST_F(LedgerWithTimes, records_events_in_the_future_again_after_a_wrong_clock) {
  perform(sighting(24));
  perform(count(5));
  // As if the database's clock had been a day ahead.
  database.run(
      "update stock_readings set received_at = received_at + interval '1 day', newest_at = "
      "newest_at + interval '1 day',"
      " looked_at = looked_at + interval '1 day', quantity_since = quantity_since + interval '1 "
      "day',"
      " observed_at = observed_at + interval '1 day', updated_at = updated_at + interval '1 day';"
      "update stock_events set received_at = received_at + interval '1 day', observed_at = "
      "observed_at + interval '1 day'");
  auto check = operation(EventKind::check);
  check.date = ShelfDate{std::chrono::year{2026} / 12 / 5, {}};
  check.observed_at = now();
  const auto result = text(perform(check));
  EXPECT_TRUE(result.ends_with("2026-12-05 5")) << result;
  EXPECT_EQ(
      database.run(
          "select bool_and(observed_at <= clock_timestamp()) from stock_events e where not exists"
          " (select from stock_voids v where v.target = e.id)"),
      "t");
  EXPECT_EQ(text(perform(adjust(-1))).substr(0, 7), "applied");
  EXPECT_EQ(database.run("select received_at <= clock_timestamp() from stock_readings"), "t");
}

TEST_F(LedgerWithTimes, limits_observed_at_to_the_arrival) {
  auto tomorrow = sighting(24);
  tomorrow.observed_at = now() + std::chrono::hours{24};
  perform(tomorrow);
  EXPECT_EQ(
      database.run(
          "select observed_at = received_at and observed_at < clock_timestamp() from stock_events"),
      "t");
}

TEST_F(LedgerWithTimes, orders_acknowledged_writes_while_the_clock_steps_back) {
  perform(count(1));
  database.run("update stock_readings set received_at = received_at + interval '5 s'");
  EXPECT_EQ(text(perform(count(2))), "applied v2 - 2");
  EXPECT_EQ(text(perform(count(3))), "applied v3 - 3");
}

}  // namespace
}  // namespace codasync::test
