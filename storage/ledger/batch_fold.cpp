#include "storage/ledger/batch_fold.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "storage/clock.hpp"
#include "storage/operation_name.hpp"
#include "storage/void_rule.hpp"

namespace codasync::storage {
namespace {

using Why = Refused::Why;
using Deferred = BatchResult::Deferred;
using std::chrono::microseconds;

/// The most reads of the ledger that one transaction makes under its locks: about 0.1 s.
constexpr std::size_t kHistoryReadsMax = 64;

StockKey key_of(const StockOperation& operation) {
  return {operation.shop.value(), operation.gtin.number()};
}

/// Returns: why an operation is refused whose shop or product does not exist. One that was sent to
/// the reading's address does not name these as fields.
Why why_absent(const StockOperation& operation, Why named) {
  return operation.addressed ? Why::not_found : named;
}

/// Requires: the row has a product.
Reading reading_of(const StockRow& row) {
  const auto& shelf = row.fold.shelf;
  return {{.id = row.id,
           .shop = row.shop,
           .gtin = row.gtin,
           .date = shelf.date,
           .quantity = shelf.quantity(),
           .version = row.version,
           .observed_at = row.observed_at,
           .updated_at = row.updated_at,
           .checked_at = shelf.looked_at,
           .counted_at = shelf.counted_at(),
           .expired = shelf.date && row.today && shelf.date->date < *row.today},
          row.product->name,
          row.product->version};
}

Refused refused(Why why, const StockRow& row) {
  return {why, row.present() ? std::optional{reading_of(row)} : std::nullopt};
}

bool accepts(const ReadingPrecondition& precondition, const StockRow& row) {
  if (!row.present()) return false;
  return precondition.any_of.empty() ||
         std::ranges::any_of(precondition.any_of, [&](const auto& version) {
           return version.reading == row.version &&
                  version.product.value_or(row.product->version) == row.product->version;
         });
}

Intent intent_of(const StockOperation& operation, const StockRow& row) {
  const bool only_read_back =
      operation.echoes && row.present() && operation.observed_at == row.observed_at;
  return !operation.observed_at || only_read_back ? Intent::request : Intent::report;
}

/// Returns: the operation as an event. Requires: it has a kind.
Event event_of(const StockOperation& operation, const StockRow& row, Instant received_at,
               Intent intent) {
  const auto observed_at =
      intent == Intent::request ? received_at : std::min(*operation.observed_at, received_at);
  Event event{.id = {},
              .kind = *operation.kind,
              .date = operation.date,
              .quantity = operation.quantity,
              .delta = operation.delta,
              .voids = operation.voids,
              .observed_at = observed_at};
  // A check with the known date and without a kind confirms the known kind too.
  const auto& known = row.fold.shelf.date;
  const bool confirms = intent == Intent::request && event.kind == EventKind::check && event.date &&
                        known && event.date->date == known->date;
  if (confirms && !event.date->kind) event.date->kind = known->kind;
  // An operation from before 1970 is refused as too old and needs no id.
  if (operation.name) {
    event.id = *operation.name;
  } else if (observed_at >= Instant{}) {
    event.id = Uuid::v7(observed_at);
  }
  return event;
}

/// Returns: whether the operation creates or renames the product. A new recording uses the name
/// only if the product is unknown; a change of the reading with another name renames it.
bool writes_product(const StockOperation& operation, const StockRow& row) {
  if (!operation.product_name) return false;
  return !row.product || (!operation.may_create && *operation.product_name != row.product->name);
}

}  // namespace

void BatchFold::prefetch(const Batch& batch) {
  std::map<StockRow*, Instant> needed;
  for (const auto* queued : batch) {
    const auto& operation = queued->operation;
    auto& row = rows_.at(key_of(operation));
    if (!operation.observed_at || !operation.kind || !row.exists) continue;
    if (*operation.kind == EventKind::void_event || intent_of(operation, row) == Intent::request)
      continue;
    const auto event = event_of(operation, row, context_.now, Intent::report);
    if (event.observed_at < context_.ledger_floor) continue;
    if (const auto after = history_of(row).needs_tail_after(event)) {
      const auto [known, is_new] = needed.try_emplace(&row, *after);
      if (!is_new) known->second = std::min(known->second, *after);
    }
  }
  if (needed.empty()) return;
  std::vector<EventRange> ranges;
  ranges.reserve(needed.size());
  for (const auto& [row, after] : needed) ranges.push_back({.reading = row->id, .after = after});
  auto events = source_.events(ranges);
  std::size_t i = 0;
  for (const auto& [row, after] : needed) {
    history_of(*row).put_tail(after, std::move(events[i++]));
  }
}

void BatchFold::decide(const QueuedOperation& queued) { decisions_.push_back(decided(queued)); }

BatchFold::Decision BatchFold::defer(const StockRow& row, Deferred why) {
  return deferred_.try_emplace(&row, why).first->second;
}

BatchFold::Decision BatchFold::decided(const QueuedOperation& queued) {
  const auto& operation = queued.operation;
  auto& row = rows_.at(key_of(operation));
  if (const auto found = deferred_.find(&row); found != deferred_.end()) return found->second;
  if (!context_.token_is_valid(operation.actor.id)) return refused(Why::token_revoked, row);
  if (!covers(operation.actor, operation.shop)) return Refused{Why::other_shop};
  if (auto earlier = replay(operation)) return std::move(*earlier);
  // The cached shop and product of an id can belong to another history of the database.
  if (operation.reading && operation.reading != row.id) return Refused{Why::not_found};
  if (operation.addressed && !row.exists) return Refused{Why::not_found};
  if (operation.sent_id && operation.sent_id != row.id) return Refused{Why::identity_is_fixed};
  if (has_future_events(row)) repair_clock(row);

  const auto intent = intent_of(operation, row);
  // The arrival times of a row always increase: the operation that was acknowledged first arrived
  // first.
  const auto received_at = std::max(context_.now, row.received_at + microseconds{1});
  std::optional<Event> event;
  if (operation.kind) event = event_of(operation, row, received_at, intent);
  if (event && operation.name) {
    if (auto known = repeated(queued, row, *event)) return std::move(*known);
  }
  if (auto refusal = refuse(operation, row, intent)) return *refusal;
  if (event) {
    if (history_reads() >= kHistoryReadsMax && (intent == Intent::report || operation.voids))
      return defer(row, Deferred::later);
    if (auto refusal = refuse_event(operation, row, *event, intent)) return *refusal;
  }

  const bool names = writes_product(operation, row);
  if (names) {
    if (!context_.named) return defer(row, Deferred::writes_product);
    if (context_.restores_product && operation.actor.role != Role::admin)
      return StockResult{refused(Why::product_deleted, row)};
    row.product = context_.named;
    names_product_ = true;
  }
  Accepted accepted{&queued, &row,
                    event ? event->kind == EventKind::void_event
                                ? void_event(queued, row, *event, received_at)
                                : append(queued, row, *event, received_at)
                          : written(row, row.fold.shelf, EventOutcome::kept)};
  if (names) accepted.written.outcome = EventOutcome::applied;
  return accepted;
}

/// Returns: the response to an earlier request with the same key; nullopt: none.
std::optional<BatchFold::Decision> BatchFold::replay(const StockOperation& operation) const {
  if (!operation.idempotency_key) return std::nullopt;
  const auto& fingerprint = operation.idempotency_key->fingerprint;
  const auto key_reused = [] { return StockResult{Refused{Why::key_reused}}; };
  const auto stored = std::ranges::find(context_.responses, *operation.name, &ResponseRow::name);
  if (stored != context_.responses.end()) {
    if (stored->fingerprint != fingerprint) return key_reused();
    return StockResult{StoredResponse{stored->response, true}};
  }
  for (std::size_t i = 0; i < decisions_.size(); ++i) {
    const auto* accepted = std::get_if<Accepted>(&decisions_[i]);
    if (accepted == nullptr || !accepted->queued->operation.idempotency_key) continue;
    const auto& earlier = accepted->queued->operation;
    if (earlier.name != operation.name) continue;
    if (earlier.idempotency_key->fingerprint != fingerprint) return key_reused();
    return Replay{i};
  }
  return std::nullopt;
}

/// Returns: the decision on an operation with a name that the ledger has; nullopt: the name is new.
std::optional<BatchFold::Decision> BatchFold::repeated(const QueuedOperation& queued,
                                                       const StockRow& row,
                                                       const Event& event) const {
  std::optional<Event> stored;
  bool same_reading = false;
  bool voided = voided_.contains(event.id);
  if (const auto known = context_.operations.find(event.id); known != context_.operations.end()) {
    const auto& operation = known->second;
    if (!operation.event)
      return StockResult{Refused{Why::too_old, std::nullopt, context_.ledger_floor}};
    stored = operation.event;
    same_reading = row.exists && operation.reading == row.id;
    voided = voided || operation.voided;
  } else {
    const auto line = std::ranges::find_if(
        writes_.events, [&](const LedgerLine& each) { return each.event.id == event.id; });
    if (line == writes_.events.end()) return std::nullopt;
    stored = line->event;
    same_reading = line->row == &row;
  }
  if (!same_reading || !same_content(*stored, event))
    return StockResult{refused(Why::id_reused, row)};
  // A reading cannot be shown after its product was removed.
  if (!row.product) return StockResult{Refused{why_absent(queued.operation, Why::unknown_product)}};
  Accepted duplicate{&queued, &row, written(row, row.fold.shelf, EventOutcome::duplicate)};
  duplicate.written.voided = voided;
  return duplicate;
}

std::optional<Refused> BatchFold::refuse(const StockOperation& operation, const StockRow& row,
                                         Intent intent) const {
  if (!row.present()) {
    const bool needs_reading = intent == Intent::request && operation.kind != EventKind::void_event;
    if (needs_reading && !operation.may_create) return refused(Why::not_found, row);
    if (!row.shop_exists) return refused(why_absent(operation, Why::unknown_shop), row);
    if (!row.product && !(operation.product_name && operation.may_create))
      return refused(why_absent(operation, Why::unknown_product), row);
  }
  if (operation.if_match && !accepts(*operation.if_match, row))
    return refused(Why::precondition_failed, row);
  const bool renames = !operation.may_create && writes_product(operation, row);
  if (renames && operation.actor.role != Role::admin) return refused(Why::rename_forbidden, row);
  return std::nullopt;
}

std::optional<Refused> BatchFold::refuse_event(const StockOperation& operation, StockRow& row,
                                               const Event& event, Intent intent) {
  if (event.observed_at < context_.ledger_floor)
    return Refused{Why::too_old, std::nullopt, context_.ledger_floor};
  if (event.kind == EventKind::void_event) return refuse_void(operation, row);
  if (intent == Intent::report && row.exists && history_of(row).is_moment_full(event.observed_at))
    return refused(Why::moment_is_full, row);
  if (intent == Intent::request && event.kind == EventKind::adjust) {
    const auto quantity = row.fold.shelf.stock.quantity;
    if (!quantity) return refused(Why::never_counted, row);
    if (*quantity + operation.delta < 0) return refused(Why::below_zero, row);
    // Reports may have exceeded it already; what is taken off the shelf exceeds nothing.
    if (operation.delta > 0 && *quantity + operation.delta > kQuantityMax)
      return refused(Why::above_max, row);
  }
  return std::nullopt;
}

std::optional<Refused> BatchFold::refuse_void(const StockOperation& operation,
                                              const StockRow& row) const {
  const auto target = *operation.voids;
  const auto found = find(row, target);
  if (!found) {
    const auto at = target.time();
    const auto known = context_.operations.find(target);
    const bool is_known = known != context_.operations.end();
    if ((at && *at < context_.ledger_floor) || (is_known && !known->second.event))
      return Refused{Why::too_old, std::nullopt, context_.ledger_floor};
    // Only a name can arrive later, and not one that another reading has.
    if (operation.awaits_target && is_name(target) && !is_known) return std::nullopt;
    return refused(Why::unknown_event, row);
  }
  if (found->event.kind == EventKind::void_event) return refused(Why::event_not_voidable, row);
  // The id of a device and of its operation are only in the requests of the device, so who names
  // the target by them has sent it, perhaps with an earlier token.
  const auto author = operation.voids_own ? operation.actor.id : found->token;
  if (const auto why = why_not_voidable(operation.actor, author, found->received_at, context_.now,
                                        context_.staff_void_time))
    return refused(*why, row);
  return std::nullopt;
}

/// Returns: whether a void of this event came before it.
bool BatchFold::is_void_waiting(const StockRow& row, EventId target) const {
  return context_.voids.contains({row.id, target}) ||
         std::ranges::any_of(writes_.events, [&](const LedgerLine& line) {
           return line.row == &row && line.event.voids == target;
         });
}

Written BatchFold::append(const QueuedOperation& queued, StockRow& row, const Event& event,
                          Instant received_at) {
  const auto& operation = queued.operation;
  const auto before = row.fold.shelf;
  if (operation.name && is_void_waiting(row, event.id)) {
    history_of(row).add_voided(event);
    voided_.insert(event.id);
  } else {
    history_of(row).add(event);
  }
  const auto outcome = show(row, before, event.observed_at, received_at);
  writes_.events.push_back({&row, event, operation.name.has_value(), received_at,
                            operation.actor.id, operation.actor.name, operation.reason, outcome,
                            row.version});
  return written(row, before, outcome);
}

Written BatchFold::void_event(const QueuedOperation& queued, StockRow& row, const Event& event,
                              Instant received_at) {
  const auto& operation = queued.operation;
  const auto before = row.fold.shelf;
  const auto target = find_target(row, *event.voids);
  // A second void of an event has no effect; it is stored only if it has a name.
  if (target && target->voided && !operation.name) return written(row, before, EventOutcome::kept);
  auto line = event;
  if (target) line.voids = target->event.id;
  if (target && !target->voided) {
    voided_.insert(target->event.id);
    history_of(row).void_events({&target->event, 1});
  }
  const auto outcome = show(row, before, event.observed_at, received_at);
  writes_.events.push_back({&row, line, operation.name.has_value(), received_at, operation.actor.id,
                            operation.actor.name, operation.reason, outcome, row.version});
  return written(row, before, outcome);
}

/// Updates version and times of the row after its fold changed. Returns: the outcome.
EventOutcome BatchFold::show(StockRow& row, const Shelf& before, Instant observed_at,
                             Instant received_at) {
  row.touched = true;
  row.received_at = received_at;
  if (!looks_same(before, row.fold.shelf)) {
    row.looks_different = true;
    ++row.version;
    row.observed_at = observed_at;
    row.updated_at = received_at;
  }
  return same_stock(before, row.fold.shelf) ? EventOutcome::kept : EventOutcome::applied;
}

Written BatchFold::written(const StockRow& row, const Shelf& before, EventOutcome outcome) const {
  return {.outcome = outcome,
          .created = row.present() && !before.present,
          .present = row.present(),
          .reading = reading_of(row),
          .before = before.present ? std::optional{EarlierState{before.date, before.quantity()}}
                                   : std::nullopt};
}

/// Returns: the target of a void. An event that was recorded again after a wrong clock has a new
/// name; its old name finds it too.
std::optional<ArrivedEvent> BatchFold::find_target(const StockRow& row, EventId id) const {
  const auto found = find(row, id);
  if (!found || !found->voided) return found;
  const auto again = find_target(row, name_of_repetition(id));
  return again ? again : found;
}

std::optional<ArrivedEvent> BatchFold::find(const StockRow& row, EventId id) const {
  const auto line = std::ranges::find_if(writes_.events, [&](const LedgerLine& each) {
    return each.row == &row && each.event.id == id;
  });
  if (line != writes_.events.end())
    return ArrivedEvent{{line->event, voided_.contains(id)}, line->token, line->received_at};
  if (!row.exists) return std::nullopt;
  auto found = context_.find_event(row.id, id);
  if (found && voided_.contains(id)) found->voided = true;
  return found;
}

ReadingHistory& BatchFold::history_of(StockRow& row) {
  const auto id = row.exists ? std::optional{row.id} : std::nullopt;
  return histories_.try_emplace(&row, source_, id, row.fold).first->second;
}

std::size_t BatchFold::history_reads() const {
  std::size_t reads = 0;
  for (const auto& [row, history] : histories_) reads += history.reads();
  return reads;
}

bool BatchFold::has_future_events(const StockRow& row) const {
  return row.received_at > context_.now + kClockTolerance;
}

void BatchFold::repair_clock(StockRow& row) {
  const auto before = row.fold.shelf;
  auto& history = history_of(row);
  const auto future = history.reopen(context_.now + microseconds{1});
  row.received_at = context_.now;
  row.touched = true;
  if (future.empty()) return;
  history.void_events(future);
  const auto first_line = writes_.events.size();
  const Token clock{kOperator, "clock repair", Role::admin, {}, {}, {}};
  const auto add_line = [&](const Event& event, bool named) {
    writes_.events.push_back({&row, event, named, context_.now, clock.id, clock.name, std::nullopt,
                              EventOutcome::kept, row.version});
  };
  // Events with equal observed_at keep equal ones.
  std::set<Instant> moments;
  for (const auto& event : future) moments.insert(event.observed_at);
  for (const auto& event : future) {
    voided_.insert(event.id);
    add_line({.id = Uuid::v7(context_.now),
              .kind = EventKind::void_event,
              .voids = event.id,
              .observed_at = context_.now},
             false);
    const auto later = std::distance(moments.find(event.observed_at), moments.end());
    auto again = event;
    again.id = name_of_repetition(event.id);
    again.observed_at = context_.now - microseconds{later};
    history.add(again);
    add_line(again, true);
  }
  show(row, before, context_.now, context_.now);
  for (auto i = first_line; i < writes_.events.size(); ++i) writes_.events[i].version = row.version;
}

void BatchFold::finish(const std::function<void(StockRows&)>& allocate) {
  for (auto& [key, row] : rows_) {
    if (!row.touched) continue;
    auto& history = history_of(row);
    history.seal(context_.now);
    for (auto& segment : history.changed_segments())
      writes_.segments.push_back({&row, std::move(segment)});
    for (const auto until : history.dropped_segments())
      writes_.dropped_segments.push_back({&row, Segment{.until = until}});
  }
  allocate(rows_);
  for (auto& decision : decisions_) {
    auto* accepted = std::get_if<Accepted>(&decision);
    if (accepted == nullptr) continue;
    accepted->written.reading.id = accepted->row->id;
    const auto& operation = accepted->queued->operation;
    if (!operation.idempotency_key) continue;
    writes_.responses.push_back({*operation.name, operation.idempotency_key->fingerprint,
                                 operation.encode_response(accepted->written)});
  }
}

std::vector<BatchResult::Each> BatchFold::results() {
  // The responses are in the order of the decisions.
  std::map<std::size_t, const std::string*> stored;
  auto row = writes_.responses.begin();
  std::vector<BatchResult::Each> results;
  for (std::size_t i = 0; i < decisions_.size(); ++i) {
    auto& decision = decisions_[i];
    if (auto* accepted = std::get_if<Accepted>(&decision)) {
      if (!accepted->queued->operation.idempotency_key) {
        results.emplace_back(StockResult{accepted->written});
        continue;
      }
      stored.emplace(i, &row->response);
      results.emplace_back(StockResult{StoredResponse{(row++)->response, false}});
    } else if (const auto* earlier = std::get_if<Replay>(&decision)) {
      results.emplace_back(StockResult{StoredResponse{*stored.at(earlier->decision), true}});
    } else if (auto* result = std::get_if<StockResult>(&decision)) {
      results.emplace_back(std::move(*result));
    } else {
      results.emplace_back(std::get<Deferred>(decision));
    }
  }
  return results;
}

Changes BatchFold::changes() const {
  Changes changes;
  for (const auto& [key, row] : rows_) {
    if (!row.looks_different) continue;
    changes.readings.push_back({row.id, row.shop, row.gtin});
    changes.shop_lists.push_back(row.shop);
  }
  return changes;
}

}  // namespace codasync::storage
