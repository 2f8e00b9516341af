#include "api/dispatcher.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "api/cache_entry.hpp"
#include "api/cors.hpp"
#include "api/gathered_reads.hpp"
#include "api/observability/log.hpp"
#include "api/request_flow.hpp"
#include "api/resources/handlers.hpp"
#include "api/responses.hpp"
#include "cache/rows.hpp"
#include "storage/errors.hpp"

namespace codasync::api {
namespace {

// For metrics and the log only: the status that Nginx has for it.
constexpr int kClientClosedRequest = 499;
constexpr const char* kBusy = "The service is busy. Nothing was changed; try again.";

/// The thread that a step runs on.
enum class Place {
  event_loop,  // must not block
  look_ups,    // of the executor: may run one short query
  executor,    // may block
  result,      // a lane of the ledger or a fill that delivers a result: must not block
};

Place place_of(Executor::Thread thread) {
  return thread == Executor::Thread::look_ups ? Place::look_ups : Place::executor;
}

/// A read of a route, as the cache needs it. Its result is the response of the entry or of the
/// handler: the one that came last. `Base`: cache::Source or cache::ListSource.
template <class Base>
class ResponseSource : public Base {
 public:
  Result take() && { return std::move(*result_); }

  bool decode(std::string_view entry) override {
    auto response = from_cache_entry(entry);
    if (!response) return false;
    result_ = std::move(*response);
    return true;
  }
  [[nodiscard]] std::string encode() const override { return to_cache_entry(result_->value()); }
  [[nodiscard]] std::optional<Instant> changes_at() const override {
    return result_->value().changes_at;
  }

 protected:
  bool set(Result result) {
    result_ = std::move(result);
    return static_cast<bool>(*result_);
  }

 private:
  std::optional<Result> result_;
};

class SingleSource final : public ResponseSource<cache::Source> {
 public:
  SingleSource(const Read& read, const Call& call) : read_{read}, call_{call} {}
  bool produce(storage::Reader& reader) override { return set(read_.answer(reader, call_)); }

 private:
  const Read& read_;
  const Call& call_;
};

class ListSource final : public ResponseSource<cache::ListSource> {
 public:
  explicit ListSource(std::function<Result()> read) : read_{std::move(read)} {}
  bool produce() override { return set(read_()); }

 private:
  const std::function<Result()> read_;
};

/// The requests of one iteration of this thread's event loop that wait for a common look-up.
struct Waiting {
  struct LookUp {
    cache::Key key;
    std::shared_ptr<Exchange> exchange;
  };
  std::vector<LookUp> look_ups;
  std::vector<std::shared_ptr<Exchange>> unresolved;  // need a reading's shop and product
};
thread_local Waiting waiting;

}  // namespace

/// One request and its Reply, which moves between threads. It gets exactly one response.
class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(Service& service, Request request, Reply reply)
      : service_{service},
        reply_{std::move(reply)},
        arrived_{request.arrived},
        flow_{std::move(request), service.options, service.tokens, service.reading_keys} {}

  void start() {
    guarded([this] { run(flow_.parse(), Place::event_loop); });
  }
  static void look_up(Service& service, const std::vector<Waiting::LookUp>& look_ups);
  static void submit_resolve(Service& service,
                             const std::vector<std::shared_ptr<Exchange>>& unresolved);

 private:
  static void resolve(const std::vector<std::shared_ptr<Exchange>>& unresolved, Place place);

  /// Runs a part of the work; whatever it throws becomes the response.
  template <class Work>
  void guarded(Work&& work);
  /// Has a part of the work run by the executor.
  template <class Work>
  void submit(Executor& executor, Executor::Kind kind, Work work);

  void run(NextStep step, Place place) {
    std::visit([&](auto& wanted) { perform(wanted, place); }, step);
  }
  void perform(next::FindToken& wanted, Place place);
  void perform(next::FindSession& wanted, Place place);
  void perform(next::LookUp& wanted, Place place);
  void perform(next::ResolveReading& wanted, Place place);
  void perform(next::Act&, Place place) {
    std::visit([&](const auto& action) { act(action, place); }, flow_.route().action);
  }
  void perform(next::Respond& wanted, Place) { send(std::move(wanted.response)); }

  void act(const Immediate& action, Place place) {
    run(flow_.acted(action.answer(service_, flow_.call())), place);
  }
  void act(const Blocking& action, Place place);
  void act(const Control& action, Place place);
  void act(const Read& action, Place place);
  void act(const ReadOne& action, Place place);
  void act(const ReadRows& action, Place place);
  void act(const StockWrite& action, Place place);
  void act(const PlannedWrite& action, Place place);
  void act(const StockWrites& action, Place place);
  void act(const EventStream& action, Place place);
  void act(const Export& action, Place place);
  void act(const Import& action, Place place);

  [[nodiscard]] static bool submit_misses(Service& service, Misses& misses);
  static void read_misses(Service& service, Misses& misses);
  static void refuse_misses(Misses& misses);
  static void read_batch(Service& service, const std::vector<Misses::Taken>& batch);
  void answered(std::optional<Result> result);
  Result read_through_cache(const Read& action);
  Result read_list(const std::optional<ListEntry>& entry, std::function<Result()> read);
  Result read_rows(const ReadRows& action);
  void look_up(const Plan& plan, Place place);
  void written(const StockWrite& action, const storage::StockResult& result);
  void written(const Plan& plan, const storage::StockResult& result);
  void log_failure(const storage::StockResult& result);

  struct PendingList;
  void write(const StockWrites& action);
  void decided(const std::shared_ptr<PendingList>& pending);

  /// Sends the response of a request that waited too long in the queue, or of a read whose client
  /// has gone. Returns: whether it was one of them.
  bool answers_without_work(bool too_late);
  storage::Database& database_at(Place place) {
    return place == Place::look_ups ? service_.look_up_database : service_.database;
  }
  void failed(std::string_view detail);
  void fail(const Problem& problem) { send(flow_.respond(problem)); }
  void send(Response response);
  void stream(StreamStart start);
  void stream(ExportStart start);
  void import(const Import& action, Place place);
  void complete(Response& response) const;
  void note(const TokenFailure& failure) const;

  Service& service_;
  Reply reply_;
  const std::chrono::steady_clock::time_point arrived_;
  RequestFlow flow_;
  Places::Place place_;  // of an export or import
};

template <class Work>
void Exchange::guarded(Work&& work) {
  const auto& request_id = flow_.call().request.request_id;
  try {
    std::forward<Work>(work)();
  } catch (const Unavailable& failure) {
    service_.log.warning("a dependency is unavailable", {{"request_id", request_id},
                                                         {"dependency", failure.dependency()},
                                                         {"detail", failure.what()}});
    fail(unavailable_because(failure.dependency()));
  } catch (const InDoubt& doubt) {
    service_.log.error("the result of a commit is unknown",
                       {{"request_id", request_id}, {"detail", doubt.what()}});
    fail(in_doubt());
  } catch (const std::exception& bug) {
    failed(bug.what());
  } catch (...) {
    failed("not an exception of the standard library");
  }
}

/// An error that is a bug, or the effect of a database that was not migrated for this program.
void Exchange::failed(std::string_view detail) {
  service_.log.error("unhandled error in a request",
                     {{"request_id", flow_.call().request.request_id},
                      {"route", flow_.pattern()},
                      {"detail", detail}});
  fail(service_.schema_fits ? internal_error() : unavailable_because("postgres"));
}

template <class Work>
void Exchange::submit(Executor& executor, Executor::Kind kind, Work work) {
  const bool taken =
      executor.submit(kind, [self = shared_from_this(), work](Executor::Start start) {
        if (!self->answers_without_work(start.too_late))
          self->guarded([&] { work(*self, place_of(start.thread)); });
      });
  if (!taken) fail(unavailable(kBusy));
}

bool Exchange::answers_without_work(bool too_late) {
  const auto method = flow_.call().request.method;
  const bool reads = method == Method::get || method == Method::head;
  if (reads && reply_.client_gone()) {
    send({kClientClosedRequest, {}, {}});
  } else if (too_late) {
    fail(unavailable(kBusy));
  } else {
    return false;
  }
  return true;
}

// ---- steps that wait for something

void Exchange::perform(next::FindToken& wanted, Place place) {
  const auto find = [hash = wanted.hash](Exchange& self, Place where) {
    auto token = self.database_at(where).read()->token(hash);  // the connection is free again
    self.run(self.flow_.token_found(std::move(token)), where);
  };
  if (place == Place::executor) return find(*this, place);
  submit(service_.executor, Executor::Kind::look_up, find);
}

void Exchange::perform(next::FindSession& wanted, Place place) {
  const auto find = [hash = wanted.hash](Exchange& self, Place where) {
    self.run(self.flow_.session_found(self.service_.sessions.find(hash)), where);
  };
  if (place == Place::executor) return find(*this, place);
  submit(service_.executor, Executor::Kind::look_up, find);
}

void Exchange::perform(next::LookUp& wanted, Place place) {
  if (place == Place::event_loop) {
    waiting.look_ups.push_back({std::move(wanted.key), shared_from_this()});
  } else {
    run(flow_.looked_up(std::nullopt), place);  // the read looks it up
  }
}

void Exchange::look_up(Service& service, const std::vector<Waiting::LookUp>& look_ups) {
  // Many requests of one moment read the same hot key: it is looked up once.
  std::vector<cache::Key> keys;
  std::vector<std::size_t> places;
  std::unordered_map<std::string_view, std::size_t> known;
  for (const auto& [key, exchange] : look_ups) {
    const auto [place, is_new] = known.try_emplace(key.text, keys.size());
    if (is_new) keys.push_back(key);
    places.push_back(place->second);
  }
  const auto found = service.cache.lookup(keys);
  for (std::size_t i = 0; i < look_ups.size(); ++i) {
    auto& self = *look_ups[i].exchange;
    const auto& entry = found[places[i]];
    self.guarded([&] {
      using cache::LookupState;
      // A malformed entry is found again by the read, and deleted there.
      auto response =
          entry.state == LookupState::hit ? from_cache_entry(entry.bytes) : std::nullopt;
      self.run(self.flow_.looked_up(std::move(response)), Place::event_loop);
    });
  }
}

void Exchange::perform(next::ResolveReading&, Place place) {
  switch (place) {
    case Place::event_loop:
      waiting.unresolved.push_back(shared_from_this());
      return;
    case Place::look_ups:
    case Place::executor:
      return resolve({shared_from_this()}, place);
    case Place::result:
      return submit(service_.executor, Executor::Kind::look_up,
                    [](Exchange& self, Place where) { resolve({self.shared_from_this()}, where); });
  }
}

void Exchange::resolve(const std::vector<std::shared_ptr<Exchange>>& unresolved, Place place) {
  std::map<ReadingId, storage::ReadingKey> keys;
  std::exception_ptr failure;
  try {
    std::vector<ReadingId> ids;
    ids.reserve(unresolved.size());
    for (const auto& exchange : unresolved) ids.emplace_back(exchange->flow_.call().path.id);
    keys = unresolved.front()->database_at(place).read()->reading_keys(ids);
  } catch (...) {
    failure = std::current_exception();
  }
  // A single request continues in this thread; several must not wait for each other's queries.
  const auto next_place = unresolved.size() == 1 ? place : Place::look_ups;
  for (const auto& exchange : unresolved) {
    exchange->guarded([&] {
      if (failure) std::rethrow_exception(failure);
      const auto key = keys.find(ReadingId{exchange->flow_.call().path.id});
      exchange->run(exchange->flow_.reading_resolved(
                        key == keys.end() ? std::nullopt : std::optional{key->second}),
                    next_place);
    });
  }
}

void Exchange::submit_resolve(Service& service,
                              const std::vector<std::shared_ptr<Exchange>>& unresolved) {
  const auto resolve_now = [unresolved](Executor::Start start) {
    std::vector<std::shared_ptr<Exchange>> wanted;
    for (const auto& exchange : unresolved) {
      if (exchange->answers_without_work(start.too_late)) continue;
      wanted.push_back(exchange);
    }
    if (!wanted.empty()) resolve(wanted, place_of(start.thread));
  };
  if (service.executor.submit(Executor::Kind::look_up, resolve_now)) return;
  for (const auto& exchange : unresolved) exchange->fail(unavailable(kBusy));
}

// ---- actions

void Exchange::act(const Blocking& action, Place place) {
  const auto work = [&action](Exchange& self, Place where) {
    self.run(self.flow_.acted(action.answer(self.service_, self.flow_.call())), where);
  };
  if (place == Place::executor) return work(*this, place);
  submit(service_.executor, Executor::Kind::work, work);
}

void Exchange::act(const Control& action, Place) {
  submit(service_.control, action.kind, [&action](Exchange& self, Place where) {
    self.run(self.flow_.acted(action.answer(self.service_, self.flow_.call())), where);
  });
}

void Exchange::act(const Read& action, Place place) {
  const auto work = [&action](Exchange& self, Place where) {
    self.run(self.flow_.acted(self.read_through_cache(action)), where);
  };
  if (place == Place::executor) return work(*this, place);
  submit(service_.executor, Executor::Kind::work, work);
}

Result Exchange::read_through_cache(const Read& action) {
  const auto& call = flow_.call();
  if (const auto* cached = flow_.cached_response()) {
    SingleSource source{action, call};
    service_.cache.read_through(cached->key(call.path), cached->locks(call.path), source);
    return std::move(source).take();
  }
  const auto read = [&] { return action.answer(*service_.database.read(), call); };
  const auto* list = std::get_if<CachedList>(&action.caching);
  if (list == nullptr) return read();
  return read_list(list->entry(call), [&] {
    const auto* rows = list->rows(call);
    return rows != nullptr ? read_rows(*rows) : read();
  });
}

/// `entry`: nothing for a list that is not cached.
Result Exchange::read_list(const std::optional<ListEntry>& entry, std::function<Result()> read) {
  if (!entry) return read();
  ListSource source{std::move(read)};
  service_.cache.read_list(entry->generation, entry->locks, entry->address, source);
  return std::move(source).take();
}

void Exchange::act(const ReadOne&, Place) {
  auto& misses = service_.misses.at(&flow_.route());
  switch (misses.add(shared_from_this())) {
    case Misses::Added::waits:
      return;
    case Misses::Added::full:
      return fail(unavailable(kBusy));
    case Misses::Added::need_worker:
      if (!submit_misses(service_, misses)) refuse_misses(misses);
  }
}

bool Exchange::submit_misses(Service& service, Misses& misses) {
  return service.executor.submit(
      Executor::Kind::work, [&service, &misses](Executor::Start) { read_misses(service, misses); });
}

void Exchange::read_misses(Service& service, Misses& misses) {
  do {
    read_batch(service, misses.take());
  } while (misses.continues() && !submit_misses(service, misses));
}

/// No thread takes them, and this one may be an event loop.
void Exchange::refuse_misses(Misses& misses) {
  do {
    for (const auto& [exchange, too_late] : misses.take()) exchange->fail(unavailable(kBusy));
  } while (misses.continues());
}

void Exchange::read_batch(Service& service, const std::vector<Misses::Taken>& batch) {
  std::vector<GatheredRead> reads;
  std::set<Exchange*> unanswered;
  for (const auto& [exchange, too_late] : batch) {
    auto& self = *exchange;
    if (self.answers_without_work(too_late)) continue;
    unanswered.insert(&self);
    reads.push_back({&std::get<ReadOne>(self.flow_.route().action), &self.flow_.call().path,
                     [&self, &unanswered](std::optional<Result> result) {
                       unanswered.erase(&self);
                       self.guarded([&] { self.answered(std::move(result)); });
                     }});
  }
  if (reads.empty()) return;
  std::exception_ptr failure;
  try {
    read_together(service.cache, reads);
  } catch (...) {
    failure = std::current_exception();
  }
  for (auto* left : unanswered) left->guarded([&] { std::rethrow_exception(failure); });
}

void Exchange::answered(std::optional<Result> result) {
  const bool missing = !result || (!*result && result->error().status == 404);
  if (missing) {
    if (auto again = flow_.stale_key()) return run(std::move(*again), Place::result);
  }
  if (!result) throw Unavailable{"postgres", "the rows of a stock reading contradict each other"};
  run(flow_.acted(std::move(*result)), Place::result);
}

void Exchange::act(const ReadRows& action, Place place) {
  const auto work = [&action](Exchange& self, Place where) {
    auto read = [&] { return self.read_rows(action); };
    self.run(self.flow_.acted(self.read_list(action.entry(self.flow_.call()), read)), where);
  };
  if (place == Place::executor) return work(*this, place);
  submit(service_.executor, Executor::Kind::work, work);
}

Result Exchange::read_rows(const ReadRows& action) {
  const auto& call = flow_.call();
  const auto keys = action.keys(call);
  if (!keys) return keys.error();
  return action.answer(call, cache::read_rows(service_.cache, *keys));
}

void Exchange::act(const StockWrite& action, Place place) {
  auto made = action.operation(flow_.call());
  if (!made) return run(flow_.acted(made.error()), place);
  auto operation = std::move(made).value();
  if (operation.idempotency_key) {
    operation.encode_response = [answer = action.answer](const storage::Written& done) {
      return serialise(answer(done));
    };
  }
  service_.ledger.submit(std::move(operation),
                         [self = shared_from_this(), &action](const storage::StockResult& result) {
                           self->guarded([&] { self->written(action, result); });
                         });
}

void Exchange::act(const PlannedWrite& action, Place place) {
  auto made = action.plan(flow_.call());
  if (!made) return run(flow_.acted(made.error()), place);
  auto plan = std::make_shared<Plan>(std::move(made).value());
  if (!plan->operation) {
    return submit(service_.executor, Executor::Kind::work,
                  [plan](Exchange& self, Place where) { self.look_up(*plan, where); });
  }
  auto operation = std::move(*plan->operation);
  if (operation.idempotency_key) {
    operation.encode_response = [plan](const storage::Written& done) {
      return serialise(plan->answer(done));
    };
  }
  service_.ledger.submit(std::move(operation),
                         [self = shared_from_this(), plan](const storage::StockResult& result) {
                           self->guarded([&] { self->written(*plan, result); });
                         });
}

/// A plan without a write. No transaction of a write checks the token again, so this does; a
/// session was read for this request.
void Exchange::look_up(const Plan& plan, Place place) {
  auto result = [&]() -> Result {
    const auto reader = database_at(place).read();
    if (flow_.call().session || reader->token(*flow_.token())) return plan.look_up(*reader);
    flow_.token_refused();
    return token_revoked();
  }();
  run(flow_.acted(std::move(result)), place);
}

void Exchange::written(const StockWrite& action, const storage::StockResult& result) {
  if (const auto* refused = std::get_if<storage::Refused>(&result)) {
    if (refused->why == storage::Refused::Why::token_revoked) flow_.token_refused();
    if (refused->why == storage::Refused::Why::not_found) {
      if (auto again = flow_.stale_key()) return run(std::move(*again), Place::result);
    }
  }
  log_failure(result);
  run(flow_.acted(readings::to_result(result, action.answer)), Place::result);
}

void Exchange::written(const Plan& plan, const storage::StockResult& result) {
  if (const auto* refused = std::get_if<storage::Refused>(&result)) {
    if (refused->why == storage::Refused::Why::token_revoked) flow_.token_refused();
    if (auto response = plan.refused(*refused))
      return run(flow_.acted(std::move(*response)), Place::result);
  }
  log_failure(result);
  run(flow_.acted(readings::to_result(result, plan.answer)), Place::result);
}

void Exchange::log_failure(const storage::StockResult& result) {
  const auto* failed = std::get_if<storage::Failed>(&result);
  if (failed == nullptr) return;
  service_.log.warning("a write failed", {{"request_id", flow_.call().request.request_id},
                                          {"dependency", failed->dependency},
                                          {"detail", failed->log_detail}});
}

/// The operations of a list while the ledger decides them.
struct Exchange::PendingList {
  const StockWrites& action;
  OperationList list;
  std::vector<storage::StockResult> results;
  std::atomic<std::size_t> undecided;
};

void Exchange::act(const StockWrites& action, Place place) {
  if (place == Place::executor) return write(action);
  submit(service_.executor, Executor::Kind::work,
         [&action](Exchange& self, Place) { self.write(action); });
}

void Exchange::write(const StockWrites& action) {
  auto read = action.read(service_, flow_.call());
  if (!read) return run(flow_.acted(read.error()), Place::executor);
  auto list = std::move(read).value();
  const auto count = list.operations.size();
  // One more than the operations, so that it is not complete before all are submitted.
  const std::shared_ptr<PendingList> pending{
      new PendingList{action, std::move(list),
                      std::vector<storage::StockResult>(count, storage::Failed{}), count + 1}};
  for (std::size_t i = 0; i < count; ++i) {
    const auto* operation =
        std::get_if<storage::StockOperation>(&pending->list.operations[i].content);
    if (operation == nullptr) {
      --pending->undecided;
      continue;
    }
    service_.ledger.submit(*operation,
                           [self = shared_from_this(), pending, i](storage::StockResult result) {
                             pending->results[i] = std::move(result);
                             self->decided(pending);
                           });
  }
  decided(pending);
}

/// After the last one: the response, which can need a query.
void Exchange::decided(const std::shared_ptr<PendingList>& pending) {
  if (--pending->undecided > 0) return;
  const auto answer = [self = shared_from_this(), pending](Executor::Start) {
    self->guarded([&] {
      self->run(self->flow_.acted(pending->action.answer(self->service_, self->flow_.call(),
                                                         pending->list, pending->results)),
                Place::executor);
    });
  };
  // Operations can be done already, so this is not 503, which says that nothing was changed.
  if (!service_.executor.submit(Executor::Kind::work, answer)) fail(in_doubt());
}

void Exchange::act(const EventStream& action, Place place) {
  const auto work = [&action](Exchange& self, Place where) {
    auto opened = action.open(self.service_, self.flow_.call());
    if (!opened) return self.run(self.flow_.acted(opened.error()), where);
    self.stream(std::move(opened).value());
  };
  if (place == Place::executor) return work(*this, place);
  submit(service_.executor, Executor::Kind::work, work);
}

void Exchange::act(const Export& action, Place) {
  // An export can take minutes, so another one does not wait for its thread.
  place_ = service_.export_places.take();
  if (!place_) return fail(too_many_exports());
  submit(service_.export_threads, Executor::Kind::work, [&action](Exchange& self, Place where) {
    auto opened = action.open(self.service_, self.flow_.call());
    if (opened) return self.stream(std::move(opened).value());
    self.place_.reset();
    self.run(self.flow_.acted(opened.error()), where);
  });
}

void Exchange::act(const Import& action, Place) {
  constexpr int kRetrySeconds = 10;
  place_ = service_.import_places.take();
  if (!place_)
    return fail(unavailable("Too many imports are in progress. Try again later.", kRetrySeconds));
  submit(service_.import_threads, Executor::Kind::work,
         [&action](Exchange& self, Place where) { self.import(action, where); });
}

void Exchange::import(const Import& action, Place place) {
  LineResponse lines{[this] {
    Response head{200,
                  {{"Content-Type", "application/x-ndjson"},
                   {"Cache-Control", "no-store"},
                   {"X-Accel-Buffering", "no"}},  // Nginx passes each piece on at once
                  {}};
    complete(head);
    return std::move(reply_).stream(std::move(head));
  }};
  try {
    const auto problem = action.run(service_, flow_.call(), lines);
    place_.reset();  // before the client sees the end
    if (problem) return run(flow_.acted(*problem), place);
    lines.finish();
  } catch (const std::exception& failure) {
    place_.reset();
    if (!lines.begun()) throw;
    service_.log.error("an import was cut off", {{"request_id", flow_.call().request.request_id},
                                                 {"detail", failure.what()}});
    lines.cut_off();
  }
}

// ---- respond

void Exchange::send(Response response) {
  complete(response);
  std::move(reply_).send(std::move(response));
}

void Exchange::stream(StreamStart start) {
  Response head{200,
                {{"Content-Type", "text/event-stream"},
                 {"Cache-Control", "no-store"},
                 {"X-Accel-Buffering", "no"}},  // Nginx passes each piece on at once
                {}};
  complete(head);
  auto body = std::move(reply_).stream(std::move(head));
  body.write(start.opening);
  if (!start.continuation) return;
  start.continuation->token = flow_.token();
  service_.streams.start(std::move(*start.continuation), std::move(body));
}

void Exchange::stream(ExportStart start) {
  complete(start.head);
  const auto& request_id = flow_.call().request.request_id;
  auto body = std::move(reply_).stream(std::move(start.head));
  // The head is sent, so a failure cannot become a response.
  try {
    auto text = std::move(start.text);  // its connection is free before the client sees the end
    send_export(text, body);
  } catch (const Unavailable& failure) {
    service_.log.warning("an export was cut off",
                         {{"request_id", request_id}, {"detail", failure.what()}});
  } catch (const std::exception& bug) {
    service_.log.error("an export was cut off",
                       {{"request_id", request_id}, {"detail", bug.what()}});
  }
  place_.reset();
}

/// Counts and logs a response, and adds the headers that every one has.
void Exchange::complete(Response& response) const {
  const auto took = std::chrono::steady_clock::now() - arrived_;
  const auto& request = flow_.call().request;
  service_.metrics.request(flow_.pattern(), name_of(request.method), response.status, took);
  if (request.cache_malformed) service_.metrics.malformed_at_edge();
  if (request.edge_time) {
    const std::chrono::duration<double> received =
        std::chrono::system_clock::now().time_since_epoch() - took;
    service_.metrics.edge_behind(received - std::chrono::duration<double>{*request.edge_time});
  }
  if (const auto& failure = flow_.token_failure()) note(*failure);
  if (const auto& actor = flow_.call().actor) service_.token_uses.note(actor->id);
  if (service_.log.writes(LogLevel::debug)) {
    service_.log.debug("answered", {{"request_id", request.request_id},
                                    {"method", name_of(request.method)},
                                    {"path", request.path},
                                    {"status", response.status},
                                    {"ms", std::chrono::duration<double, std::milli>{took}.count()},
                                    {"traceparent", request.traceparent}});
  }
  response.headers.push_back({"X-Request-Id", request.request_id});
  if (flow_.call().session || flow_.pattern() == session::kPath)
    response.headers.push_back({"Oldest-Console", std::string{session::kOldestConsole}});
  allow_origin(response, request, service_.options);
}

/// So that an operator sees clients that guess tokens or use revoked ones. The secret is not
/// logged.
void Exchange::note(const TokenFailure& failure) const {
  const auto why = name_of(failure.why);
  service_.metrics.token_failed(why);
  service_.log.warning("a token was refused",
                       {{"request_id", flow_.call().request.request_id},
                        {"why", why},
                        {"token", failure.token ? std::to_string(failure.token->value()) : ""},
                        {"route", flow_.pattern()}});
}

MissesOfRoutes make_misses(const ExecutorOptions& options) {
  MissesOfRoutes misses;
  for (const auto& route : routes()) {
    if (!std::holds_alternative<ReadOne>(route.action)) continue;
    misses.try_emplace(&route,
                       Misses::Limits{.workers_max = std::max<std::size_t>(options.threads / 4, 1),
                                      .batch_max = 64,
                                      .waiting_max = options.queue_max,
                                      .timeout = options.queue_timeout});
  }
  return misses;
}

void Dispatcher::dispatch(Request request, Reply reply) {
  std::make_shared<Exchange>(service_, std::move(request), std::move(reply))->start();
}

void Dispatcher::flush() {
  if (auto look_ups = std::exchange(waiting.look_ups, {}); !look_ups.empty())
    Exchange::look_up(service_, look_ups);
  if (const auto unresolved = std::exchange(waiting.unresolved, {}); !unresolved.empty())
    Exchange::submit_resolve(service_, unresolved);
}

}  // namespace codasync::api
