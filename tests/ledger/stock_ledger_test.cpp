#include <gmock/gmock.h>

#include <thread>

#include "tests/ledger/ledger_fixture.hpp"

namespace codasync::test {
namespace {

using storage::Answer;
using Why = storage::Refused::Why;

class StockLedger : public LedgerTest {};

TEST_F(StockLedger, creates_a_reading_and_merges_what_follows) {
  const auto first = perform(sighting(24));
  EXPECT_EQ(text(first), "applied v1 2026-12-24 -");
  EXPECT_EQ(std::get<Answer>(first).status, 201);
  EXPECT_EQ(text(perform(sighting(20))), "applied v2 2026-12-20 -");
  const auto later = perform(sighting(28));
  EXPECT_EQ(text(later), "kept v2 2026-12-20 -");
  EXPECT_EQ(std::get<Answer>(later).status, 200);
}

TEST_F(StockLedger, keeps_in_the_table_what_it_answered) {
  perform(sighting(24));
  perform(count(5));
  perform(adjust(-2));
  EXPECT_EQ(
      database.run(
          "select concat_ws(' ', version, expiry_date, quantity, removed) from stock_readings"),
      "3 2026-12-24 3 f");
  EXPECT_EQ(database.run("select string_agg(concat_ws(' ', kind, outcome, version, "
                         "after_quantity), ', ' order by received_at)"
                         " from stock_events"),
            "sighting applied 1, count applied 2 5, adjust applied 3 3");
}

TEST_F(StockLedger, takes_no_more_than_there_is) {
  perform(sighting(24));
  EXPECT_EQ(why(perform(adjust(-1))), Why::never_counted);
  perform(count(2));
  const auto refused = perform(adjust(-3));
  EXPECT_EQ(why(refused), Why::below_zero);
  EXPECT_EQ(std::get<storage::Refused>(refused).reading->quantity, 2);
  EXPECT_EQ(why(perform(adjust(kQuantityMax))), Why::above_max);
  EXPECT_EQ(database.run("select count(*) from stock_events"), "2");
}

TEST_F(StockLedger, refuses_what_it_does_not_know) {
  auto elsewhere = sighting(24);
  elsewhere.shop = ShopId{77};
  EXPECT_EQ(why(perform(elsewhere)), Why::unknown_shop);
  EXPECT_EQ(why(perform(sighting(24, kUnknown))), Why::unknown_product);
  EXPECT_EQ(why(perform(adjust(1))), Why::not_found);
  auto stranger = sighting(24);
  stranger.actor.id = TokenId{99};
  EXPECT_EQ(why(perform(stranger)), Why::token_revoked);
  EXPECT_EQ(database.run("select count(*) from stock_readings"), "0");
}

TEST_F(StockLedger, accepts_no_token_from_the_moment_it_is_revoked) {
  perform(sighting(24));
  database.run("update tokens set revoked_at = clock_timestamp() where id = 1");
  EXPECT_EQ(why(perform(sighting(20))), Why::token_revoked);
}

TEST_F(StockLedger, replays_nothing_to_a_token_that_is_revoked) {
  auto once = sighting(24);
  once.idempotency_key = key("k1");
  perform(once);
  database.run("update tokens set revoked_at = clock_timestamp() where id = 1");
  EXPECT_EQ(why(perform(once)), Why::token_revoked);
}

TEST_F(StockLedger, names_a_product_once_when_many_record_it_first) {
  options.lanes = 1;
  open();
  std::vector<std::future<storage::StockResult>> answers;
  for (int i = 0; i < 100; ++i) {
    auto named = sighting(24, kUnknown);
    named.product_name = "Salt " + std::to_string(i);
    answers.push_back(submit(named));
    answers.push_back(submit(sighting(20, kUnknown)));  // known by then
  }
  for (auto& answer : answers) {
    const auto result = answer.get();
    ASSERT_TRUE(std::holds_alternative<Answer>(result)) << text(result);
  }
  EXPECT_EQ(
      database.run("select concat_ws(' ', name, version) from products where gtin = 96385074"),
      "Salt 0 1");
  EXPECT_LT(observer.batches, 50U) << "each was a transaction of its own";
}

TEST_F(StockLedger, creates_the_product_that_a_first_recording_names) {
  auto named = sighting(24, kUnknown);
  named.product_name = "Salt";
  EXPECT_EQ(text(perform(named)), "applied v1 2026-12-24 -");
  EXPECT_EQ(
      database.run("select concat_ws(' ', name, version) from products where gtin = 96385074"),
      "Salt 1");
  ASSERT_FALSE(invalidation.changes().empty());
  EXPECT_TRUE(invalidation.changes().back().catalogue);
}

TEST_F(StockLedger, does_not_create_a_product_for_a_reading_that_is_refused) {
  auto named = sighting(24, kUnknown);
  named.product_name = "Salt";
  named.shop = ShopId{77};
  EXPECT_EQ(why(perform(named)), Why::unknown_shop);
  EXPECT_EQ(database.run("select count(*) from products where gtin = 96385074"), "0");
}

TEST_F(StockLedger, lets_only_admins_rename_and_tells_everybody_who_shows_the_name) {
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
  EXPECT_EQ(text(perform(rename)), "kept v1 2026-12-24 -");
  EXPECT_EQ(
      database.run("select concat_ws(' ', name, version) from products where gtin = 4006381333931"),
      "Green tea 2");
  const auto changes = invalidation.changes().back();
  EXPECT_EQ(changes.readings.size(), 2U);
  EXPECT_EQ(changes.products.size(), 1U);
  EXPECT_THAT(changes.shop_lists, testing::UnorderedElementsAre(ShopId{1}, ShopId{2}));
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
  rename.if_match = storage::ReadingPrecondition{{{1, 1}}};
  EXPECT_EQ(text(perform(rename)), "kept v1 2026-12-24 -");
  EXPECT_EQ(why(perform(rename)), Why::precondition_failed);
}

TEST_F(StockLedger, removes_and_brings_back_with_a_higher_version) {
  perform(sighting(24));
  perform(count(3));
  EXPECT_EQ(text(perform(operation(EventKind::remove))), "applied v3 - -");
  EXPECT_EQ(why(perform(operation(EventKind::remove))), Why::not_found);
  const auto back = perform(sighting(28));
  EXPECT_EQ(text(back), "applied v4 2026-12-28 -");
  EXPECT_EQ(std::get<Answer>(back).status, 201);
}

TEST_F(StockLedger, keeps_what_people_write_letter_by_letter) {
  const std::vector<std::string> reasons{R"("quoted")", R"(back\slash\)", R"(\"both\\")",
                                         "a,b(c){d}",   "it's $1",        "NULL",
                                         " ",           "Tee für 3 €\n"};
  perform(count(100));
  for (const auto& reason : reasons) {
    auto breakage = adjust(-1);
    breakage.reason = reason;
    breakage.idempotency_key = key(reason);
    perform(breakage);
    EXPECT_EQ(database.run("select reason from stock_events order by received_at desc limit 1"),
              reason);
    EXPECT_EQ(database.run("select key from idempotency_keys order by created_at desc limit 1"),
              reason);
  }
}

TEST_F(StockLedger, voids_one_event_once) {
  perform(sighting(24));
  perform(sighting(2));
  auto typo = operation(EventKind::void_event);
  typo.voids = Uuid::parse(
      database.run("select id::text from stock_events where expiry_date = '2026-12-02'"));
  EXPECT_EQ(text(perform(typo)), "applied v3 2026-12-24 -");
  EXPECT_EQ(why(perform(typo)), Why::event_voided);
  typo.voids = Uuid::parse(database.run("select id::text from stock_events where kind = 'void'"));
  EXPECT_EQ(why(perform(typo)), Why::event_not_voidable);
  typo.voids = Uuid::v7(now());
  EXPECT_EQ(why(perform(typo)), Why::unknown_event);
}

TEST_F(StockLedger, folds_late_events_into_their_place) {
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
}

TEST_F(StockLedger, pulls_observations_in_the_future_back_to_their_arrival) {
  auto tomorrow = sighting(24);
  tomorrow.observed_at = now() + std::chrono::hours{24};
  perform(tomorrow);
  EXPECT_EQ(
      database.run(
          "select observed_at = received_at and observed_at < clock_timestamp() from stock_events"),
      "t");
}

TEST_F(StockLedger, orders_acknowledged_writes_whatever_the_clock_says) {
  perform(count(1));
  // As if a process whose clock is an hour ahead had written before.
  database.run(
      "update stock_readings set received_at = received_at + interval '1 hour', folded_at = "
      "folded_at + interval '1 hour',"
      " counted_at = counted_at + interval '1 hour'");
  EXPECT_EQ(text(perform(count(2))), "applied v2 - 2");
  EXPECT_EQ(text(perform(count(3))), "applied v3 - 3");
}

TEST_F(StockLedger, gives_the_same_key_the_same_answer) {
  auto once = sighting(24);
  once.idempotency_key = key("k1");
  const auto first = perform(once);
  perform(sighting(10));
  const auto second = perform(once);
  EXPECT_EQ(text(second), text(first));
  EXPECT_FALSE(std::get<Answer>(first).replayed);
  EXPECT_TRUE(std::get<Answer>(second).replayed);
  once.idempotency_key = key("k1", 7);
  EXPECT_EQ(why(perform(once)), Why::key_reused);
  once.actor = admin();
  EXPECT_EQ(text(perform(once)), "kept v2 2026-12-10 -") << "another token has its own keys";
}

TEST_F(StockLedger, has_one_effect_for_a_key_that_comes_many_times_at_once) {
  perform(count(0));
  std::vector<std::future<storage::StockResult>> answers;
  for (int i = 0; i < 200; ++i) {
    auto add = adjust(1);
    add.idempotency_key = key("again");
    answers.push_back(submit(add));
  }
  std::size_t first = 0;
  for (auto& answer : answers) {
    const auto result = answer.get();
    EXPECT_EQ(text(result), "applied v2 - 1");
    if (!std::get<Answer>(result).replayed) ++first;
  }
  EXPECT_EQ(first, 1U);
  EXPECT_EQ(database.run("select quantity from stock_readings"), "1");
}

TEST_F(StockLedger, forgets_a_key_whose_operation_was_refused) {
  perform(count(0));
  auto take = adjust(-1);
  take.idempotency_key = key("take");
  EXPECT_EQ(why(perform(take)), Why::below_zero);
  perform(adjust(1));
  EXPECT_EQ(text(perform(take)), "applied v3 - 0");
}

TEST_F(StockLedger, tells_the_cache_only_what_others_can_see) {
  perform(sighting(24));
  const auto before = invalidation.changes().size();
  perform(sighting(28));
  EXPECT_EQ(invalidation.changes().size(), before);
  perform(sighting(20));
  ASSERT_EQ(invalidation.changes().size(), before + 1);
  const auto changes = invalidation.changes().back();
  ASSERT_EQ(changes.readings.size(), 1U);
  EXPECT_EQ(changes.readings[0].gtin, kTea);
  EXPECT_THAT(changes.shop_lists, testing::ElementsAre(kShop));
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

// The heart of it: many writers, two ledgers as two processes, every answer accounted for.
TEST_F(StockLedger, loses_nothing_when_many_write_the_same_reading) {
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
        const auto* answer = std::get_if<Answer>(&result);
        ASSERT_NE(answer, nullptr) << text(result);
        accepted_sum += delta;
        const std::scoped_lock hold{mutex};
        versions.push_back(std::stoll(answer->etag));
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
  EXPECT_EQ(database.run("select count(*) from stock_events where kind = 'adjust'"),
            std::to_string(kWriters * kEach));
  EXPECT_LT(observer.batches, observer.operations) << "nothing was folded";
}

TEST_F(StockLedger, keeps_the_shortest_date_of_writers_at_the_same_moment) {
  std::vector<std::future<storage::StockResult>> answers;
  for (unsigned i = 0; i < 300; ++i) answers.push_back(submit(sighting(1 + (i * 7) % 31)));
  for (auto& answer : answers) ASSERT_TRUE(std::holds_alternative<Answer>(answer.get()));
  EXPECT_EQ(database.run("select expiry_date from stock_readings"), "2026-12-01");
}

TEST_F(StockLedger, lets_a_refusal_not_disturb_the_others_of_its_batch) {
  perform(count(5));
  std::vector<std::future<storage::StockResult>> good;
  std::vector<std::future<storage::StockResult>> bad;
  for (int i = 0; i < 100; ++i) {
    good.push_back(submit(adjust(1)));
    bad.push_back(submit(adjust(-1'000'000)));
    bad.push_back(submit(sighting(24, kUnknown)));
  }
  for (auto& answer : good) EXPECT_TRUE(std::holds_alternative<Answer>(answer.get()));
  for (auto& answer : bad) EXPECT_TRUE(std::holds_alternative<storage::Refused>(answer.get()));
  EXPECT_EQ(database.run("select quantity from stock_readings"), "105");
}

TEST_F(StockLedger, answers_at_once_when_its_queue_is_full) {
  options.lane_queue_max = 10;
  options.lanes = 1;
  open();
  std::vector<std::future<storage::StockResult>> answers;
  for (int i = 0; i < 5000; ++i) answers.push_back(submit(sighting(24)));
  std::size_t refused = 0;
  for (auto& answer : answers) {
    const auto result = answer.get();
    if (std::holds_alternative<storage::Failed>(result)) ++refused;
  }
  EXPECT_GT(refused, 0U);
  EXPECT_EQ(observer.overloads, refused);
  EXPECT_EQ(database.run("select count(*) from stock_events"),
            std::to_string(answers.size() - refused));
}

}  // namespace
}  // namespace codasync::test
