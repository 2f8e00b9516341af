#include "storage/inspect.hpp"

#include <chrono>
#include <cstdint>

#include "storage/migrate.hpp"
#include "storage/postgres/connection.hpp"

namespace codasync::storage {

DatabaseState inspect(const PostgresOptions& options) {
  postgres::Connection connection{options};
  const auto has_schema =
      connection.exec("select to_regclass('schema_migrations') is not null")[0][0].as<bool>();
  const int schema =
      has_schema ? connection.exec("select coalesce(max(number), 0) from schema_migrations")[0][0]
                       .as<int>()
                 : 0;
  const auto reply = connection.exec(
      "select current_setting('server_version'), (extract(epoch from clock_timestamp()) * "
      "1000000)::bigint, current_setting('fsync') <> 'off', "
      "current_setting('synchronous_commit'), "
      "current_setting('synchronous_standby_names') <> '', "
      "current_setting('default_transaction_isolation')");
  return {.server_version = reply[0][0].c_str(),
          .schema = schema,
          .schema_expected = migrations().back().number,
          .clock = Instant{std::chrono::microseconds{reply[0][1].as<std::int64_t>()}},
          .fsync = reply[0][2].as<bool>(),
          .synchronous_commit = reply[0][3].c_str(),
          .has_standbys = reply[0][4].as<bool>(),
          .isolation = reply[0][5].c_str()};
}

}  // namespace codasync::storage
