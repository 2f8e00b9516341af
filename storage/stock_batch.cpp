#include "storage/stock_batch.hpp"

#include <algorithm>

#include "storage/postgres/arrays.hpp"
#include "storage/postgres/await_standby.hpp"
#include "storage/postgres/product_changes.hpp"
#include "storage/postgres/write_transaction.hpp"
#include "storage/stock_fold.hpp"
#include "storage/stock_rows.hpp"

namespace codasync::storage {
namespace {

using postgres::WriteTransaction;
using Clock = std::chrono::steady_clock;

std::vector<Lock> locks_of(const StockOperation& operation) {
  return {{product_lock(operation.gtin), LockMode::shared},
          {shop_lock(operation.shop), LockMode::shared},
          {reading_lock(operation.shop, operation.gtin), LockMode::shared}};
}

std::vector<TokenId> tokens_of(const Batch& batch) {
  std::set<TokenId> tokens;
  for (const auto* queued : batch) tokens.insert(queued->operation.actor.id);
  return {tokens.begin(), tokens.end()};
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

std::vector<KeptAnswer> kept_answers(WriteTransaction& transaction, const Batch& batch) {
  std::vector<std::pair<TokenId, std::string>> keys;
  for (const auto* queued : batch) {
    const auto& operation = queued->operation;
    if (operation.idempotency_key)
      keys.emplace_back(operation.actor.id, operation.idempotency_key->key);
  }
  return keys.empty() ? std::vector<KeptAnswer>{} : load_answers(transaction, keys);
}

Clock::time_point oldest(const Batch& batch) {
  auto at = batch.front()->accepted;
  for (const auto* queued : batch) at = std::min(at, queued->accepted);
  return at;
}

/// Everything after the locks: fold, deletions, one write, COMMIT.
BatchResult fold_and_commit(WriteTransaction& transaction, StockRows rows,
                            Invalidation& invalidation, const Batch& batch,
                            Clock::time_point started, Changes changes = {},
                            std::optional<ProductName> named = {}) {
  const auto locked = Clock::now();

  std::set<std::int64_t> shops;
  for (const auto& [key, row] : rows) {
    if (row.shelf.present) shops.insert(row.shop.value());  // a shop with readings is not deleted
  }
  if (std::any_of(rows.begin(), rows.end(),
                  [](const auto& entry) { return !entry.second.shelf.present; })) {
    for (const auto id : existing_shops(transaction, rows)) shops.insert(id.value());
    load_products(transaction, rows);
    allocate_ids(transaction, rows);
  }
  StockFold fold{rows,
                 {.shops = std::move(shops),
                  .token_is_valid = [&](TokenId id) { return transaction.valid(id); },
                  .kept_answers = kept_answers(transaction, batch),
                  .history = [&](ReadingId id) { return load_events(transaction, id); },
                  .named = named,
                  .now = now()}};
  BatchResult result;
  for (const auto* queued : batch) result.results.push_back(fold.decide(*queued));
  result.timing = {batch.size(), started - oldest(batch), locked - started, {}};
  if (fold.ledger().empty()) return result;

  // The deletions travel while PostgreSQL writes; COMMIT waits for both.
  const bool names = fold.names_product();  // somebody else may have done so meanwhile
  if (!names) changes = {};
  const auto seen = fold.changes();
  changes.readings.insert(changes.readings.end(), seen.readings.begin(), seen.readings.end());
  changes.shop_lists.insert(changes.shop_lists.end(), seen.shop_lists.begin(),
                            seen.shop_lists.end());
  std::unique_ptr<Invalidation::Pending> deletions;
  if (!changes.empty())
    deletions = invalidation.begin(changes, transaction.slots(invalidation.slot_count()));
  if (names) name_product(transaction, batch.front()->operation.gtin, *named);
  write(transaction, rows, fold.ledger(), fold.new_answers());
  if (deletions) deletions->acknowledge();

  const auto committing = Clock::now();
  try {
    transaction.commit();
  } catch (const InDoubt& doubt) {
    throw BatchInDoubt{std::move(result), doubt.what()};
  }
  result.timing.commit = Clock::now() - committing;
  return result;
}

}  // namespace

BatchResult run_batch(postgres::Connection& connection, Invalidation& invalidation,
                      const Batch& batch) {
  const auto started = Clock::now();
  std::vector<Lock> locks;
  for (const auto* queued : batch) {
    const auto more = locks_of(queued->operation);
    locks.insert(locks.end(), more.begin(), more.end());
  }
  auto rows = rows_of(batch);
  WriteTransaction transaction{connection, std::move(locks), tokens_of(batch), keys_of(rows)};
  load(transaction.told(), rows);
  return fold_and_commit(transaction, std::move(rows), invalidation, batch, started);
}

BatchResult run_with_product(postgres::Connection& connection, Invalidation& invalidation,
                             QueuedOperation& queued) {
  const auto started = Clock::now();
  const auto& operation = queued.operation;
  const Batch batch{&queued};
  WriteTransaction transaction{
      connection,
      {{catalogue_lock(), LockMode::shared}, {product_lock(operation.gtin), LockMode::exclusive}},
      tokens_of(batch)};
  // Everybody who shows the old name; complete, because nobody can record this product while its
  // lock is held.
  auto changes = postgres::changes_of_product(transaction, operation.gtin);
  auto locks = postgres::shop_locks(changes);
  locks.push_back({shop_lock(operation.shop), LockMode::shared});
  locks.push_back({reading_lock(operation.shop, operation.gtin), LockMode::shared});
  auto rows = rows_of(batch);
  load(transaction.lock(std::move(locks), keys_of(rows)), rows);
  const auto named = next_name(transaction, operation.gtin, *operation.product_name);
  return fold_and_commit(transaction, std::move(rows), invalidation, batch, started,
                         std::move(changes), named);
}

bool resolve_doubt(postgres::Connection& connection, const Batch& batch) {
  // The doubtful transaction holds these locks shared until it has ended one way or the other.
  std::vector<Lock> locks;
  for (const auto* queued : batch) {
    locks.push_back(
        {reading_lock(queued->operation.shop, queued->operation.gtin), LockMode::exclusive});
  }
  const auto ids =
      postgres::array_of(batch, [](const auto* queued) { return to_string(queued->event); });
  bool took_effect = false;
  {
    WriteTransaction transaction{connection, std::move(locks), {}};
    took_effect =
        transaction
            .exec_params("select exists (select from stock_events where id = any($1::uuid[]))",
                         ids)[0][0]
            .as<bool>();
  }
  if (took_effect) postgres::await_standby(connection);
  return took_effect;
}

}  // namespace codasync::storage
