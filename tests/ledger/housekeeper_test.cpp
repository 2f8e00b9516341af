#include "storage/housekeeper.hpp"

#include <gtest/gtest.h>

#include "tests/support/database.hpp"

namespace codasync::test {
namespace {

TEST(Housekeeper, deletes_idempotency_keys_after_seven_days_and_no_earlier) {
  const TestDatabase database;
  database.run(
      "insert into idempotency_keys (token_id, key, fingerprint, status, etag, location, body, "
      "created_at)"
      " select 1, 'k' || n, '\\x00', 200, '', '', '', clock_timestamp() - make_interval(hours => n)"
      " from generate_series(1, 12000) n");
  EXPECT_EQ(storage::delete_old_keys(database.options()), 12000U - 167U);
  EXPECT_EQ(
      database.run(
          "select max(clock_timestamp() - created_at) < interval '7 days' from idempotency_keys"),
      "t");
  EXPECT_EQ(storage::delete_old_keys(database.options()), 0U);
}

}  // namespace
}  // namespace codasync::test
