#include "storage/ledger/batch_fold.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "storage/clock.hpp"
#include "storage/operation_name.hpp"

namespace codasync::storage {
namespace {

using Why = Refused::Why;
using Left = BatchResult::Left;
using std::chrono::microseconds;

/// Statements that one transaction may read of the ledger while it holds its locks: some 0.1 s.
constexpr std::size_t kHistoryReadsMax = 64;

StockKey key_of(const StockOperation& operation) {
  return {operation.shop.value(), operation.gtin.number()};
}

/// Requires: the row has a product.
Reading reading_of(const StockRow& row) {
  const auto& shelf = row.fold.shelf;
  return {.id = row.id,
          .shop = row.shop,
          .gtin = row.gtin,
          .name = row.product->name,
          .product_version = row.product->version,
          .date = shelf.date,
          .quantity = shelf.quantity(),
          .version = row.version,
          .observed_at = row.observed_at,
          .updated_at = row.updated_at,
          .checked_at = shelf.looked_at,
          .counted_at = shelf.counted_at()};
}

Refused refused(Why why, const StockRow& row) {
  return {why, row.present() ? std::optional{reading_of(row)} : std::nullopt};
}

bool accepts(const ReadingPrecondition& precondition, const StockRow& row) {
  if (!row.present()) return false;
  return precondition.any_of.empty() ||
         std::ranges::any_of(precondition.any_of, [&](const auto& wanted) {
           return wanted.reading == row.version &&
                  wanted.product.value_or(row.product->version) == row.product->version;
         });
}

/// Returns: whether it asks for something now; otherwise it reports what happened.
bool is_request(const StockOperation& operation, const StockRow& row) {
  if (!operation.observed_at) return true;
  return operation.echoes && row.present() && *operation.observed_at == row.observed_at;
}

/// Returns: the operation as an event. Requires: it has a kind.
Event event_of(const StockOperation& operation, const StockRow& row, Instant received_at,
               bool request) {
  const auto observed_at = request ? received_at : std::min(*operation.observed_at, received_at);
  Event event{.id = {},
              .kind = *operation.kind,
              .date = operation.date,
              .quantity = operation.quantity,
              .delta = operation.delta,
              .voids = operation.voids,
              .observed_at = observed_at};
  // The one tap "still 24 December" confirms the kind that is known, too.
  const auto& known = row.fold.shelf.date;
  const bool confirms = request && event.kind == EventKind::check && event.date && known &&
                        event.date->date == known->date;
  if (confirms && !event.date->kind) event.date->kind = known->kind;
  // A moment before 1970 is refused for its age and needs no id.
  if (operation.name) {
    event.id = *operation.name;
  } else if (observed_at >= Instant{}) {
    event.id = Uuid::v7(observed_at);
  }
  return event;
}

/// Returns: whether the product has to be written. In a first recording the name only helps where
/// the product is unknown; in a change of the reading another name renames it.
bool writes_product(const StockOperation& operation, const StockRow& row) {
  if (!operation.product_name) return false;
  return !row.product || (!operation.may_create && *operation.product_name != row.product->name);
}

}  // namespace

void BatchFold::prefetch(const Batch& batch) {
  std::map<StockRow*, Instant> wanted;
  for (const auto* queued : batch) {
    const auto& operation = queued->operation;
    auto& row = rows_.at(key_of(operation));
    if (!operation.observed_at || !operation.kind || !row.exists) continue;
    if (*operation.kind == EventKind::void_event || is_request(operation, row)) continue;
    const auto event = event_of(operation, row, context_.now, false);
    if (event.observed_at < context_.ledger_floor) continue;
    if (const auto after = history_of(row).needs_tail_after(event)) {
      const auto [known, is_new] = wanted.try_emplace(&row, *after);
      if (!is_new) known->second = std::min(known->second, *after);
    }
  }
  if (wanted.empty()) return;
  std::vector<EventRange> ranges;
  for (const auto& [row, after] : wanted) ranges.push_back({.reading = row->id, .after = after});
  auto events = source_.events(ranges);
  std::size_t i = 0;
  for (const auto& [row, after] : wanted) {
    history_of(*row).put_tail(after, std::move(events[i++]));
  }
}

void BatchFold::decide(const QueuedOperation& queued) { decisions_.push_back(decided(queued)); }

BatchFold::Decision BatchFold::leave(const StockRow& row, Left why) {
  return left_.try_emplace(&row, why).first->second;
}

BatchFold::Decision BatchFold::decided(const QueuedOperation& queued) {
  const auto& operation = queued.operation;
  auto& row = rows_.at(key_of(operation));
  if (const auto left = left_.find(&row); left != left_.end()) return left->second;
  if (!context_.token_is_valid(operation.actor.id)) return refused(Why::token_revoked, row);
  if (!covers(operation.actor, operation.shop)) return Refused{Why::other_shop};
  if (auto earlier = replay(operation)) return std::move(*earlier);
  // What a process remembers of an id may be true of another history of the database only.
  if (operation.reading && operation.reading != row.id) return Refused{Why::not_found};
  if (has_future(row)) repair_clock(row);

  const bool request = is_request(operation, row);
  // Arrival is a clock of the row's own that never goes back: what was acknowledged first arrived
  // first.
  const auto received_at = std::max(context_.now, row.received_at + microseconds{1});
  std::optional<Event> event;
  if (operation.kind) event = event_of(operation, row, received_at, request);
  if (event && operation.name) {
    if (auto known = repeated(queued, row, *event)) return std::move(*known);
  }
  if (auto refusal = refuse(operation, row, request)) return *refusal;
  if (event) {
    if (history_reads() >= kHistoryReadsMax && (!request || operation.voids))
      return leave(row, Left::later);
    if (auto refusal = refuse_event(operation, row, *event, request)) return *refusal;
  }

  const bool names = writes_product(operation, row);
  if (names) {
    if (!context_.named) return leave(row, Left::writes_product);
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

/// Returns: what an earlier request with the same key was told, or nothing.
std::optional<BatchFold::Decision> BatchFold::replay(const StockOperation& operation) const {
  if (!operation.idempotency_key) return std::nullopt;
  const auto& fingerprint = operation.idempotency_key->fingerprint;
  const auto key_reused = [] { return StockResult{Refused{Why::key_reused}}; };
  const auto kept = std::ranges::find(context_.answers, *operation.name, &KeptAnswer::name);
  if (kept != context_.answers.end()) {
    if (kept->fingerprint != fingerprint) return key_reused();
    return StockResult{KeptText{kept->answer, true}};
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

/// Returns: what to say of an operation whose name the ledger has, or nothing when it has not.
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
  if (!same_reading || !says_the_same(*stored, event))
    return StockResult{refused(Why::id_reused, row)};
  // There is nothing to show of a reading whose product was removed.
  if (!row.product) return StockResult{refused(Why::unknown_product, row)};
  Accepted duplicate{&queued, &row, written(row, row.fold.shelf, EventOutcome::duplicate)};
  duplicate.written.voided = voided;
  return duplicate;
}

std::optional<Refused> BatchFold::refuse(const StockOperation& operation, const StockRow& row,
                                         bool request) const {
  if (!row.present()) {
    const bool needs_reading = request && operation.kind != EventKind::void_event;
    if (needs_reading && !operation.may_create) return refused(Why::not_found, row);
    if (!row.shop_exists) return refused(Why::unknown_shop, row);
    if (!row.product && !(operation.product_name && operation.may_create))
      return refused(Why::unknown_product, row);
  }
  if (operation.if_match && !accepts(*operation.if_match, row))
    return refused(Why::precondition_failed, row);
  const bool renames = !operation.may_create && writes_product(operation, row);
  if (renames && operation.actor.role != Role::admin) return refused(Why::rename_forbidden, row);
  return std::nullopt;
}

std::optional<Refused> BatchFold::refuse_event(const StockOperation& operation, StockRow& row,
                                               const Event& event, bool request) {
  if (event.observed_at < context_.ledger_floor)
    return Refused{Why::too_old, std::nullopt, context_.ledger_floor};
  if (event.kind == EventKind::void_event) return refuse_void(row, *event.voids);
  if (!request && row.exists && history_of(row).is_crowded(event.observed_at))
    return refused(Why::moment_is_full, row);
  if (request && event.kind == EventKind::adjust) {
    const auto quantity = row.fold.shelf.stock.quantity;
    if (!quantity) return refused(Why::never_counted, row);
    if (*quantity + operation.delta < 0) return refused(Why::below_zero, row);
    if (*quantity + operation.delta > kQuantityMax) return refused(Why::above_max, row);
  }
  return std::nullopt;
}

std::optional<Refused> BatchFold::refuse_void(const StockRow& row, EventId target) const {
  const auto found = find_target(row, target);
  if (!found) {
    const auto at = target.time();
    if (at && *at < context_.ledger_floor)
      return Refused{Why::too_old, std::nullopt, context_.ledger_floor};
    return refused(Why::unknown_event, row);
  }
  if (found->event.kind == EventKind::void_event) return refused(Why::event_not_voidable, row);
  return std::nullopt;
}

Written BatchFold::append(const QueuedOperation& queued, StockRow& row, const Event& event,
                          Instant received_at) {
  const auto& operation = queued.operation;
  const auto before = row.fold.shelf;
  history_of(row).add(event);
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
  const auto target = *find_target(row, *event.voids);
  // A second void of one event has no effect, and nothing to remember but its name.
  if (target.voided && !operation.name) return written(row, before, EventOutcome::kept);
  auto line = event;
  line.voids = target.event.id;
  if (!target.voided) {
    voided_.insert(target.event.id);
    history_of(row).take_back({&target.event, 1});
  }
  const auto outcome = show(row, before, event.observed_at, received_at);
  writes_.events.push_back({&row, line, operation.name.has_value(), received_at, operation.actor.id,
                            operation.actor.name, operation.reason, outcome, row.version});
  return written(row, before, outcome);
}

/// Notes what became of the row. Returns: the outcome.
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
          .reading = reading_of(row)};
}

/// Returns: the event that a void names. One that a wrong clock had put into the future was
/// recorded again under another name, and is taken back by its old one too.
std::optional<LedgerEvent> BatchFold::find_target(const StockRow& row, EventId id) const {
  const auto found = find(row, id);
  if (!found || !found->voided) return found;
  const auto again = find_target(row, name_of_repetition(id));
  return again ? again : found;
}

std::optional<LedgerEvent> BatchFold::find(const StockRow& row, EventId id) const {
  const auto line = std::ranges::find_if(writes_.events, [&](const LedgerLine& each) {
    return each.row == &row && each.event.id == id;
  });
  if (line != writes_.events.end()) return LedgerEvent{line->event, voided_.contains(id)};
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

bool BatchFold::has_future(const StockRow& row) const {
  return row.received_at > context_.now + kClockTolerance;
}

void BatchFold::repair_clock(StockRow& row) {
  const auto before = row.fold.shelf;
  auto& history = history_of(row);
  const auto future = history.reopen(context_.now + microseconds{1});
  row.received_at = context_.now;
  row.touched = true;
  if (future.empty()) return;
  history.take_back(future);
  const auto first_line = writes_.events.size();
  const Token clock{kOperator, "clock repair", Role::admin, {}, {}, {}};
  const auto add_line = [&](const Event& event, bool named) {
    writes_.events.push_back({&row, event, named, context_.now, clock.id, clock.name, std::nullopt,
                              EventOutcome::kept, row.version});
  };
  // Events of one moment keep one moment.
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
    writes_.answers.push_back({*operation.name, operation.idempotency_key->fingerprint,
                               operation.keep(accepted->written)});
  }
}

std::vector<BatchResult::Each> BatchFold::results() {
  // The answers were made in the order of the decisions.
  std::map<std::size_t, const std::string*> kept;
  auto answer = writes_.answers.begin();
  std::vector<BatchResult::Each> results;
  for (std::size_t i = 0; i < decisions_.size(); ++i) {
    auto& decision = decisions_[i];
    if (auto* accepted = std::get_if<Accepted>(&decision)) {
      if (!accepted->queued->operation.idempotency_key) {
        results.emplace_back(StockResult{accepted->written});
        continue;
      }
      kept.emplace(i, &answer->answer);
      results.emplace_back(StockResult{KeptText{(answer++)->answer, false}});
    } else if (const auto* earlier = std::get_if<Replay>(&decision)) {
      results.emplace_back(StockResult{KeptText{*kept.at(earlier->decision), true}});
    } else if (auto* result = std::get_if<StockResult>(&decision)) {
      results.emplace_back(std::move(*result));
    } else {
      results.emplace_back(std::get<Left>(decision));
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
