#include "storage/ledger/batch.hpp"

#include <algorithm>
#include <set>

#include "storage/ledger/batch_fold.hpp"
#include "storage/postgres/await_standby.hpp"
#include "storage/postgres/product_changes.hpp"
#include "storage/postgres/product_writes.hpp"
#include "storage/postgres/stock_tables.hpp"
#include "storage/postgres/stored_responses.hpp"
#include "storage/postgres/write_transaction.hpp"

namespace codasync::storage {
namespace {

using postgres::WriteTransaction;
using Clock = std::chrono::steady_clock;

std::vector<Lock> locks_of(const StockOperation& operation) {
  return {shared(product_lock(operation.gtin)), shared(shop_lock(operation.shop)),
          shared(reading_lock(operation.shop, operation.gtin))};
}

StockRows rows_of(const Batch& batch) {
  StockRows rows;
  for (const auto* queued : batch) {
    const auto& operation = queued->operation;
    rows.try_emplace({operation.shop.value(), operation.gtin.number()},
                     StockRow{.shop = operation.shop, .gtin = operation.gtin});
  }
  return rows;
}

postgres::WriteNeeds needs_of(const Batch& batch) {
  std::set<TokenId> tokens;
  postgres::WriteNeeds needs;
  for (const auto* queued : batch) {
    tokens.insert(queued->operation.actor.id);
    if (queued->operation.name) needs.names.push_back(*queued->operation.name);
    if (queued->operation.awaits_target) needs.names.push_back(*queued->operation.voids);
  }
  needs.tokens.assign(tokens.begin(), tokens.end());
  return needs;
}

Clock::time_point oldest(const Batch& batch) {
  auto at = batch.front()->accepted;
  for (const auto* queued : batch) at = std::min(at, queued->accepted);
  return at;
}

/// The product that a transaction creates or renames, and everything that shows it.
struct Naming {
  postgres::NextName product;
  Changes changes;
};

/// Returns: a row that shows whether the transaction committed.
Witness witness_of(const StockOperation& first, const BatchWrites& writes) {
  if (!writes.events.empty()) {
    const auto& line = writes.events.front();
    return {exclusive(reading_lock(line.row->shop, line.row->gtin)),
            Witness::LedgerRow{line.row->id, line.event.observed_at, line.event.id}};
  }
  return {exclusive(reading_lock(first.shop, first.gtin)), writes.responses.front().name};
}

/// Everything after the locks: fold, deletions, one write, COMMIT.
BatchResult fold_and_commit(WriteTransaction& transaction, StockRows rows,
                            Invalidation& invalidation, const Batch& batch,
                            const BatchOptions& options, Clock::time_point started,
                            const std::optional<Naming>& naming = {}) {
  const auto locked = Clock::now();
  postgres::LedgerReader ledger{transaction.connection()};
  BatchFold fold{rows,
                 ledger,
                 {.token_is_valid = [&](TokenId id) { return transaction.valid(id); },
                  .responses = postgres::responses_in(transaction.read()),
                  .operations = postgres::operations_in(transaction.read()),
                  .voids = postgres::voids_in(transaction.read()),
                  .find_event = [&](ReadingId id, EventId event) { return ledger.find(id, event); },
                  .named = naming ? std::optional{naming->product.name} : std::nullopt,
                  .restores_product = naming && naming->product.was_deleted,
                  .staff_void_time = options.staff_void_time,
                  .now = transaction.now(),
                  .ledger_floor = transaction.ledger_floor()}};
  fold.prefetch(batch);
  for (const auto* queued : batch) fold.decide(*queued);
  fold.finish([&](StockRows& fresh) {
    if (options.mode == WriteMode::commit) postgres::allocate_ids(transaction, fresh);
  });

  BatchResult result{.results = fold.results(),
                     .timing = {.operations = batch.size(),
                                .oldest_wait = started - oldest(batch),
                                .lock_wait = locked - started,
                                .commit = {},
                                .clock_offset = transaction.clock_offset()}};
  if (options.mode == WriteMode::rehearse || !fold.writes_something()) return result;

  // The deletions are processed while PostgreSQL writes; COMMIT waits for both.
  auto changes = fold.changes();
  if (fold.names_product()) {
    const auto& shown = naming->changes;
    changes.products = shown.products;
    changes.catalogue = shown.catalogue;
    changes.renamed = shown.renamed;
    changes.shop_lists.insert(changes.shop_lists.end(), shown.shop_lists.begin(),
                              shown.shop_lists.end());
  }
  std::unique_ptr<Invalidation::Pending> deletions;
  if (!changes.empty())
    deletions = invalidation.begin(changes, transaction.slots(invalidation.slot_count()));
  const auto& first = batch.front()->operation;
  const bool renamed = fold.names_product();
  if (renamed) {
    postgres::save_product(transaction, first.gtin, {naming->product.name.name, {}, {}},
                           postgres::OtherFields::kept, first.actor);
  }
  auto writes = std::move(fold).writes();
  writes.renamed = renamed;
  // Every transaction needs a row that shows whether it committed.
  if (writes.events.empty() && writes.responses.empty())
    writes.responses.push_back({postgres::make_internal_name(), {}, {}});
  postgres::write(transaction, rows, writes);
  if (deletions) deletions->acknowledge();

  const auto committing = Clock::now();
  try {
    transaction.commit();
  } catch (const InDoubt& doubt) {
    throw BatchInDoubt{std::move(result), witness_of(first, writes), doubt.what()};
  }
  result.timing.commit = Clock::now() - committing;
  return result;
}

}  // namespace

BatchResult run_batch(postgres::Connection& connection, Invalidation& invalidation,
                      const Batch& batch, const BatchOptions& options) {
  const auto started = Clock::now();
  std::vector<Lock> locks;
  for (const auto* queued : batch) {
    const auto more = locks_of(queued->operation);
    locks.insert(locks.end(), more.begin(), more.end());
  }
  auto rows = rows_of(batch);
  auto needs = needs_of(batch);
  needs.readings = postgres::keys_of(rows);
  WriteTransaction transaction{connection, std::move(locks), needs};
  postgres::load(transaction.read(), rows);
  return fold_and_commit(transaction, std::move(rows), invalidation, batch, options, started);
}

BatchResult run_with_product(postgres::Connection& connection, Invalidation& invalidation,
                             QueuedOperation& queued, const BatchOptions& options) {
  const auto started = Clock::now();
  const auto& operation = queued.operation;
  const Batch batch{&queued};
  WriteTransaction transaction{connection,
                               {shared(catalogue_lock()), exclusive(product_lock(operation.gtin))},
                               needs_of(batch)};
  // Everything that shows the old name. It is complete: while the product's lock is held, no other
  // shop can record it.
  auto changes = postgres::changes_of_product(transaction, operation.gtin);
  auto locks = postgres::shop_locks(changes);
  locks.push_back(shared(shop_lock(operation.shop)));
  locks.push_back(shared(reading_lock(operation.shop, operation.gtin)));
  auto rows = rows_of(batch);
  postgres::load(transaction.lock(std::move(locks), postgres::keys_of(rows)), rows);
  const auto named = postgres::next_name(transaction, operation.gtin, *operation.product_name);
  return fold_and_commit(transaction, std::move(rows), invalidation, batch, options, started,
                         Naming{named, std::move(changes)});
}

bool resolve_doubt(postgres::Connection& connection, const Witness& witness) {
  // The transaction in doubt holds this lock until it has committed or rolled back.
  bool took_effect = false;
  {
    WriteTransaction transaction{connection, {witness.lock}};
    const auto* line = std::get_if<Witness::LedgerRow>(&witness.row);
    took_effect =
        line != nullptr
            ? !transaction
                   .exec_params(
                       "select from stock_events where reading_id = $1 and observed_at ="
                       " $2::timestamptz and id = $3::uuid",
                       line->reading.value(), to_string(line->observed_at), to_string(line->event))
                   .empty()
            : !transaction
                   .exec_params("select from idempotency_keys where name = $1::uuid",
                                to_string(std::get<Witness::KeyName>(witness.row)))
                   .empty();
  }
  if (took_effect) postgres::await_standby(connection);
  return took_effect;
}

}  // namespace codasync::storage
