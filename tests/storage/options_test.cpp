#include "storage/options.hpp"

#include <gmock/gmock.h>

namespace codasync::storage {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(StorageOptions, are_valid_by_default) {
  EXPECT_THAT(problems(PostgresOptions{}), IsEmpty());
  EXPECT_THAT(problems(CombinerOptions{}), IsEmpty());
}

TEST(StorageOptions, report_every_value_outside_its_range_with_name_value_and_rule) {
  PostgresOptions options;
  options.connections_max = 0;
  options.acquire_timeout = milliseconds{9};
  EXPECT_THAT(problems(options),
              ElementsAre("postgres.connections_max is 0: it must be 1 to 1000",
                          "postgres.acquire_timeout is 9 ms: it must be 10 ms to 60000 ms"));
}

TEST(StorageOptions, require_a_lock_timeout_shorter_than_the_statement_timeout) {
  PostgresOptions options;
  options.lock_timeout = options.statement_timeout;
  EXPECT_THAT(problems(options), ElementsAre(HasSubstr("postgres.lock_timeout is 5000 ms")));
}

TEST(StorageOptions, do_not_show_an_invalid_url) {
  PostgresOptions options;
  options.url = Secret{"postgresql://user:secret@[/"};
  EXPECT_THAT(problems(options), ElementsAre(testing::AllOf(HasSubstr("postgres.url"),
                                                            testing::Not(HasSubstr("secret")))));
}

}  // namespace
}  // namespace codasync::storage
