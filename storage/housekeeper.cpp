#include "storage/housekeeper.hpp"

#include <condition_variable>
#include <mutex>
#include <utility>

#include "storage/postgres/connection.hpp"

namespace codasync::storage {
namespace {

constexpr std::chrono::hours kEvery{1};
constexpr std::size_t kKeysAtATime = 5'000;  // some milliseconds of locks
constexpr std::size_t kRoundsMax = 100'000;

}  // namespace

std::size_t delete_old_keys(const PostgresOptions& options) {
  postgres::Connection connection{options};
  std::size_t deleted = 0;
  for (std::size_t round = 0; round < kRoundsMax; ++round) {
    const auto rows = connection.exec_params(
        "delete from idempotency_keys where (token_id, key) in (select token_id, key from "
        "idempotency_keys"
        " where created_at < clock_timestamp() - make_interval(days => $1::integer) limit "
        "$2::integer)",
        kIdempotencyKeysKept.count(), kKeysAtATime);
    deleted += rows.affected_rows();
    if (rows.affected_rows() < kKeysAtATime) break;
  }
  return deleted;
}

Housekeeper::Housekeeper(const PostgresOptions& options,
                         std::function<void(const std::string&)> on_failure)
    : thread_{[options, on_failure = std::move(on_failure)](const std::stop_token& stop) {
        std::mutex mutex;
        std::condition_variable_any stopped;
        while (!stop.stop_requested()) {
          try {
            delete_old_keys(options);
          } catch (const std::exception& failure) {
            on_failure(failure.what());
          }
          std::unique_lock hold{mutex};
          stopped.wait_for(hold, stop, kEvery, [] { return false; });
        }
      }} {}

}  // namespace codasync::storage
