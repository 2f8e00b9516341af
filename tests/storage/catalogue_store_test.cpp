#include "storage/catalogue_store.hpp"

#include <gmock/gmock.h>

#include <thread>

#include "storage/make_storage.hpp"
#include "storage/postgres/write_transaction.hpp"
#include "tests/ledger/ledger_fixture.hpp"
#include "tests/support/tcp_gate.hpp"

namespace codasync::storage {
namespace {

using test::LedgerTest;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

using Result = CatalogueStore::Result;

/// `<id> v<version> <name>`
std::string describe_shop(const Shop& shop, bool) {
  return std::to_string(shop.id.value()) + " v" + std::to_string(shop.version) + " " + shop.name;
}
/// `v<version> <name>/<brand>`
std::string describe_product(const Product& product, bool) {
  return "v" + std::to_string(product.version) + " " + product.name + "/" +
         product.brand.value_or("-");
}

std::string body(const Result& result) {
  return result ? result->text : "refused: " + std::to_string(static_cast<int>(result.error().why));
}

class CatalogueTest : public LedgerTest {
 protected:
  void SetUp() override {
    LedgerTest::SetUp();
    store = make_catalogue_store(postgres, invalidation, *ledger);
  }

  static WriteContext by_admin() { return {admin(), std::nullopt, std::nullopt}; }
  static WriteContext if_match(std::vector<std::int64_t> versions) {
    return {admin(), std::move(versions), std::nullopt};
  }
  static WriteContext with_key(std::string name, std::uint8_t fingerprint = 0) {
    return {admin(), std::nullopt, key(std::move(name), fingerprint)};
  }

  Result create(const std::string& name, const WriteContext& context = by_admin()) {
    return store->create_shop({name, std::nullopt}, context, describe_shop);
  }
  Result rename(Gtin gtin, const std::string& name, const WriteContext& context = by_admin()) {
    return store->update_product(gtin, {.name = name, .brand = {}, .category = {}}, context,
                                 describe_product);
  }

  /// Returns when `backends` backends wait for a lock of this type.
  void wait_for(const std::string& event, int backends) const {
    while (database.run("select count(*) >= " + std::to_string(backends) +
                        " from pg_stat_activity where datname = current_database()"
                        " and wait_event_type = 'Lock' and wait_event = '" +
                        event + "'") != "t") {
      std::this_thread::yield();
    }
  }

  std::unique_ptr<CatalogueStore> store;
};

// --------------------------------------------------------------------------------------- shops

TEST_F(CatalogueTest, creates_changes_and_deletes_a_shop) {
  EXPECT_EQ(body(create("South")), "2 v1 South");
  EXPECT_EQ(body(store->update_shop(ShopId{2}, {"Southwest", "Europe/Berlin"}, by_admin(),
                                    describe_shop)),
            "2 v2 Southwest");
  EXPECT_TRUE(store->delete_shop(ShopId{2}, ShopReadings::refuse, by_admin()));
  EXPECT_EQ(store->delete_shop(ShopId{2}, ShopReadings::refuse, by_admin()).error(),
            CatalogueRefusal::not_found);
}

TEST_F(CatalogueTest, name_of_a_shop_is_unique_while_it_exists) {
  EXPECT_EQ(create("North").error(), CatalogueRefusal::name_taken);
  const Result south = create("South");
  const ShopId id{std::stoll(body(south))};
  EXPECT_EQ(store->update_shop(id, {"North", {}}, by_admin(), describe_shop).error(),
            CatalogueRefusal::name_taken);
  ASSERT_TRUE(store->delete_shop(kShop, ShopReadings::refuse, by_admin()));
  EXPECT_TRUE(create("North"));
}

TEST_F(CatalogueTest, change_without_effect_keeps_the_version_and_the_cache) {
  EXPECT_EQ(body(store->update_shop(kShop, {"North", "UTC"}, by_admin(), describe_shop)),
            "1 v1 North");
  EXPECT_EQ(body(rename(kTea, "Tea")), "v1 Tea/-");
  EXPECT_THAT(invalidation.changes(), IsEmpty());
}

TEST_F(CatalogueTest, writes_only_with_the_current_version_in_if_match) {
  EXPECT_EQ(rename(kTea, "Green tea", if_match({2, 3})).error(),
            CatalogueRefusal::precondition_failed);
  EXPECT_TRUE(rename(kTea, "Green tea", if_match({1})));
  EXPECT_TRUE(rename(kTea, "Tea", if_match({})));
  EXPECT_EQ(store->delete_shop(kShop, ShopReadings::refuse, if_match({7})).error(),
            CatalogueRefusal::precondition_failed);
}

TEST_F(CatalogueTest, sql_in_a_name_is_stored_as_text) {
  const std::string name = "Robert'); drop table shops; --\"{},\\";
  EXPECT_EQ(body(create(name)), "2 v1 " + name);
  store->import_products({{Gtin::from_number(8), name, name, name}}, admin());
  EXPECT_EQ(database.run("select name from products where gtin = 8"), name);
}

TEST_F(CatalogueTest, shop_with_readings_is_deleted_only_with_them) {
  perform(sighting(1));
  perform(count(3, kMilk));
  EXPECT_EQ(store->delete_shop(kShop, ShopReadings::refuse, by_admin()).error(),
            CatalogueRefusal::has_readings);
  EXPECT_TRUE(store->delete_shop(kShop, ShopReadings::remove, by_admin()));
  EXPECT_EQ(database.run("select count(*) from stock_events where kind = 'remove'"), "2");
  EXPECT_EQ(why(perform(sighting(1))), Refused::Why::unknown_shop);
}

// ------------------------------------------------------------------------------------ products

TEST_F(CatalogueTest, put_replaces_a_product_and_patch_changes_its_fields_only) {
  const Gtin gtin = Gtin::from_number(17);
  EXPECT_EQ(body(store->put_product(gtin, {.name = "Jam", .brand = "Bee", .category = {}},
                                    by_admin(), describe_product)),
            "v1 Jam/Bee");
  EXPECT_EQ(body(rename(gtin, "Plum jam")), "v2 Plum jam/Bee");
  EXPECT_EQ(body(store->put_product(gtin, {.name = "Jam", .brand = {}, .category = {}}, by_admin(),
                                    describe_product)),
            "v3 Jam/-");
}

TEST_F(CatalogueTest, recreated_product_has_a_higher_version) {
  EXPECT_EQ(store
                ->create_product(kTea, {.name = "Tea", .brand = {}, .category = {}}, by_admin(),
                                 describe_product)
                .error(),
            CatalogueRefusal::already_exists);
  EXPECT_TRUE(store->delete_product(kTea, by_admin()));
  EXPECT_EQ(rename(kTea, "Gone").error(), CatalogueRefusal::not_found);
  EXPECT_EQ(body(store->create_product(kTea, {.name = "Tea", .brand = {}, .category = {}},
                                       by_admin(), describe_product)),
            "v3 Tea/-");
}

TEST_F(CatalogueTest, product_on_a_shelf_is_not_deleted) {
  perform(sighting(1));
  EXPECT_EQ(store->delete_product(kTea, by_admin()).error(), CatalogueRefusal::has_readings);
  perform(operation(EventKind::remove));
  EXPECT_TRUE(store->delete_product(kTea, by_admin()));
}

TEST_F(CatalogueTest, rename_invalidates_everything_that_shows_the_name) {
  ASSERT_TRUE(create("South"));
  ASSERT_TRUE(create("West"));
  for (const auto shop : {kShop, ShopId{2}, ShopId{3}}) {
    auto there = sighting(1);
    there.shop = shop;
    perform(there);
  }
  perform(operation(EventKind::remove));  // a removed reading is not shown

  ASSERT_TRUE(rename(kTea, "Green tea"));
  const Changes changes = invalidation.changes().back();
  std::vector<ShopId> shops;
  for (const auto& reading : changes.renamed) shops.push_back(reading.shop);
  EXPECT_THAT(shops, UnorderedElementsAre(ShopId{2}, ShopId{3}));
  EXPECT_TRUE(changes.readings.empty()) << "their own rows are the same";
  EXPECT_THAT(changes.shop_lists, UnorderedElementsAre(ShopId{2}, ShopId{3}));
  EXPECT_THAT(changes.products, ElementsAre(kTea));
  EXPECT_TRUE(changes.catalogue);
}

TEST_F(CatalogueTest, nothing_is_written_when_the_cache_does_not_acknowledge) {
  invalidation.refuse(true);
  EXPECT_THROW(static_cast<void>(rename(kTea, "Green tea")), Unavailable);
  EXPECT_EQ(database.run("select name from products where gtin = 4006381333931"), "Tea");
  invalidation.refuse(false);
  EXPECT_TRUE(rename(kTea, "Green tea"));
}

// ---------------------------------------------------------------------- keys, tokens and locks

TEST_F(CatalogueTest, same_key_gets_the_same_response_and_has_no_second_effect) {
  const Result first = create("South", with_key("k"));
  const Result again = create("South", with_key("k"));
  EXPECT_FALSE(first->replayed);
  EXPECT_TRUE(again->replayed);
  EXPECT_EQ(body(again), body(first));
  EXPECT_EQ(create("West", with_key("k", 1)).error(), CatalogueRefusal::key_reused);
}

TEST_F(CatalogueTest, refusal_leaves_the_key_free) {
  EXPECT_EQ(create("North", with_key("k")).error(), CatalogueRefusal::name_taken);
  EXPECT_TRUE(create("South", with_key("k", 1)));
}

TEST_F(CatalogueTest, concurrent_requests_with_one_key_have_one_effect) {
  std::vector<std::string> bodies(6);
  {
    std::vector<std::jthread> clients;
    for (auto& mine : bodies) {
      clients.emplace_back([&] { mine = body(create("South", with_key("k"))); });
    }
  }
  EXPECT_THAT(bodies, testing::Each(bodies[0]));
  EXPECT_EQ(database.run("select count(*) from shops where name = 'South'"), "1");
}

TEST_F(CatalogueTest, revoked_token_cannot_write) {
  const auto tokens = make_token_store(postgres);
  EXPECT_TRUE(tokens->revoke(admin().id));
  EXPECT_TRUE(tokens->revoke(admin().id)) << "it existed";
  EXPECT_FALSE(tokens->revoke(TokenId{99}));
  EXPECT_EQ(create("South").error(), CatalogueRefusal::token_revoked);
}

TEST_F(CatalogueTest, token_is_revoked_after_its_running_writes) {
  const auto tokens = make_token_store(postgres);
  postgres::Connection connection{postgres};
  std::optional<postgres::WriteTransaction> write{std::in_place, connection, std::vector<Lock>{},
                                                  postgres::WriteNeeds{.tokens = {admin().id}}};
  std::jthread revoking{[&] { EXPECT_TRUE(tokens->revoke(admin().id)); }};
  wait_for("advisory", 1);
  EXPECT_TRUE(write->valid(admin().id));
  EXPECT_EQ(database.run("select count(*) from tokens where revoked_at is not null"), "0");
  write->commit();
  revoking.join();
  EXPECT_EQ(create("South").error(), CatalogueRefusal::token_revoked);
}

TEST_F(CatalogueTest, token_can_revoke_itself) {
  EXPECT_TRUE(make_token_store(postgres)->revoke(admin().id, by_admin()));
  EXPECT_EQ(create("South").error(), CatalogueRefusal::token_revoked);
}

TEST_F(CatalogueTest, created_token_is_found_by_its_hash) {
  const TokenHash hash = *hash_token_secret(make_token_secret());
  const Instant expiry = *parse_instant("2999-01-01T00:00:00.5Z");
  ASSERT_TRUE(create("South"));
  const auto token = make_token_store(postgres)->create(
      {"till 7", Role::staff, {ShopId{1}, ShopId{2}}, expiry}, hash);
  ASSERT_TRUE(token);
  const auto found = make_database(postgres)->read()->token(hash);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->id, token->id);
  EXPECT_EQ(found->name, "till 7");
  EXPECT_EQ(found->expires_at, expiry);
  EXPECT_THAT(found->shops, ElementsAre(ShopId{1}, ShopId{2}));
}

TEST_F(CatalogueTest, use_of_a_token_is_stored_as_the_hour) {
  const auto tokens = make_token_store(postgres);
  const auto uses = [&] {
    return database.run(
        "select string_agg(concat_ws(' ', id, last_used_at = date_trunc('hour', now())), ',' order "
        "by id) from tokens");
  };
  EXPECT_EQ(uses(), "1,2");
  const auto hour = database.run("select date_trunc('hour', now())");
  do {
    tokens->note_uses({TokenId{2}, TokenId{99}});
  } while (database.run("select date_trunc('hour', now())") != hour);
  EXPECT_EQ(uses(), "1,2 t");
  const auto row = [&] { return database.run("select xmin from tokens where id = 2"); };
  const auto before = row();
  tokens->note_uses({TokenId{2}});
  EXPECT_EQ(row(), before) << "the same hour is not written again";
}

TEST_F(CatalogueTest, token_can_be_created_for_existing_shops_only) {
  const auto tokens = make_token_store(postgres);
  const auto make = [&](std::vector<ShopId> shops) {
    return tokens->create({"till", Role::staff, std::move(shops), {}},
                          *hash_token_secret(make_token_secret()));
  };
  ASSERT_TRUE(create("South"));
  EXPECT_TRUE(make({}));
  EXPECT_TRUE(make({ShopId{1}, ShopId{2}, ShopId{1}}));
  const auto refused = make({ShopId{99}, ShopId{1}, ShopId{98}, ShopId{99}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), CatalogueRefusal::unknown_shop);
  EXPECT_THAT(refused.error().shops, ElementsAre(ShopId{98}, ShopId{99}));
  ASSERT_TRUE(store->delete_shop(ShopId{2}, ShopReadings::refuse, by_admin()));
  EXPECT_FALSE(make({ShopId{1}, ShopId{2}}));
  EXPECT_EQ(database.run("select count(*) from tokens where name = 'till'"), "2");
}

TEST_F(CatalogueTest, fill_of_the_row_blocks_a_write_until_it_ends) {
  const auto storage = make_database(postgres);
  postgres.lock_timeout = std::chrono::milliseconds{10};
  store = make_catalogue_store(postgres, invalidation, *ledger);
  auto fill = storage->try_fill(std::vector{Lock{product_lock(kTea), LockMode::shared}});
  ASSERT_TRUE(fill);
  EXPECT_THROW(static_cast<void>(rename(kTea, "Green tea")), Unavailable);
  fill.reset();
  EXPECT_TRUE(rename(kTea, "Green tea"));
}

TEST_F(CatalogueTest, fill_of_a_list_that_shows_the_name_blocks_a_rename) {
  perform(sighting(1));
  const auto storage = make_database(postgres);
  postgres.lock_timeout = std::chrono::milliseconds{10};
  store = make_catalogue_store(postgres, invalidation, *ledger);
  const auto fill = storage->try_fill(std::vector{Lock{shop_lock(kShop), LockMode::exclusive}});
  ASSERT_TRUE(fill);
  EXPECT_THROW(static_cast<void>(rename(kTea, "Green tea")), Unavailable);
}

// --------------------------------------------------------------------------------------- audit

class AuditTest : public CatalogueTest {
 protected:
  /// Returns: the new rows of the audit since the last call, one per line.
  std::string audited() {
    const auto lines = database.run(
        "select coalesce(string_agg(concat_ws(' ', actor, action, subject, subject_id, "
        "'from ' || before::text, 'to ' || after::text), e'\\n' order by id), '') from audit");
    database.run("delete from audit");
    return lines;
  }
};

TEST_F(AuditTest, has_actor_and_values_of_each_change_of_a_shop) {
  EXPECT_TRUE(create("South"));
  EXPECT_EQ(audited(), R"(admin create shop 2 to {"name": "South", "time_zone": "UTC"})");
  EXPECT_TRUE(store->update_shop(ShopId{2}, {"West", {}}, by_admin(), describe_shop));
  EXPECT_EQ(audited(), R"(admin change shop 2 from {"name": "South", "time_zone": "UTC"} )"
                       R"(to {"name": "West", "time_zone": "UTC"})");
  EXPECT_TRUE(store->delete_shop(ShopId{2}, ShopReadings::refuse, by_admin()));
  EXPECT_EQ(audited(), R"(admin delete shop 2 from {"name": "West", "time_zone": "UTC"})");
}

TEST_F(AuditTest, has_actor_and_values_of_each_change_of_a_product) {
  EXPECT_TRUE(rename(kTea, "Green tea"));
  EXPECT_EQ(
      audited(),
      R"(admin change product 4006381333931 from {"name": "Tea", "brand": null, "category": null} )"
      R"(to {"name": "Green tea", "brand": null, "category": null})");
  store->import_products({{kTea, "Tea", "Bee", {}}}, admin());
  EXPECT_EQ(
      audited(),
      R"(admin change product 4006381333931 from {"name": "Green tea", "brand": null, "category": null} )"
      R"(to {"name": "Tea", "brand": "Bee", "category": null})");
  auto named = sighting(1, kUnknown);
  named.product_name = "Salt";
  perform(named);
  EXPECT_EQ(
      audited(),
      R"(staff create product 96385074 to {"name": "Salt", "brand": null, "category": null})");
  EXPECT_TRUE(store->delete_product(kMilk, by_admin()));
  EXPECT_EQ(
      audited(),
      R"(admin delete product 9520000000004 from {"name": "Milk", "brand": null, "category": null})");
}

TEST_F(AuditTest, has_creation_and_revocation_of_a_token_without_its_secret) {
  const auto tokens = make_token_store(postgres);
  auto proven = by_admin();
  proven.proof.emplace().fill(2);  // the hash of the admin
  const auto token =
      tokens->create({"till", Role::staff, {kShop}, *parse_instant("2999-01-01T00:00:00Z")},
                     *hash_token_secret(make_token_secret()), proven,
                     [](const Token& made, bool) { return std::to_string(made.id.value()); });
  ASSERT_TRUE(token);
  const std::string shown = R"({"name": "till", "role": "staff", "shops": [1], "person": null, )"
                            R"("expires_at": "2999-01-01T00:00:00Z"})";
  EXPECT_EQ(audited(), "admin create token " + token->text + " to " + shown);
  const TokenId id{std::stoll(token->text)};
  EXPECT_TRUE(tokens->revoke(id, by_admin()));
  EXPECT_EQ(audited(), "admin revoke token " + token->text + " from " + shown);
  EXPECT_TRUE(tokens->revoke(id, by_admin()));
  EXPECT_EQ(audited(), "") << "it was revoked before";
}

TEST_F(AuditTest, has_actor_event_and_reason_of_a_void) {
  perform(sighting(1));
  auto typo = operation(EventKind::void_event);
  typo.voids = Uuid::parse(database.run("select id from stock_events"));
  typo.reason = "wrong shelf";
  perform(typo);
  EXPECT_EQ(audited(), R"(staff void reading 1 to {"event": ")" + to_string(*typo.voids) +
                           R"(", "reason": "wrong shelf"})");
}

TEST_F(AuditTest, has_no_row_without_a_change) {
  EXPECT_FALSE(create("North"));
  EXPECT_TRUE(rename(kTea, "Tea"));
  EXPECT_FALSE(rename(kUnknown, "Salt"));
  store->import_products({{kTea, "Tea", {}, {}}}, admin());
  EXPECT_EQ(audited(), "");
}

// -------------------------------------------------------------------------------------- import

TEST_F(CatalogueTest, import_counts_created_changed_and_unchanged_products) {
  const Gtin jam = Gtin::from_number(17);
  const std::vector<CatalogueStore::ImportedProduct> file{
      {kTea, "Tea", {}, {}}, {kMilk, "Fresh milk", "Farm", {}}, {jam, "Jam", {}, "spreads"}};
  const auto first = store->import_products(file, admin());
  EXPECT_EQ(first.created, 1U);
  EXPECT_EQ(first.changed, 1U);
  EXPECT_EQ(first.unchanged, 1U);
  EXPECT_THAT(invalidation.changes().back().products, UnorderedElementsAre(kMilk, jam));
  const auto again = store->import_products(file, admin());
  EXPECT_EQ(again.unchanged, 3U);
  EXPECT_EQ(invalidation.changes().size(), 1U);
}

TEST_F(CatalogueTest, import_keeps_values_that_the_file_does_not_have) {
  const auto brand_of_milk = [&] {
    return database.run("select brand from products where gtin = 9520000000004");
  };
  store->import_products({{kMilk, "Milk", "Farm", {}}}, admin());
  store->import_products({{kMilk, "Whole milk", {}, {}}}, admin());
  EXPECT_EQ(brand_of_milk(), "Farm");
  ASSERT_TRUE(store->delete_product(kMilk, by_admin()));
  EXPECT_EQ(store->import_products({{kMilk, "Milk", {}, {}}}, admin()).created, 1U)
      << "it was removed";
}

// --------------------------------------------------------------------------------------- doubt

/// A store behind a gate. A COMMIT with a shop named `doubtful` waits in the server until the test
/// releases the lock.
class DoubtTest : public CatalogueTest {
 protected:
  void SetUp() override {
    CatalogueTest::SetUp();
    database.run(R"sql(
      create function wait_for_the_test() returns trigger language plpgsql as
        'begin perform pg_advisory_xact_lock(42); return null; end';
      create constraint trigger doubt after insert on shops deferrable initially deferred
        for each row when (new.name = 'doubtful') execute function wait_for_the_test();)sql");
    gate = std::make_unique<test::TcpGate>(database.socket());
    PostgresOptions behind = postgres;
    behind.url = Secret{"postgresql://postgres@" + gate->address() + "/" + database.name()};
    store = make_catalogue_store(behind, invalidation, *ledger);
  }

  std::unique_ptr<test::TcpGate> gate;
};

TEST_F(DoubtTest, commit_with_a_lost_reply_is_found_to_be_committed) {
  postgres::Connection holder{postgres};
  holder.exec("begin; select pg_advisory_xact_lock(42)");
  std::string created;
  std::jthread client{[&] { created = body(create("doubtful")); }};
  wait_for("advisory", 1);
  gate->cut_now();
  wait_for("transactionid", 1);  // the check waits for the first transaction
  holder.exec("rollback");
  client.join();
  EXPECT_EQ(created, "2 v1 doubtful");
  EXPECT_EQ(database.run("select count(*) from shops where name = 'doubtful'"), "1");
}

TEST_F(DoubtTest, transaction_that_did_not_commit_is_run_again) {
  postgres::Connection holder{postgres};
  holder.exec("begin; select pg_advisory_xact_lock(42)");
  std::string created;
  std::jthread client{[&] { created = body(create("doubtful", with_key("k"))); }};
  wait_for("advisory", 1);
  database.run(
      "select pg_terminate_backend(pid, 5000) from pg_stat_activity where wait_event = 'advisory'"
      " and datname = current_database()");
  wait_for("advisory", 1);  // the next attempt
  holder.exec("rollback");
  client.join();
  EXPECT_TRUE(created.ends_with("v1 doubtful")) << created;
  EXPECT_EQ(database.run("select count(*) from shops where name = 'doubtful'"), "1");
}

}  // namespace
}  // namespace codasync::storage
