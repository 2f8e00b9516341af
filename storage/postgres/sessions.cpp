#include "storage/sessions.hpp"

#include <string>

#include "storage/housekeeper.hpp"
#include "storage/make_storage.hpp"
#include "storage/postgres/columns.hpp"
#include "storage/postgres/pool.hpp"

namespace codasync::storage {
namespace {

using postgres::Pool;

constexpr std::size_t kConnectionsMax = 2;
// A use is stored once in this time: a page sends many requests.
const std::string kSeenStep = "interval '1 minute'";

/// Returns: how long a session may be without use, by the role of its token: an interval.
std::string idle_of(const SessionOptions& limits) {
  return "case role when 'admin' then interval '" + std::to_string(limits.admin_idle.count()) +
         " seconds' else interval '" + std::to_string(limits.staff_idle.count()) + " seconds' end";
}

class PostgresSessions final : public Sessions {
 public:
  PostgresSessions(const PostgresOptions& options, const SessionOptions& limits,
                   PoolObserver& observer)
      : columns_{postgres::kTokenColumns + ", " +
                 postgres::micros("least(expires_at, clock_timestamp() + " + idle_of(limits) +
                                  ")") +
                 " as ends_at"},
        in_force_{postgres::kTokenIsValid + " and seen_at > clock_timestamp() - " +
                  idle_of(limits)},
        pool_{PoolName::sessions, options, kConnectionsMax, observer} {}

  std::optional<Session> start(const TokenHash& token, const SessionHash& hash,
                               const std::optional<SessionHash>& replaced) override {
    const std::optional<std::string> old =
        replaced ? std::optional{postgres::bytea(*replaced)} : std::nullopt;
    const auto rows = pool_.acquire()->exec_params(
        "with t as materialized (select * from start_session($1::bytea, $2::bytea)),"
        " ended as (delete from sessions where exists (select from t)"
        " and (secret_hash = $3::bytea or secret_hash in (select s.secret_hash from sessions s"
        " where s.token_id = (select id from t) order by s.seen_at desc offset $4)))"
        " select " +
            columns_ + " from t",
        postgres::bytea(token), postgres::bytea(hash), old, kSessionsOfTokenMax - 1);
    if (rows.empty()) return std::nullopt;
    return session_of(rows[0]);
  }

  std::optional<Session> find(const SessionHash& hash) override {
    const auto connection = pool_.acquire();
    const auto rows = connection->exec_params("select " + columns_ +
                                                  ", seen_at < clock_timestamp() - " + kSeenStep +
                                                  " as used from sessions join tokens on id = "
                                                  "token_id where secret_hash = $1::bytea and " +
                                                  in_force_,
                                              postgres::bytea(hash));
    if (rows.empty()) return std::nullopt;
    if (rows[0]["used"].as<bool>()) {
      // Not worth a flush, and it must not wait for a standby.
      connection->exec_params(
          "update sessions set seen_at = clock_timestamp() where"
          " secret_hash = $1::bytea and seen_at < clock_timestamp() - " +
              kSeenStep + " and set_config('synchronous_commit', 'off', true) = 'off'",
          postgres::bytea(hash));
    }
    return session_of(rows[0]);
  }

  void end(const SessionHash& hash) override {
    pool_.acquire()->exec_params("delete from sessions where secret_hash = $1::bytea",
                                 postgres::bytea(hash));
  }

 private:
  /// `row`: begins with `columns_`.
  static Session session_of(const pqxx::row& row) {
    return {postgres::token_of(row), postgres::instant_of(row["ends_at"])};
  }

  const std::string columns_;
  const std::string in_force_;
  Pool pool_;
};

}  // namespace

std::unique_ptr<Sessions> make_sessions(const PostgresOptions& options,
                                        const SessionOptions& limits, PoolObserver& observer) {
  return std::make_unique<PostgresSessions>(options, limits, observer);
}

void delete_ended_sessions(const PostgresOptions& options, const SessionOptions& limits) {
  postgres::Connection connection{options};
  connection.exec("delete from sessions using tokens where id = token_id and not coalesce(" +
                  postgres::kTokenIsValid + " and seen_at > clock_timestamp() - " +
                  idle_of(limits) + ", false)");
}

}  // namespace codasync::storage
