#include <gmock/gmock.h>

#include "tests/ledger/ledger_fixture.hpp"

// Voids: which events may be taken back, by whom, and what the reading is then.

namespace codasync::test {
namespace {

using Why = storage::Refused::Why;

class LedgerWithVoids : public LedgerTest {};

TEST_F(LedgerWithVoids, voids_one_event_once) {
  perform(sighting(24));
  perform(sighting(2));
  auto typo = operation(EventKind::void_event);
  typo.voids = Uuid::parse(
      database.run("select id::text from stock_events where expiry_date = '2026-12-02'"));
  typo.reason = "typing error";
  EXPECT_EQ(text(perform(typo)), "applied v3 2026-12-24 -");
  EXPECT_EQ(text(perform(typo)), "kept v3 2026-12-24 -");
  EXPECT_EQ(database.run("select count(*) from stock_events where kind = 'v'"), "1");
  EXPECT_EQ(database.run(
                "select concat_ws(' ', action, subject, subject_id, after->>'reason') from audit"),
            "void reading 1 typing error");
  typo.voids = Uuid::parse(database.run("select id::text from stock_events where kind = 'v'"));
  EXPECT_EQ(why(perform(typo)), Why::event_not_voidable);
  typo.voids = Uuid::v7(now());
  EXPECT_EQ(why(perform(typo)), Why::unknown_event);
  typo.voids = Uuid::v8(std::array<std::uint8_t, 16>{1});
  EXPECT_EQ(why(perform(typo)), Why::unknown_event);
  typo.voids = Uuid::v7(*parse_instant("1999-12-31T23:59:59Z"));
  EXPECT_EQ(why(perform(typo)), Why::too_old);
}

TEST_F(LedgerWithVoids, lets_staff_void_only_events_of_their_own_token) {
  auto by_admin = count(5);
  by_admin.actor = admin();
  perform(by_admin);
  perform(count(7));
  const auto event = [&](const std::string& token) {
    return Uuid::parse(
        database.run("select id::text from stock_events where kind = 'q' and token_id = " + token));
  };
  auto take_back = operation(EventKind::void_event);
  take_back.voids = event("2");
  EXPECT_EQ(why(perform(take_back)), Why::event_of_another);
  take_back.actor = admin();
  take_back.voids = event("1");
  EXPECT_EQ(text(perform(take_back)), "applied v3 - 5") << "an admin voids every event";
  take_back.actor = staff();
  EXPECT_EQ(text(perform(take_back)), "kept v3 - 5") << "their own, again";
  take_back.voids = event("2");
  take_back.voids_own = true;
  EXPECT_EQ(text(perform(take_back)), "applied v4 - - absent") << "of their device";
}

TEST_F(LedgerWithVoids, lets_staff_void_only_events_that_arrived_a_short_time_ago) {
  perform(count(5));
  perform(count(7));
  database.run(
      "update stock_events set received_at = received_at - interval '71 hours' where quantity = 7;"
      "update stock_events set received_at = received_at - interval '73 hours' where quantity = 5");
  const auto event = [&](const std::string& quantity) {
    return Uuid::parse(
        database.run("select id::text from stock_events where quantity = " + quantity));
  };
  auto take_back = operation(EventKind::void_event);
  take_back.voids = event("7");
  EXPECT_EQ(text(perform(take_back)), "applied v3 - 5");
  take_back.voids = event("5");
  EXPECT_EQ(why(perform(take_back)), Why::void_too_late);
  take_back.voids_own = true;
  EXPECT_EQ(why(perform(take_back)), Why::void_too_late);
  take_back.voids_own = false;
  options.staff_void_time = std::chrono::hours{74};
  open();
  EXPECT_EQ(text(perform(take_back)), "applied v4 - - absent");
}

TEST_F(LedgerWithVoids, voids_every_kind_of_event) {
  const auto newest = [&] {
    return *Uuid::parse(database.run(
        "select id::text from stock_events where kind <> 'v' order by received_at desc limit 1"));
  };
  const auto void_newest = [&] {
    auto made = operation(EventKind::void_event);
    made.voids = newest();
    return text(perform(made));
  };
  perform(sighting(24));
  perform(count(5));
  const auto before =
      database.run("select concat_ws(' ', expiry_date, quantity, present) from stock_readings");
  auto check = operation(EventKind::check);
  for (const auto& event :
       {sighting(20), check, count(9), adjust(-2), operation(EventKind::remove)}) {
    ASSERT_TRUE(accepted(perform(event)));
    const auto result = void_newest();
    EXPECT_TRUE(result.starts_with("applied")) << result;
    EXPECT_EQ(
        database.run("select concat_ws(' ', expiry_date, quantity, present) from stock_readings"),
        before)
        << name_of(*event.kind);
  }
}

TEST_F(LedgerWithVoids, is_absent_when_all_events_are_voided_and_can_be_recorded_again) {
  perform(sighting(24));
  auto take_back = operation(EventKind::void_event);
  take_back.voids = Uuid::parse(database.run("select id::text from stock_events"));
  EXPECT_EQ(text(perform(take_back)), "applied v2 - - absent");
  EXPECT_EQ(why(perform(adjust(1))), Why::not_found);
  EXPECT_EQ(text(perform(sighting(20))), "applied v3 2026-12-20 - created");
}

TEST_F(LedgerWithVoids, does_not_restore_a_removed_product_by_voiding_a_removal) {
  perform(sighting(24));
  perform(operation(EventKind::remove));
  database.run("update products set removed_at = now() where gtin = 4006381333931");
  auto take_back = operation(EventKind::void_event);
  take_back.voids = Uuid::parse(database.run("select id::text from stock_events where kind = 'r'"));
  EXPECT_EQ(why(perform(take_back)), Why::unknown_product);
}

}  // namespace
}  // namespace codasync::test
