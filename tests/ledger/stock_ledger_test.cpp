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

TEST_F(StockLedger, takes_units_off_a_shelf_whose_reports_exceed_the_largest_quantity) {
  perform(count(kQuantityMax));
  auto delivery = adjust(2);
  delivery.observed_at = now();
  EXPECT_EQ(text(perform(delivery)), "kept v1 - 2147483647");
  EXPECT_EQ(why(perform(adjust(1))), Why::above_max);
  EXPECT_EQ(text(perform(adjust(0))), "kept v1 - 2147483647");
  EXPECT_EQ(text(perform(adjust(-2))), "kept v1 - 2147483647") << "of 2147483649 units";
  EXPECT_EQ(text(perform(adjust(-1))), "applied v2 - 2147483646");
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
