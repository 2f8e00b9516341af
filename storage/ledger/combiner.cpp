#include "storage/ledger/combiner.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <thread>
#include <utility>

#include "storage/errors.hpp"
#include "storage/ledger/batch.hpp"
#include "storage/ledger/lane_queue.hpp"
#include "storage/ledger/retry_rules.hpp"
#include "storage/locks.hpp"
#include "storage/operation_name.hpp"

namespace codasync::storage {
namespace {

using Clock = std::chrono::steady_clock;
using postgres::Connection;

/// One thread and one connection for the readings that hash to this lane. While a batch commits,
/// the queue collects the next one; no timer is needed.
class Lane {
 public:
  Lane(const PostgresOptions& postgres, const CombinerOptions& options, WriteMode mode,
       Invalidation& invalidation, LedgerObserver& observer)
      : postgres_{postgres},
        options_{options},
        batch_options_{mode, options.staff_void_time},
        invalidation_{invalidation},
        observer_{observer},
        queue_{options.lane_queue_max},
        thread_{[this] { run(); }} {}

  ~Lane() { queue_.close(); }

  [[nodiscard]] bool push(QueuedOperation& operation) { return queue_.push(operation); }

 private:
  /// The result of one attempt.
  struct AttemptResult {
    Attempt attempt;
    BatchResult result{};  // with Attempt::done and Attempt::committed
    std::string dependency{"postgres"};
    std::string log_detail{};
  };
  using Run = std::function<BatchResult()>;

  void run();
  void process(std::list<QueuedOperation> operations);

  /// Completes a batch: when it returns, each operation has its result or is in the queue again.
  void complete(const Batch& batch);
  void complete_with(const Batch& batch, const Run& run);
  AttemptResult attempt(const Run& run);
  AttemptResult resolve_in_doubt(BatchInDoubt doubt);
  void complete_halves(const Batch& batch);
  void complete_by_reading(const Batch& batch, const Failed& failure);
  void complete_with_products(const Batch& batch);
  void deliver(const Batch& batch, BatchResult result);
  void fail(const Batch& batch, const Failed& failure);

  Connection& connection() { return postgres::renewed(connection_, postgres_); }
  void pause(std::size_t attempt);

  // Fixed after construction.
  const PostgresOptions postgres_;
  const CombinerOptions options_;
  const BatchOptions batch_options_;
  Invalidation& invalidation_;
  LedgerObserver& observer_;
  LaneQueue queue_;  // has its own lock
  // The lane's thread only.
  std::unique_ptr<Connection> connection_;
  std::list<QueuedOperation>* taken_{nullptr};  // owns the operations of the current batch
  std::minstd_rand random_{std::random_device{}()};
  std::jthread thread_;  // last: it uses all the others
};

void Lane::run() {
  for (;;) {
    auto operations = queue_.take(options_.batch_max);
    if (operations.empty()) return;
    process(std::move(operations));
    // On a busy machine other threads run first: clients that got their results submit their next
    // operations, and the next batch is larger. Otherwise this returns at once.
    std::this_thread::yield();
  }
}

void Lane::process(std::list<QueuedOperation> operations) {
  Batch batch;
  const auto too_old = Clock::now() - options_.queue_timeout;
  for (auto& operation : operations) {
    if (operation.accepted < too_old) {
      observer_.on_overload();
      operation.done(Failed{"queue", "the operation waited longer than combiner.queue_timeout"});
    } else {
      batch.push_back(&operation);
    }
  }
  taken_ = &operations;
  if (!batch.empty()) complete(batch);
  taken_ = nullptr;
}

void Lane::complete(const Batch& batch) {
  complete_with(batch,
                [&] { return run_batch(connection(), invalidation_, batch, batch_options_); });
}

void Lane::complete_with(const Batch& batch, const Run& run) {
  std::set<std::pair<ShopId, Gtin>> readings;
  for (const auto* queued : batch) readings.emplace(queued->operation.shop, queued->operation.gtin);
  const BatchShape shape{batch.size(), readings.size(), invalidation_.slot_count()};
  for (std::size_t number = 1;; ++number) {
    auto result = attempt(run);
    const Failed failure{result.dependency, result.log_detail};
    switch (next_step(result.attempt, number, options_.attempts_max, shape)) {
      case NextStep::deliver:
        return deliver(batch, std::move(result.result));
      case NextStep::again:
        if (result.attempt != Attempt::rolled_back) observer_.on_retry();
        pause(number);
        continue;
      case NextStep::halves:
        return complete_halves(batch);
      case NextStep::by_reading:
        return complete_by_reading(batch, failure);
      case NextStep::fail:
        return fail(batch, failure);
      case NextStep::fail_in_doubt:
        return fail(batch, {result.dependency, result.log_detail, Failed::Kind::in_doubt});
      case NextStep::fail_as_bug:
        return fail(batch, {result.dependency, result.log_detail, Failed::Kind::bug});
    }
  }
}

Lane::AttemptResult Lane::attempt(const Run& run) {
  try {
    return {.attempt = Attempt::done, .result = run()};
  } catch (const postgres::Conflict& conflict) {
    return {.attempt = Attempt::conflict, .log_detail = conflict.what()};
  } catch (const postgres::LockTimeout& timeout) {
    return {.attempt = Attempt::lock_timeout, .log_detail = timeout.what()};
  } catch (const Unavailable& failure) {
    const bool lost = !connection_ || !connection_->usable();
    return {.attempt = failure.dependency() == "memcached" ? Attempt::cache_lost
                       : lost                              ? Attempt::connection_lost
                                                           : Attempt::statement_cancelled,
            .dependency = failure.dependency(),
            .log_detail = failure.what()};
  } catch (BatchInDoubt& doubt) {
    observer_.on_doubt();
    return resolve_in_doubt(std::move(doubt));
  } catch (const std::exception& refusal) {
    return {.attempt = Attempt::refused, .log_detail = refusal.what()};
  }
}

/// Determines whether the transaction in doubt committed.
Lane::AttemptResult Lane::resolve_in_doubt(BatchInDoubt doubt) {
  const auto deadline = Clock::now() + postgres_.statement_timeout;  // for a server that restarts
  for (std::size_t number = 1;; ++number) {
    try {
      const bool committed = resolve_doubt(connection(), doubt.witness);
      return {.attempt = committed ? Attempt::committed : Attempt::rolled_back,
              .result = std::move(doubt.result_if_committed),
              .log_detail = std::move(doubt.log_detail)};
    } catch (const std::exception&) {
      if (Clock::now() >= deadline)
        return {.attempt = Attempt::in_doubt, .log_detail = std::move(doubt.log_detail)};
      pause(number);
    }
  }
}

/// Divides the batch in order of arrival, so operations on one reading keep their order.
void Lane::complete_halves(const Batch& batch) {
  observer_.on_split();
  const auto middle = batch.begin() + static_cast<std::ptrdiff_t>(batch.size() / 2);
  complete({batch.begin(), middle});
  complete({middle, batch.end()});
}

void Lane::complete_by_reading(const Batch& batch, const Failed& failure) {
  std::map<std::pair<ShopId, Gtin>, Batch> readings;
  for (auto* queued : batch)
    readings[{queued->operation.shop, queued->operation.gtin}].push_back(queued);
  observer_.on_split();
  // Operations in the queue must not wait for the lock timeouts of more than two readings.
  const auto deadline = Clock::now() + 2 * postgres_.lock_timeout;
  for (const auto& [key, own] : readings) {
    if (Clock::now() < deadline) {
      complete(own);
    } else {
      fail(own, failure);
    }
  }
}

void Lane::deliver(const Batch& batch, BatchResult result) {
  observer_.on_batch(result.timing);
  std::size_t refusals = 0;
  Batch with_products;
  Batch later;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (const auto* deferred = std::get_if<BatchResult::Deferred>(&result.results[i])) {
      (*deferred == BatchResult::Deferred::later ? later : with_products).push_back(batch[i]);
      continue;
    }
    auto& each = std::get<StockResult>(result.results[i]);
    if (std::holds_alternative<Refused>(each)) ++refusals;
    batch[i]->done(std::move(each));
  }
  if (refusals > 0) observer_.on_refusals(refusals);
  if (!with_products.empty()) complete_with_products(with_products);
  // Other operations of this lane run between the transactions that read a long history.
  if (!later.empty()) queue_.put_back(*taken_, later);
}

/// The first operation of each product writes it; the others are a batch again afterwards.
void Lane::complete_with_products(const Batch& batch) {
  std::set<Gtin> written;
  Batch others;
  for (auto* queued : batch) {
    if (!written.insert(queued->operation.gtin).second) {
      others.push_back(queued);
      continue;
    }
    complete_with({queued}, [&, queued] {
      return run_with_product(connection(), invalidation_, *queued, batch_options_);
    });
  }
  if (!others.empty()) complete(others);
}

void Lane::fail(const Batch& batch, const Failed& failure) {
  for (auto* queued : batch) queued->done(failure);
}

/// A random pause, so that two processes in conflict do not conflict again.
void Lane::pause(std::size_t attempt) {
  std::uniform_int_distribution<int> spread{1, 5 << std::min<std::size_t>(attempt, 5)};
  std::this_thread::sleep_for(std::chrono::milliseconds{spread(random_)});
}

class Combiner : public StockLedger {
 public:
  Combiner(const PostgresOptions& postgres, const CombinerOptions& options, WriteMode mode,
           Invalidation& invalidation, LedgerObserver& observer)
      : observer_{observer} {
    for (std::size_t i = 0; i < options.lanes; ++i) {
      lanes_.push_back(std::make_unique<Lane>(postgres, options, mode, invalidation, observer));
    }
  }

  void submit(StockOperation operation, std::function<void(StockResult)> done) override {
    const auto number =
        static_cast<std::uint64_t>(reading_lock(operation.shop, operation.gtin).number);
    auto& lane = *lanes_[number % lanes_.size()];
    if (operation.idempotency_key)
      operation.name = name_of_key(operation.actor.id, operation.idempotency_key->key);
    QueuedOperation queued{std::move(operation), Clock::now(), std::move(done)};
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
  return std::make_unique<Combiner>(postgres, options, WriteMode::commit, invalidation, observer);
}

std::unique_ptr<StockLedger> make_rehearsal(const PostgresOptions& postgres,
                                            const CombinerOptions& options,
                                            Invalidation& invalidation, LedgerObserver& observer) {
  return std::make_unique<Combiner>(postgres, options, WriteMode::rehearse, invalidation, observer);
}

}  // namespace codasync::storage
