#include "storage/combiner.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <thread>
#include <utility>

#include "storage/errors.hpp"
#include "storage/lane_queue.hpp"
#include "storage/locks.hpp"
#include "storage/stock_batch.hpp"

namespace codasync::storage {
namespace {

using Clock = std::chrono::steady_clock;
using postgres::Connection;

/// One thread, one connection, the readings that hash to it. While a batch commits the next one
/// gathers in the queue; there is no timer.
class Lane {
 public:
  Lane(const PostgresOptions& postgres, const CombinerOptions& options, Invalidation& invalidation,
       LedgerObserver& observer)
      : postgres_{postgres},
        options_{options},
        invalidation_{invalidation},
        observer_{observer},
        queue_{options.lane_queue_max},
        thread_{[this] { run(); }} {}

  ~Lane() { queue_.close(); }

  [[nodiscard]] bool push(QueuedOperation& operation) { return queue_.push(operation); }

 private:
  void run();
  void process(std::list<QueuedOperation> operations);

  /// Brings a batch to its end: every operation is answered when it returns.
  void settle(const Batch& batch);
  std::optional<bool> look_after_doubt(const Batch& batch);
  void settle_halves(const Batch& batch, const Failed& failure);
  void settle_by_reading(const Batch& batch, const Failed& failure);
  template <class Attempt>
  void settle_with(const Batch& batch, Attempt&& attempt);

  void deliver(const Batch& batch, BatchResult result);
  void settle_with_products(const Batch& batch);
  void answer(QueuedOperation& operation, StockResult result);
  void fail(const Batch& batch, const Failed& failure);

  Connection& connection();
  void pause(std::size_t attempt);

  // Fixed after construction.
  const PostgresOptions postgres_;
  const CombinerOptions options_;
  Invalidation& invalidation_;
  LedgerObserver& observer_;
  LaneQueue queue_;  // has its own lock
  // The lane's thread only.
  std::unique_ptr<Connection> connection_;
  std::minstd_rand random_{std::random_device{}()};
  std::jthread thread_;  // last: it uses all the others
};

void Lane::run() {
  for (;;) {
    auto operations = queue_.take(options_.batch_max);
    if (operations.empty()) return;
    process(std::move(operations));
    // Where processors are short, whoever was answered or hands in an operation goes first: the
    // next batch is larger. Where they are not, this returns at once.
    std::this_thread::yield();
  }
}

void Lane::process(std::list<QueuedOperation> operations) {
  Batch batch;
  const auto too_old = Clock::now() - options_.queue_timeout;
  for (auto& operation : operations) {
    if (operation.accepted < too_old) {
      observer_.on_overload();
      answer(operation, Failed{"queue", "waited longer than combiner.queue_timeout"});
    } else {
      batch.push_back(&operation);
    }
  }
  if (!batch.empty()) settle(batch);
}

void Lane::settle(const Batch& batch) {
  settle_with(batch, [&] { return run_batch(connection(), invalidation_, batch); });
}

/// One transaction with everything that can happen to it. `attempt` runs it.
template <class Attempt>
void Lane::settle_with(const Batch& batch, Attempt&& attempt) {
  for (std::size_t number = 1;; ++number) {
    std::optional<BatchResult> result;
    try {
      result = attempt();
    } catch (const postgres::Conflict& conflict) {
      observer_.on_retry();
      if (number >= options_.attempts_max) return fail(batch, {"postgres", conflict.what()});
    } catch (const postgres::LockTimeout& timeout) {
      return settle_by_reading(batch, {"postgres", timeout.what()});
    } catch (const Unavailable& failure) {
      if (failure.dependency() == "memcached")
        return settle_by_reading(batch, {"memcached", failure.what()});
      // A connection that was closed while it idled is found out by its next user: that one may try
      // once more.
      const bool connection_lost = !connection_ || !connection_->usable();
      // The server gave this up: too long, too many locks. It may be the work of one reading.
      if (!connection_lost) return settle_by_reading(batch, {failure.dependency(), failure.what()});
      if (number >= 2) return fail(batch, {failure.dependency(), failure.what()});
      observer_.on_retry();
    } catch (BatchInDoubt& doubt) {
      observer_.on_doubt();
      const auto committed = look_after_doubt(batch);
      if (!committed) return fail(batch, {"postgres", doubt.log_detail, true});
      if (*committed) {
        result = std::move(doubt.would_be);
      } else if (number >= options_.attempts_max) {
        return fail(batch, {"postgres", doubt.log_detail});
      }
    } catch (const std::exception& refusal) {
      // A row that the schema refuses, or a bug: the others must not suffer from it.
      return settle_halves(batch, {"postgres", refusal.what()});
    }
    if (result) return deliver(batch, std::move(*result));
    pause(number);
  }
}

/// Returns: whether the doubtful transaction took effect, or nothing when even that cannot be found
/// out.
std::optional<bool> Lane::look_after_doubt(const Batch& batch) {
  const auto enough =
      Clock::now() + postgres_.statement_timeout;  // a server may be on its way back
  for (std::size_t number = 1;; ++number) {
    try {
      return resolve_doubt(connection(), batch);
    } catch (const std::exception&) {
      if (Clock::now() >= enough) return std::nullopt;
      pause(number);
    }
  }
}

/// Halves a batch until the culprit is alone. It is cut between arrivals, so operations on one
/// reading keep their order.
void Lane::settle_halves(const Batch& batch, const Failed& failure) {
  if (batch.size() == 1) return fail(batch, failure);
  observer_.on_split();
  const auto middle = batch.begin() + static_cast<std::ptrdiff_t>(batch.size() / 2);
  settle({batch.begin(), middle});
  settle({middle, batch.end()});
}

/// A row is locked by somebody else, or a cache node is lost: each reading for itself, so that only
/// its own writers suffer.
void Lane::settle_by_reading(const Batch& batch, const Failed& failure) {
  std::map<std::pair<ShopId, Gtin>, Batch> readings;
  for (auto* queued : batch)
    readings[{queued->operation.shop, queued->operation.gtin}].push_back(queued);
  const bool same_for_all = failure.dependency == "memcached" && invalidation_.slot_count() <= 1;
  if (readings.size() == 1 || same_for_all) return fail(batch, failure);
  observer_.on_split();
  // Whoever waits in the queue must not pay for more than two of them.
  const auto enough = Clock::now() + 2 * postgres_.lock_timeout;
  for (const auto& [key, own] : readings) {
    if (Clock::now() < enough) {
      settle(own);
    } else {
      fail(own, failure);
    }
  }
}

void Lane::deliver(const Batch& batch, BatchResult result) {
  observer_.on_batch(result.timing);
  std::size_t refusals = 0;
  Batch left;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (!result.results[i]) {
      left.push_back(batch[i]);
      continue;
    }
    if (std::holds_alternative<Refused>(*result.results[i])) ++refusals;
    answer(*batch[i], std::move(*result.results[i]));
  }
  if (refusals > 0) observer_.on_refusals(refusals);
  settle_with_products(left);
}

/// The first operation of each product writes it; the others find it written and are a batch again.
void Lane::settle_with_products(const Batch& batch) {
  std::set<Gtin> written;
  Batch others;
  for (auto* queued : batch) {
    if (!written.insert(queued->operation.gtin).second) {
      others.push_back(queued);
      continue;
    }
    settle_with({queued}, [&] { return run_with_product(connection(), invalidation_, *queued); });
  }
  if (!others.empty()) settle(others);
}

void Lane::answer(QueuedOperation& operation, StockResult result) {
  operation.done(std::move(result));
}

void Lane::fail(const Batch& batch, const Failed& failure) {
  for (auto* queued : batch) answer(*queued, failure);
}

Connection& Lane::connection() { return postgres::renewed(connection_, postgres_); }

/// Jitter, so that two processes that met do not meet again.
void Lane::pause(std::size_t attempt) {
  std::uniform_int_distribution<int> spread{1, 5 << std::min<std::size_t>(attempt, 5)};
  std::this_thread::sleep_for(std::chrono::milliseconds{spread(random_)});
}

class Combiner : public StockLedger {
 public:
  Combiner(const PostgresOptions& postgres, const CombinerOptions& options,
           Invalidation& invalidation, LedgerObserver& observer)
      : observer_{observer} {
    for (std::size_t i = 0; i < options.lanes; ++i) {
      lanes_.push_back(std::make_unique<Lane>(postgres, options, invalidation, observer));
    }
  }

  void submit(StockOperation operation, std::function<void(StockResult)> done) override {
    const auto number =
        static_cast<std::uint64_t>(reading_lock(operation.shop, operation.gtin).number);
    auto& lane = *lanes_[number % lanes_.size()];
    QueuedOperation queued{std::move(operation), Uuid::v7(now()), Clock::now(), std::move(done)};
    if (lane.push(queued)) return;
    observer_.on_overload();
    queued.done(Failed{"queue", "the lane's queue is full"});
  }

 private:
  LedgerObserver& observer_;
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace

std::unique_ptr<StockLedger> make_combiner(const PostgresOptions& postgres,
                                           const CombinerOptions& options,
                                           Invalidation& invalidation, LedgerObserver& observer) {
  return std::make_unique<Combiner>(postgres, options, invalidation, observer);
}

}  // namespace codasync::storage
