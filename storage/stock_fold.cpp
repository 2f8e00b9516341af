#include "storage/stock_fold.hpp"

#include <algorithm>
#include <cassert>

namespace codasync::storage {
namespace {

using Why = Refused::Why;

StockKey key_of(const StockOperation& operation) {
  return {operation.shop.value(), operation.gtin.number()};
}

std::optional<Reading> reading_of(const StockRow& row) {
  if (!row.product) return std::nullopt;
  return Reading{row.id,
                 row.shop,
                 row.gtin,
                 row.product->name,
                 row.product->version,
                 row.shelf.date,
                 row.shelf.quantity(),
                 row.version,
                 row.observed_at,
                 row.updated_at};
}

Refused refused(Why why, const StockRow& row) {
  return {why, row.shelf.present ? reading_of(row) : std::nullopt};
}

bool accepts(const ReadingPrecondition& precondition, const StockRow& row) {
  if (!row.shelf.present) return false;
  return precondition.any_of.empty() ||
         std::any_of(
             precondition.any_of.begin(), precondition.any_of.end(), [&](const auto& wanted) {
               return wanted.reading == row.version && wanted.product == row.product->version;
             });
}

/// An adjustment that a later count has overtaken changes nothing and cannot fail.
bool takes_effect(const Event& adjust, const Shelf& shelf) {
  return !shelf.counted_at || adjust.observed_at > *shelf.counted_at;
}

}  // namespace

std::optional<StockResult> StockFold::replay(const QueuedOperation& queued) const {
  const auto& operation = queued.operation;
  if (!operation.idempotency_key) return std::nullopt;
  const auto find = [&](const std::vector<KeptAnswer>& answers) {
    return std::find_if(answers.begin(), answers.end(), [&](const KeptAnswer& kept) {
      return kept.token == operation.actor.id && kept.key.key == operation.idempotency_key->key;
    });
  };
  auto kept = find(context_.kept_answers);
  if (kept == context_.kept_answers.end()) {
    kept = find(new_answers_);
    if (kept == new_answers_.end()) return std::nullopt;
  }
  if (kept->key.fingerprint != operation.idempotency_key->fingerprint)
    return Refused{Why::key_reused, std::nullopt};
  auto answer = kept->answer;
  answer.replayed = true;
  return answer;
}

std::optional<Refused> StockFold::refuse(const StockOperation& operation,
                                         const StockRow& row) const {
  if (!row.shelf.present) {
    if (!operation.may_create) return refused(Why::not_found, row);
    if (!context_.shops.contains(operation.shop.value())) return refused(Why::unknown_shop, row);
    if (!row.product && !operation.product_name) return refused(Why::unknown_product, row);
  }
  if (operation.if_match && !accepts(*operation.if_match, row))
    return refused(Why::precondition_failed, row);
  // A name in a first recording only helps with an unknown product; in a change of the reading it
  // renames.
  const bool renames = !operation.may_create && operation.product_name &&
                       operation.product_name != row.product->name;
  if (renames && operation.actor.role != Role::admin) return refused(Why::rename_forbidden, row);
  return std::nullopt;
}

std::vector<Event> StockFold::history_of(const StockRow& row) {
  const auto [known, is_new] = histories_.try_emplace(&row);
  if (is_new && row.exists) known->second = context_.history(row.id);
  auto events = known->second;
  for (const auto& line : ledger_) {
    if (line.row == &row) events.push_back(line.event);
  }
  return events;
}

std::optional<Refused> StockFold::refuse_event(const StockOperation& operation, const StockRow& row,
                                               const Event& event) {
  if (operation.kind == EventKind::adjust && takes_effect(event, row.shelf)) {
    if (!row.shelf.balance) return refused(Why::never_counted, row);
    const auto balance = *row.shelf.balance + operation.delta;
    if (operation.delta < 0 && balance < 0) return refused(Why::below_zero, row);
    if (operation.delta > 0 && balance > kQuantityMax) return refused(Why::above_max, row);
  }
  if (operation.kind == EventKind::void_event) {
    const auto events = history_of(row);
    const auto target = std::find_if(events.begin(), events.end(),
                                     [&](const Event& e) { return e.id == *operation.voids; });
    if (target == events.end()) return refused(Why::unknown_event, row);
    if (target->kind == EventKind::void_event) return refused(Why::event_not_voidable, row);
    if (std::any_of(events.begin(), events.end(),
                    [&](const Event& e) { return e.voids == operation.voids; })) {
      return refused(Why::event_voided, row);
    }
  }
  return std::nullopt;
}

std::optional<StockResult> StockFold::decide(const QueuedOperation& queued) {
  const auto& operation = queued.operation;
  auto& row = rows_.at(key_of(operation));
  if (left_alone_.contains(&row)) return std::nullopt;
  if (!context_.token_is_valid(operation.actor.id)) return refused(Why::token_revoked, row);
  if (auto earlier = replay(queued)) return earlier;
  if (auto refusal = refuse(operation, row)) return *refusal;
  if (operation.product_name &&
      (!row.product || (!operation.may_create && *operation.product_name != row.product->name))) {
    if (!context_.named) {
      left_alone_.insert(&row);
      return std::nullopt;
    }
    row.product = context_.named;
    names_product_ = true;
  }

  // Arrival is a clock of the row's own that never goes back: what was acknowledged first was
  // observed first, whatever the clocks of several machines say.
  const auto received_at = std::max(context_.now, row.received_at + std::chrono::microseconds{1});
  const Event event{
      .id = queued.event,
      .kind = operation.kind,
      .date = operation.date,
      .quantity = operation.quantity,
      .delta = operation.delta,
      .voids = operation.voids,
      .observed_at = std::min(operation.observed_at.value_or(received_at), received_at)};
  if (auto refusal = refuse_event(operation, row, event)) return *refusal;

  auto after = apply(row.shelf, event);
  if (!after) {
    auto events = history_of(row);
    events.push_back(event);
    after = fold(events);
  }
  const bool is_new = row.version == 0;
  const bool created = after->present && !row.shelf.present;
  const bool changed = is_new || !looks_same(row.shelf, *after);
  row.shelf = *after;
  row.received_at = received_at;
  row.touched = true;
  if (changed) {
    row.changed = true;
    ++row.version;
    row.observed_at = event.observed_at;
    row.updated_at = received_at;
  }
  const auto outcome = changed ? EventOutcome::applied : EventOutcome::kept;
  ledger_.push_back({&row, event, received_at, operation.actor.id, operation.actor.name,
                     operation.reason, outcome, row.version, *after});

  auto answer = operation.answer({outcome, created, !after->present, *reading_of(row), event.id});
  if (operation.idempotency_key)
    new_answers_.push_back({operation.actor.id, *operation.idempotency_key, answer});
  return answer;
}

Changes StockFold::changes() const {
  Changes changes;
  for (const auto& [key, row] : rows_) {
    if (!row.changed) continue;
    changes.readings.push_back({row.id, row.shop, row.gtin});
    changes.shop_lists.push_back(row.shop);
  }
  return changes;
}

}  // namespace codasync::storage
