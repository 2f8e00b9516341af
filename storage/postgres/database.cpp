#include <set>
#include <utility>

#include "storage/clock.hpp"
#include "storage/make_storage.hpp"
#include "storage/migrate.hpp"
#include "storage/postgres/columns.hpp"
#include "storage/postgres/lock_statements.hpp"
#include "storage/postgres/pool.hpp"
#include "storage/postgres/reader.hpp"
#include "storage/postgres/slots.hpp"
#include "storage/postgres/transaction.hpp"

namespace codasync::storage {
namespace {

using postgres::Pool;
using postgres::PostgresReader;
using postgres::Transaction;

/// Queries outside a transaction: each statement costs one round trip instead of three.
class PooledReader final : private Pool::Lease, public PostgresReader {
 public:
  explicit PooledReader(Pool::Lease lease)
      : Pool::Lease{std::move(lease)}, PostgresReader{**static_cast<Pool::Lease*>(this)} {}
};

/// Stores the locks that were not granted in a setting, for a later statement of the same message.
std::string try_all(const std::vector<Lock>& locks) {
  return "select set_config('codasync.left_out', coalesce((" + postgres::try_each_lock(locks) +
         "), ''), true);";
}

/// A fill that is slower than this reads without locks instead, so that a writer that waits for
/// them gets them in time.
std::string fill_limits(const PostgresOptions& options) {
  const auto half = std::to_string(options.lock_timeout.count() / 2);
  return "set local statement_timeout = " + half +
         "; set local idle_in_transaction_session_timeout = " + half + ";";
}

// Rows of the context that are not slots.
constexpr std::int64_t kLeftOutRow = -1;
constexpr std::int64_t kClockRow = -2;

std::string fill_context(const PostgresOptions& options) {
  return postgres::storable_slots_query(options) +
         " union all select -1, unnest(string_to_array("
         "current_setting('codasync.left_out'), ',')::bigint[])"
         " union all select -2, " +
         postgres::micros("clock_timestamp()");
}

class PostgresFill final : public Fill {
 public:
  PostgresFill(Pool::Lease lease, const std::vector<Lock>& locks, const std::string& limits,
               const std::string& context)
      : lease_{std::move(lease)},
        transaction_{*lease_, Transaction::Access::read_only, limits + try_all(locks) + context},
        reader_{*lease_} {
    for (const pqxx::row& row : transaction_.first()) {
      const auto number = row[0].as<std::int64_t>();
      if (number == kLeftOutRow) {
        left_out_.insert(LockName{row[1].as<std::int64_t>()});
      } else if (number == kClockRow) {
        started_at_ = postgres::instant_of(row[1]);
      } else {
        storable_.insert(row[0].as<std::size_t>());
      }
    }
  }

  [[nodiscard]] bool complete() const noexcept { return left_out_.empty(); }
  [[nodiscard]] bool left_out(LockName lock) const override { return left_out_.contains(lock); }
  Reader& reader() override { return reader_; }
  [[nodiscard]] bool may_store(std::size_t slot) const override { return storable_.contains(slot); }
  [[nodiscard]] Instant started_at() const override { return started_at_; }

 private:
  Pool::Lease lease_;
  Transaction transaction_;
  PostgresReader reader_;
  std::set<std::size_t> storable_;
  std::set<LockName> left_out_;
  Instant started_at_{};
};

Unavailable schema_is_old(int newest) {
  return {"postgres", "the schema is at migration " + std::to_string(newest) +
                          ", this program needs " + std::to_string(migrations().back().number) +
                          ": run `codasync migrate`"};
}

class PostgresDatabase final : public Database {
 public:
  PostgresDatabase(const PostgresOptions& options, PoolObserver& observer)
      : fill_limits_{fill_limits(options)},
        fill_context_{fill_context(options)},
        reads_{PoolName::reads, options, options.connections_max, observer},
        fills_{PoolName::fills, options, options.fill_connections_max, observer} {}

  std::unique_ptr<Reader> read() override {
    return std::make_unique<PooledReader>(reads_.acquire());
  }

  std::unique_ptr<Fill> try_fill(std::span<const Lock> locks) override {
    auto fill = begin_fill(locks);
    return fill && fill->complete() ? std::move(fill) : nullptr;
  }

  std::unique_ptr<Fill> try_fill_each(std::span<const Lock> locks) override {
    auto fill = begin_fill(locks);
    return fill && !fill->left_out(slots_lock()) ? std::move(fill) : nullptr;
  }

  std::chrono::microseconds device_offset(const Uuid& device, Instant device_time) override {
    const Pool::Lease lease = reads_.acquire();
    const auto id = to_string(device);
    const auto measured = device_time.time_since_epoch().count();
    // Mostly nothing is written: a device is stored as seen once an hour.
    auto found = lease->exec_params(
        "select clock_offset from devices where id = $1::uuid and seen_at > clock_timestamp() -"
        " interval '1 hour' and abs(micros_of(clock_timestamp()) - $2::bigint - clock_offset) <= "
        "5000000",
        id, measured);
    if (found.empty()) {
      found = lease->exec_params(
          "insert into devices as d (id, clock_offset) values ($1::uuid,"
          " micros_of(clock_timestamp()) - $2::bigint) on conflict (id) do update set"
          " seen_at = clock_timestamp(), clock_offset = case when"
          " abs(excluded.clock_offset - d.clock_offset) > 5000000 then excluded.clock_offset"
          " else d.clock_offset end returning clock_offset",
          id, measured);
    }
    return std::chrono::microseconds{found[0][0].as<std::int64_t>()};
  }

  std::chrono::microseconds ping() override {
    const Pool::Lease lease = reads_.acquire();
    try {
      const auto sent = now();
      const auto row = lease->exec(
          "select coalesce(max(number), 0), micros_of(clock_timestamp()) from schema_migrations")
                           [0];
      const auto received = now();
      const auto newest = row[0].as<int>();
      if (newest < migrations().back().number) throw schema_is_old(newest);
      const auto offset = clock_offset(postgres::instant_of(row[1]), sent, received);
      if (std::chrono::abs(offset) > kClockDifferenceMax) throw clock_is_off(offset);
      return offset;
    } catch (const std::logic_error&) {  // the statement is right, so its table does not exist
      throw schema_is_old(0);
    }
  }

 private:
  std::unique_ptr<PostgresFill> begin_fill(std::span<const Lock> locks) {
    auto connection = fills_.try_acquire();
    if (!connection) return nullptr;
    std::vector<Lock> all{locks.begin(), locks.end()};
    all.push_back(shared(slots_lock()));
    return std::make_unique<PostgresFill>(std::move(*connection), in_order(std::move(all)),
                                          fill_limits_, fill_context_);
  }

  const std::string fill_limits_;
  const std::string fill_context_;
  Pool reads_;
  Pool fills_;
};

}  // namespace

std::unique_ptr<Database> make_database(const PostgresOptions& options, PoolObserver& observer) {
  return std::make_unique<PostgresDatabase>(options, observer);
}

}  // namespace codasync::storage
