#include <gmock/gmock.h>

#include <set>
#include <thread>

#include "tests/ledger/ledger_fixture.hpp"

namespace codasync::test {
namespace {

using Why = storage::Refused::Why;

class StockLedger : public LedgerTest {};

TEST_F(StockLedger, creates_a_reading_and_merges_later_sightings) {
  const auto first = perform(sighting(24));
  EXPECT_EQ(text(first), "applied v1 2026-12-24 - created");
  EXPECT_EQ(text(perform(sighting(20))), "applied v2 2026-12-20 -");
  EXPECT_EQ(text(perform(sighting(28))), "kept v3 2026-12-20 -") << "checked_at has changed";
}

TEST_F(StockLedger, stores_the_same_state_that_it_returned) {
  perform(sighting(24));
  perform(count(5));
  perform(adjust(-2));
  EXPECT_EQ(
      database.run(
          "select concat_ws(' ', version, expiry_date, quantity, present) from stock_readings"),
      "3 2026-12-24 3 t");
  EXPECT_EQ(database.run("select string_agg(concat_ws(' ', kind, outcome, version), ', '"
                         " order by received_at)"
                         " from stock_events"),
            "s a 1, q a 2, a a 3");
}

TEST_F(StockLedger, refuses_to_adjust_below_zero) {
  perform(sighting(24));
  EXPECT_EQ(why(perform(adjust(-1))), Why::never_counted);
  perform(count(2));
  const auto refused = perform(adjust(-3));
  EXPECT_EQ(why(refused), Why::below_zero);
  EXPECT_EQ(std::get<storage::Refused>(refused).reading->quantity, 2);
  EXPECT_EQ(why(perform(adjust(kQuantityMax))), Why::above_max);
  EXPECT_EQ(database.run("select count(*) from stock_events"), "2");
}

TEST_F(StockLedger, refuses_unknown_shops_products_readings_and_tokens) {
  auto elsewhere = sighting(24);
  elsewhere.shop = ShopId{77};
  EXPECT_EQ(why(perform(elsewhere)), Why::unknown_shop);
  EXPECT_EQ(why(perform(sighting(24, kUnknown))), Why::unknown_product);
  EXPECT_EQ(why(perform(adjust(1))), Why::not_found);
  auto unknown_token = sighting(24);
  unknown_token.actor.id = TokenId{99};
  EXPECT_EQ(why(perform(unknown_token)), Why::token_revoked);
  EXPECT_EQ(database.run("select count(*) from stock_readings"), "0");
}

TEST_F(StockLedger, refuses_a_token_as_soon_as_it_is_revoked) {
  perform(sighting(24));
  database.run("update tokens set revoked_at = clock_timestamp() where id = 1");
  EXPECT_EQ(why(perform(sighting(20))), Why::token_revoked);
}

TEST_F(StockLedger, replays_no_response_for_a_revoked_token) {
  auto once = sighting(24);
  once.idempotency_key = key("k1");
  perform(once);
  database.run("update tokens set revoked_at = clock_timestamp() where id = 1");
  EXPECT_EQ(why(perform(once)), Why::token_revoked);
}

TEST_F(StockLedger, creates_a_product_once_when_many_record_it_concurrently) {
  options.lanes = 1;
  open();
  std::vector<std::future<storage::StockResult>> futures;
  for (int i = 0; i < 100; ++i) {
    auto named = sighting(24, kUnknown);
    named.product_name = "Salt " + std::to_string(i);
    futures.push_back(submit(named));
    futures.push_back(submit(sighting(20, kUnknown)));  // known by then
  }
  for (auto& future : futures) {
    const auto result = future.get();
    ASSERT_TRUE(accepted(result)) << text(result);
  }
  EXPECT_EQ(
      database.run("select concat_ws(' ', name, version) from products where gtin = 96385074"),
      "Salt 0 1");
  EXPECT_LT(observer.batches, 50U) << "each was a transaction of its own";
}

TEST_F(StockLedger, creates_the_product_of_a_first_recording_with_a_name) {
  auto named = sighting(24, kUnknown);
  named.product_name = "Salt";
  EXPECT_EQ(text(perform(named)), "applied v1 2026-12-24 - created");
  EXPECT_EQ(
      database.run("select concat_ws(' ', name, version) from products where gtin = 96385074"),
      "Salt 1");
  ASSERT_FALSE(invalidation.changes().empty());
  EXPECT_TRUE(invalidation.changes().back().catalogue);
}

TEST_F(StockLedger, does_not_create_a_product_for_a_refused_reading) {
  auto named = sighting(24, kUnknown);
  named.product_name = "Salt";
  named.shop = ShopId{77};
  EXPECT_EQ(why(perform(named)), Why::unknown_shop);
  EXPECT_EQ(database.run("select count(*) from products where gtin = 96385074"), "0");
}

TEST_F(StockLedger, lets_only_admins_rename_and_invalidates_all_that_shows_the_name) {
  database.run("insert into shops (name) values ('South')");
  perform(sighting(24));
  auto south = sighting(25);
  south.shop = ShopId{2};
  perform(south);

  auto rename = sighting(24);
  rename.may_create = false;
  rename.product_name = "Green tea";
  EXPECT_EQ(why(perform(rename)), Why::rename_forbidden);
  rename.actor = admin();
  EXPECT_EQ(text(perform(rename)), "applied v2 2026-12-24 -");
  EXPECT_EQ(
      database.run("select concat_ws(' ', name, version) from products where gtin = 4006381333931"),
      "Green tea 2");
  EXPECT_EQ(database.run("select string_agg(reading_id::text, ',' order by reading_id) from changes"
                         " where xid = (select max(xid) from changes)"),
            "1,2")
      << "both readings show the new name";
  const auto changes = invalidation.changes().back();
  std::set<ShopId> shops;
  for (const auto& reading : changes.renamed) shops.insert(reading.shop);
  EXPECT_THAT(shops, testing::ElementsAre(ShopId{1}, ShopId{2}));
  EXPECT_EQ(changes.readings.size(), 1U) << "of the operation; the other one shows another name";
  EXPECT_EQ(changes.products.size(), 1U);
  EXPECT_THAT(changes.shop_lists, testing::IsSupersetOf({ShopId{1}, ShopId{2}}));
}

TEST_F(StockLedger, decides_if_match_under_the_lock) {
  perform(sighting(24));
  auto conditional = sighting(20);
  conditional.if_match = storage::ReadingPrecondition{{{1, 1}}};
  EXPECT_EQ(text(perform(conditional)), "applied v2 2026-12-20 -");
  const auto refused = perform(conditional);
  EXPECT_EQ(why(refused), Why::precondition_failed);
  EXPECT_EQ(std::get<storage::Refused>(refused).reading->version, 2);
}

TEST_F(StockLedger, renames_under_the_version_that_the_client_saw) {
  perform(sighting(24));
  auto rename = sighting(24);
  rename.may_create = false;
  rename.product_name = "Green tea";
  rename.actor = admin();
  rename.kind.reset();
  rename.if_match = storage::ReadingPrecondition{{{1, 1}}};
  EXPECT_EQ(text(perform(rename)), "applied v1 2026-12-24 -");
  EXPECT_EQ(why(perform(rename)), Why::precondition_failed);
  rename.if_match = storage::ReadingPrecondition{{{1, std::nullopt}}};
  EXPECT_EQ(text(perform(rename)), "kept v1 2026-12-24 -") << "the product has this name already";
  EXPECT_EQ(database.run("select count(*) from stock_events"), "1") << "a rename is not an event";
}

TEST_F(StockLedger, removes_and_records_again_with_a_higher_version) {
  perform(sighting(24));
  perform(count(3));
  EXPECT_EQ(text(perform(operation(EventKind::remove))), "applied v3 - - absent");
  EXPECT_EQ(why(perform(operation(EventKind::remove))), Why::not_found);
  EXPECT_EQ(text(perform(sighting(28))), "applied v4 2026-12-28 - created");
}

TEST_F(StockLedger, stores_texts_unchanged) {
  const std::vector<std::string> reasons{R"("quoted")", R"(back\slash\)", R"(\"both\\")",
                                         "a,b(c){d}",   "it's $1",        "NULL",
                                         " ",           "Tee für 3 €\n"};
  perform(count(100));
  for (const auto& reason : reasons) {
    auto breakage = adjust(-1);
    breakage.reason = reason;
    breakage.idempotency_key = key(reason);
    breakage.actor.name = "who " + reason;
    breakage.encode_response = [&](const storage::Written&) { return "response " + reason; };
    perform(breakage);
    EXPECT_EQ(database.run("select reason from stock_events order by received_at desc limit 1"),
              reason);
    EXPECT_EQ(database.run("select actor from stock_events order by received_at desc limit 1"),
              "who " + reason);
    EXPECT_EQ(database.run("select answer from idempotency_keys order by created_at desc limit 1"),
              "response " + reason);
  }
}

TEST_F(StockLedger, voids_one_event_once) {
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

TEST_F(StockLedger, lets_staff_void_only_events_of_their_own_token) {
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

TEST_F(StockLedger, lets_staff_void_only_events_that_arrived_a_short_time_ago) {
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

TEST_F(StockLedger, lets_only_an_admin_bring_a_deleted_product_back) {
  database.run("update products set removed_at = now() where gtin = 9520000000004");
  auto named = sighting(24, kMilk);
  named.product_name = "Milk";
  EXPECT_EQ(why(perform(named)), Why::product_deleted);
  EXPECT_EQ(why(perform(sighting(24, kMilk))), Why::unknown_product);
  EXPECT_EQ(database.run("select count(*) from stock_events"), "0");
  EXPECT_EQ(database.run("select count(*) from products where removed_at is null"), "1");
  named.actor = admin();
  EXPECT_EQ(text(perform(named)), "applied v1 2026-12-24 - created");
  named.actor = staff();
  EXPECT_TRUE(accepted(perform(named))) << "it is there again";
}

TEST_F(StockLedger, voids_every_kind_of_event) {
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

TEST_F(StockLedger, is_absent_when_all_events_are_voided_and_can_be_recorded_again) {
  perform(sighting(24));
  auto take_back = operation(EventKind::void_event);
  take_back.voids = Uuid::parse(database.run("select id::text from stock_events"));
  EXPECT_EQ(text(perform(take_back)), "applied v2 - - absent");
  EXPECT_EQ(why(perform(adjust(1))), Why::not_found);
  EXPECT_EQ(text(perform(sighting(20))), "applied v3 2026-12-20 - created");
}

TEST_F(StockLedger, does_not_restore_a_removed_product_by_voiding_a_removal) {
  perform(sighting(24));
  perform(operation(EventKind::remove));
  database.run("update products set removed_at = now() where gtin = 4006381333931");
  auto take_back = operation(EventKind::void_event);
  take_back.voids = Uuid::parse(database.run("select id::text from stock_events where kind = 'r'"));
  EXPECT_EQ(why(perform(take_back)), Why::unknown_product);
}

TEST_F(StockLedger, folds_late_events_at_their_position) {
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

TEST_F(StockLedger, never_refuses_a_report_because_of_the_state) {
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

TEST_F(StockLedger, treats_an_observed_at_that_was_only_read_back_as_now) {
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

TEST_F(StockLedger, keeps_the_kind_of_a_confirmed_date) {
  auto known = sighting(24);
  known.date->kind = DateKind::best_before;
  perform(known);
  auto still = operation(EventKind::check);
  still.date = ShelfDate{known.date->date, std::nullopt};
  EXPECT_EQ(text(perform(still)), "kept v2 2026-12-24 -");
  EXPECT_EQ(database.run("select date_kind from stock_readings"), "b");
  still.date->kind = DateKind::use_by;
  EXPECT_TRUE(text(perform(still)).starts_with("applied"));
}

TEST_F(StockLedger, refuses_tokens_of_other_shops) {
  auto elsewhere = sighting(24);
  elsewhere.actor.shops = {ShopId{2}, ShopId{3}};
  for (const auto kind : {EventKind::sighting, EventKind::check, EventKind::count,
                          EventKind::adjust, EventKind::remove, EventKind::void_event}) {
    elsewhere.kind = kind;
    elsewhere.voids = Uuid::v7(now());
    EXPECT_EQ(why(perform(elsewhere)), Why::other_shop) << name_of(kind);
  }
  elsewhere.actor.shops.push_back(kShop);
  elsewhere.kind = EventKind::sighting;
  EXPECT_TRUE(accepted(perform(elsewhere)));
}

// ---- identity

TEST_F(StockLedger, recognises_a_repeated_operation_by_its_name) {
  auto once = adjust(-2);
  once.observed_at = now() - std::chrono::minutes{5};
  once.name = Uuid::v8(std::array<std::uint8_t, 16>{7});
  auto counted = count(10);
  counted.observed_at = now() - std::chrono::hours{1};
  perform(counted);
  EXPECT_EQ(text(perform(once)), "applied v2 - 8");
  EXPECT_EQ(text(perform(once)), "duplicate v2 - 8");
  perform(count(20));
  EXPECT_EQ(text(perform(once)), "duplicate v3 - 20") << "with the current state of the reading";
  auto other = once;
  other.delta = -3;
  EXPECT_EQ(why(perform(other)), Why::id_reused);
  other = once;
  other.gtin = kMilk;
  EXPECT_EQ(why(perform(other)), Why::id_reused) << "of another reading";
  other = once;
  other.observed_at = now();
  other.reason = "another reason";
  EXPECT_EQ(text(perform(other)), "duplicate v3 - 20")
      << "times and reasons are not part of the content";
  EXPECT_EQ(database.run("select count(*) from stock_events where kind = 'a'"), "1");
}

TEST_F(StockLedger, applies_a_name_once_when_it_arrives_many_times_concurrently) {
  perform(count(0));
  auto other_ledger = storage::make_combiner(postgres, options, invalidation, observer);
  std::vector<std::future<storage::StockResult>> futures;
  for (int i = 0; i < 200; ++i) {
    auto add = adjust(1, i % 2 == 0 ? kTea : kMilk);
    add.observed_at = now();
    add.name = Uuid::v8(std::array<std::uint8_t, 16>{9});
    auto promise = std::make_shared<std::promise<storage::StockResult>>();
    futures.push_back(promise->get_future());
    (i % 3 == 0 ? *ledger : *other_ledger)
        .submit(std::move(add),
                [promise](storage::StockResult r) { promise->set_value(std::move(r)); });
  }
  std::size_t effects = 0;
  for (auto& future : futures) {
    const auto result = future.get();
    const auto* written = std::get_if<storage::Written>(&result);
    if (written != nullptr && written->outcome != EventOutcome::duplicate) ++effects;
    EXPECT_FALSE(std::holds_alternative<storage::Failed>(result)) << text(result);
  }
  EXPECT_EQ(effects, 1U);
  EXPECT_EQ(database.run("select count(*) from stock_events where kind = 'a'"), "1");
}

TEST_F(StockLedger, applies_a_key_once_after_its_response_was_deleted) {
  perform(count(5));
  auto take = adjust(-1);
  take.idempotency_key = key("sale");
  EXPECT_EQ(text(perform(take)), "applied v2 - 4");
  database.run("delete from idempotency_keys");
  EXPECT_EQ(text(perform(take)), "duplicate v2 - 4");
  EXPECT_EQ(database.run("select quantity from stock_readings"), "4");
  take.delta = -2;
  database.run("delete from idempotency_keys");
  EXPECT_EQ(why(perform(take)), Why::id_reused);
}

TEST_F(StockLedger, stores_no_name_of_a_refused_operation) {
  auto named = sighting(24, kUnknown);
  named.observed_at = now();
  named.name = Uuid::v8(std::array<std::uint8_t, 16>{3});
  EXPECT_EQ(why(perform(named)), Why::unknown_product);
  named.product_name = "Salt";
  EXPECT_EQ(text(perform(named)), "applied v1 2026-12-24 - created");
}

// ---- the clock

TEST_F(StockLedger, uses_the_clock_of_the_database) {
  perform(sighting(24));
  EXPECT_EQ(
      database.run("select received_at <= clock_timestamp() and received_at > clock_timestamp() -"
                   " interval '1 minute' and observed_at = received_at from stock_events"),
      "t");
}

TEST_F(StockLedger, records_events_in_the_future_again_after_a_wrong_clock) {
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

TEST_F(StockLedger, limits_observed_at_to_the_arrival) {
  auto tomorrow = sighting(24);
  tomorrow.observed_at = now() + std::chrono::hours{24};
  perform(tomorrow);
  EXPECT_EQ(
      database.run(
          "select observed_at = received_at and observed_at < clock_timestamp() from stock_events"),
      "t");
}

TEST_F(StockLedger, orders_acknowledged_writes_while_the_clock_steps_back) {
  perform(count(1));
  database.run("update stock_readings set received_at = received_at + interval '5 s'");
  EXPECT_EQ(text(perform(count(2))), "applied v2 - 2");
  EXPECT_EQ(text(perform(count(3))), "applied v3 - 3");
}

TEST_F(StockLedger, returns_the_same_response_for_the_same_key) {
  auto once = sighting(24);
  once.idempotency_key = key("k1");
  const auto first = perform(once);
  perform(sighting(10));
  const auto second = perform(once);
  EXPECT_EQ(text(second), text(first));
  EXPECT_FALSE(std::get<storage::StoredResponse>(first).replayed);
  EXPECT_TRUE(std::get<storage::StoredResponse>(second).replayed);
  once.idempotency_key = key("k1", 7);
  EXPECT_EQ(why(perform(once)), Why::key_reused);
  once.actor = admin();
  EXPECT_EQ(text(perform(once)), "kept v3 2026-12-10 -") << "another token has its own keys";
}

TEST_F(StockLedger, has_one_effect_for_a_key_that_arrives_many_times_concurrently) {
  perform(count(0));
  std::vector<std::future<storage::StockResult>> futures;
  for (int i = 0; i < 200; ++i) {
    auto add = adjust(1);
    add.idempotency_key = key("again");
    futures.push_back(submit(add));
  }
  std::size_t first = 0;
  for (auto& future : futures) {
    const auto result = future.get();
    EXPECT_EQ(text(result), "applied v2 - 1");
    if (!std::get<storage::StoredResponse>(result).replayed) ++first;
  }
  EXPECT_EQ(first, 1U);
  EXPECT_EQ(database.run("select quantity from stock_readings"), "1");
}

TEST_F(StockLedger, stores_no_key_of_a_refused_operation) {
  perform(count(0));
  auto take = adjust(-1);
  take.idempotency_key = key("take");
  EXPECT_EQ(why(perform(take)), Why::below_zero);
  perform(adjust(1));
  EXPECT_EQ(text(perform(take)), "applied v3 - 0");
}

TEST_F(StockLedger, invalidates_and_feeds_visible_changes_only) {
  perform(count(5));
  const auto before = invalidation.changes().size();
  const auto fed = database.run("select count(*) from changes");
  auto late = sighting(28);
  late.observed_at = *parse_instant("2026-01-01T00:00:00Z");
  auto check = operation(EventKind::check);
  check.date = late.date;
  check.observed_at = late.observed_at;
  perform(check);
  const auto after_check = invalidation.changes().size();
  EXPECT_EQ(after_check, before + 1) << "the reading had no date";
  perform(late);
  EXPECT_EQ(invalidation.changes().size(), after_check) << "a late sighting of a later date";
  perform(sighting(20));
  ASSERT_EQ(invalidation.changes().size(), after_check + 1);
  const auto changes = invalidation.changes().back();
  ASSERT_EQ(changes.readings.size(), 1U);
  EXPECT_EQ(changes.readings[0].gtin, kTea);
  EXPECT_THAT(changes.shop_lists, testing::ElementsAre(kShop));
  EXPECT_EQ(database.run("select count(*) from changes"), std::to_string(std::stoi(fed) + 2));
}

TEST_F(StockLedger, changes_nothing_while_the_cache_does_not_acknowledge) {
  perform(sighting(24));
  invalidation.refuse(true);
  const auto result = perform(sighting(20));
  ASSERT_TRUE(std::holds_alternative<storage::Failed>(result));
  EXPECT_EQ(std::get<storage::Failed>(result).dependency, "memcached");
  EXPECT_EQ(database.run("select concat_ws(' ', version, expiry_date) from stock_readings"),
            "1 2026-12-24");
  invalidation.refuse(false);
  EXPECT_EQ(text(perform(sighting(20))), "applied v2 2026-12-20 -");
}

// Many writers and two ledgers, like two processes; every result is checked.
TEST_F(StockLedger, loses_no_operation_of_concurrent_writers_of_one_reading) {
  perform(count(1000));
  CountingObserver other_observer;
  auto other = storage::make_combiner(postgres, options, invalidation, other_observer);
  constexpr int kWriters = 64;
  constexpr int kEach = 30;
  std::mutex mutex;
  std::vector<std::int64_t> versions;
  std::atomic<std::int64_t> accepted_sum{0};
  std::vector<std::jthread> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      for (int i = 0; i < kEach; ++i) {
        const std::int64_t delta = (writer + i) % 3 == 0 ? -2 : 1;
        auto promise = std::make_shared<std::promise<storage::StockResult>>();
        auto& target = writer % 2 == 0 ? *ledger : *other;
        target.submit(adjust(delta), [promise](storage::StockResult result) {
          promise->set_value(std::move(result));
        });
        const auto result = promise->get_future().get();
        const auto* written = std::get_if<storage::Written>(&result);
        ASSERT_NE(written, nullptr) << text(result);
        accepted_sum += delta;
        const std::scoped_lock hold{mutex};
        versions.push_back(written->reading.version);
      }
    });
  }
  writers.clear();
  std::sort(versions.begin(), versions.end());
  ASSERT_EQ(versions.size(), static_cast<std::size_t>(kWriters * kEach));
  for (std::size_t i = 0; i < versions.size(); ++i)
    ASSERT_EQ(versions[i], static_cast<std::int64_t>(i) + 2) << "gap or repeat";
  EXPECT_EQ(database.run("select quantity from stock_readings"),
            std::to_string(1000 + accepted_sum));
  EXPECT_EQ(database.run("select count(*) from stock_events where kind = 'a'"),
            std::to_string(kWriters * kEach));
  EXPECT_LT(observer.batches, observer.operations) << "no batch had several operations";
}

TEST_F(StockLedger, keeps_the_shortest_date_of_concurrent_writers) {
  std::vector<std::future<storage::StockResult>> futures;
  for (unsigned i = 0; i < 300; ++i) futures.push_back(submit(sighting(1 + (i * 7) % 31)));
  for (auto& future : futures) ASSERT_TRUE(accepted(future.get()));
  EXPECT_EQ(database.run("select expiry_date from stock_readings"), "2026-12-01");
}

TEST_F(StockLedger, applies_the_other_operations_of_a_batch_with_refusals) {
  perform(count(5));
  std::vector<std::future<storage::StockResult>> good;
  std::vector<std::future<storage::StockResult>> bad;
  for (int i = 0; i < 100; ++i) {
    good.push_back(submit(adjust(1)));
    bad.push_back(submit(adjust(-1'000'000)));
    bad.push_back(submit(sighting(24, kUnknown)));
  }
  for (auto& future : good) EXPECT_TRUE(accepted(future.get()));
  for (auto& future : bad) EXPECT_TRUE(std::holds_alternative<storage::Refused>(future.get()));
  EXPECT_EQ(database.run("select quantity from stock_readings"), "105");
}

TEST_F(StockLedger, refuses_at_once_when_its_queue_is_full) {
  options.lane_queue_max = 10;
  options.lanes = 1;
  open();
  std::vector<std::future<storage::StockResult>> futures;
  for (int i = 0; i < 5000; ++i) futures.push_back(submit(sighting(24)));
  std::size_t refused = 0;
  for (auto& future : futures) {
    const auto result = future.get();
    if (std::holds_alternative<storage::Failed>(result)) ++refused;
  }
  EXPECT_GT(refused, 0U);
  EXPECT_EQ(observer.overloads, refused);
  EXPECT_EQ(database.run("select count(*) from stock_events"),
            std::to_string(futures.size() - refused));
}

}  // namespace
}  // namespace codasync::test
