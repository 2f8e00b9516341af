#include <gmock/gmock.h>

#include "storage/housekeeper.hpp"
#include "storage/make_storage.hpp"
#include "storage/migrate.hpp"
#include "storage/postgres/connection.hpp"
#include "tests/ledger/ledger_fixture.hpp"

namespace codasync::storage {
namespace {

/// After the migration, the tests run with the rights of the service role.
class ServiceRoleTest : public test::LedgerTest {
 protected:
  void SetUp() override {
    database.run(
        "do $$ begin create role codasync_service; exception when others then"
        " if not exists (select from pg_roles where rolname = 'codasync_service') then raise; end "
        "if; end $$");
    migrate(database.options());  // no migration is missing; grants the role's rights
    const std::string url = database.url();
    const bool is_uri = url.find("://") != std::string::npos;
    postgres.url = Secret{url + (is_uri ? "&options=-c%20role%3Dcodasync_service"
                                        : " options='-c role=codasync_service'")};
    LedgerTest::SetUp();
  }
};

TEST_F(ServiceRoleTest, has_the_rights_for_all_work_of_the_service) {
  const auto encode_shop = [](const Shop&, bool) { return std::string{}; };
  const auto encode_product = [](const Product&, bool) { return std::string{}; };
  const auto encode_token = [](const Token&, bool) { return std::string{}; };
  const WriteContext context{admin(), std::nullopt, key("k")};
  const WriteContext no_key{admin(), std::nullopt, std::nullopt};
  const auto store = make_catalogue_store(postgres, invalidation, *ledger);
  EXPECT_TRUE(store->create_shop({"South", {}}, context, encode_shop));
  EXPECT_TRUE(store->update_shop(ShopId{2}, {"West", {}}, no_key, encode_shop));
  for (const std::int64_t days : {1, 2}) {
    EXPECT_TRUE(store->put_thresholds(ShopId{2}, {{.days = days}}, no_key,
                                      [](const auto&, bool) { return std::string{}; }));
  }
  EXPECT_TRUE(store->put_product(kUnknown, {.name = "Jam", .brand = {}, .category = {}}, no_key,
                                 encode_product));
  EXPECT_TRUE(store->delete_product(kUnknown, no_key));
  EXPECT_EQ(store->import_products({{kUnknown, "Jam", {}, {}}}, admin()).created, 1U);
  auto keyed = count(3);
  keyed.idempotency_key = key("other");
  EXPECT_TRUE(std::holds_alternative<StoredResponse>(perform(keyed)));
  EXPECT_TRUE(std::holds_alternative<Written>(perform(adjust(-1))));
  EXPECT_TRUE(store->delete_shop(kShop, ShopReadings::remove, no_key));

  const auto tokens = make_token_store(postgres);
  const auto secret = make_token_secret();
  const auto hash = *hash_token_secret(secret);
  WriteContext proven{admin(), std::nullopt, std::nullopt, {}};
  proven.proof = TokenHash{};
  proven.proof->fill(2);  // of the admin
  ASSERT_TRUE(tokens->create({"new", Role::staff, {}, {}}, hash, proven, encode_token));
  const auto token = make_database(postgres)->read()->token(hash);
  ASSERT_TRUE(token);
  EXPECT_THAT(make_database(postgres)->read()->valid_tokens({hash, TokenHash{}}),
              testing::ElementsAre(hash));
  EXPECT_NO_THROW(tokens->note_uses({token->id}));
  const auto sessions = make_sessions(postgres, {});
  const SessionHash session{1};
  EXPECT_TRUE(sessions->start(hash, session, std::nullopt));
  EXPECT_FALSE(sessions->start(TokenHash{}, SessionHash{2}, std::nullopt));
  database.run("update sessions set seen_at = seen_at - interval '2 minutes'");
  EXPECT_TRUE(sessions->find(session)) << "and stores its use";
  EXPECT_THAT(make_database(postgres)->read()->valid_tokens({session}),
              testing::ElementsAre(session));
  EXPECT_NO_THROW(delete_ended_sessions(postgres, {}));
  EXPECT_NO_THROW(sessions->end(session));
  EXPECT_TRUE(tokens->revoke(token->id));
  EXPECT_NO_THROW(delete_old_keys(postgres));
  EXPECT_NO_THROW(delete_old_changes(postgres));
  EXPECT_NO_THROW(delete_old_devices(postgres));
  EXPECT_NO_THROW(keep_ledger_partitions(postgres));

  const auto storage = make_database(postgres);
  EXPECT_NO_THROW(storage->ping());
  const auto reader = storage->read();
  EXPECT_EQ(reader->shops({}, 10).rows.size(), 1U);
  EXPECT_EQ(reader->thresholds(ShopId{2})->days, 2);
  EXPECT_TRUE(reader->work_list({.shop = ShopId{2}}, 10));
  EXPECT_EQ(reader->history(ReadingId{1}, std::nullopt, 10).rows.size(), 3U);
  EXPECT_TRUE(reader->changes(ShopId{2}, std::nullopt, 10));
  EXPECT_GE(reader->audit({}, 100).rows.size(), 8U);
  const auto device = Uuid::v7(now());
  for (int i = 0; i < 2; ++i)
    EXPECT_LT(storage->device_offset(device, now() + std::chrono::hours{1}),
              std::chrono::minutes{-59});
  EXPECT_TRUE(storage->try_fill(std::vector{Lock{shops_lock(), LockMode::exclusive}}));
}

TEST_F(ServiceRoleTest, can_neither_change_the_schema_nor_delete_history) {
  postgres::Connection connection{postgres};
  for (const std::string statement :
       {"drop table shops",
        "truncate stock_events",
        "delete from stock_events",
        "update stock_events set reason = ''",
        "delete from stock_readings",
        "delete from shops",
        "delete from tokens",
        "update tokens set role = 'admin'",
        "update tokens set shops = null",
        "update tokens set expires_at = null",
        "insert into tokens (name, role, hash) values ('x', 'admin', sha256('x'))",
        "insert into tokens (name, role, hash) values ('x', 'staff', sha256('x'))",
        "insert into sessions (secret_hash, token_id) values (sha256('x'), 2)",
        "update sessions set token_id = 2",
        "update sessions set secret_hash = sha256('x')",
        "select hash from tokens",
        "select * from tokens",
        "create table mine (x int)",
        "alter table shops add column x int",
        "insert into schema_migrations (number, name, checksum) values (99, '', '')"}) {
    try {
      connection.exec(statement);
      ADD_FAILURE() << "was allowed: " << statement;
    } catch (const std::logic_error& refusal) {
      EXPECT_THAT(std::string{refusal.what()},
                  testing::AnyOf(testing::HasSubstr("permission denied"),
                                 testing::HasSubstr("must be owner")))
          << statement;
    }
  }
}

TEST_F(ServiceRoleTest, can_make_a_token_only_with_the_proof_of_a_valid_admin) {
  const auto tokens = make_token_store(postgres);
  const auto make = [&](Role role, std::optional<std::uint8_t> proof) {
    WriteContext context{admin(), std::nullopt, std::nullopt, {}};
    if (proof) context.proof.emplace().fill(*proof);
    const auto result =
        tokens->create({"new", role, {}, {}}, *hash_token_secret(make_token_secret()), context,
                       [](const Token&, bool) { return std::string{}; });
    return result ? "made" : result.error() == CatalogueRefusal::not_permitted ? "refused" : "?";
  };
  for (const auto role : {Role::staff, Role::admin}) {
    EXPECT_STREQ(make(role, std::nullopt), "refused");
    EXPECT_STREQ(make(role, 1), "refused") << "of staff";
    EXPECT_STREQ(make(role, 3), "refused") << "of no token";
    EXPECT_STREQ(make(role, 2), "made");
  }
  const auto by_operator =
      tokens->create({"new", Role::staff, {}, {}}, *hash_token_secret(make_token_secret()));
  ASSERT_FALSE(by_operator);
  EXPECT_EQ(by_operator.error(), CatalogueRefusal::not_permitted);
  database.run("update tokens set expires_at = now() where id = 2");
  postgres::Connection connection{postgres};
  EXPECT_TRUE(connection
                  .exec("select from create_token(decode(repeat('02', 32), 'hex'), 'x', 'admin',"
                        " null, null, sha256('y'), null)")
                  .empty())
      << "an expired admin";
}

TEST_F(ServiceRoleTest, can_make_the_first_token_of_an_admin_but_no_second_one) {
  database.run("delete from tokens");
  const auto tokens = make_token_store(postgres);
  const auto make = [&](Role role) {
    return static_cast<bool>(
        tokens->create({"first", role, {}, {}}, *hash_token_secret(make_token_secret())));
  };
  EXPECT_FALSE(make(Role::staff));
  EXPECT_TRUE(make(Role::admin));
  EXPECT_FALSE(make(Role::admin));
  database.run("update tokens set revoked_at = now()");
  EXPECT_FALSE(make(Role::admin)) << "the service could revoke the others first";
}

}  // namespace
}  // namespace codasync::storage
