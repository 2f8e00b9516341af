#include <algorithm>
#include <exception>
#include <set>
#include <utility>

#include "api/cache_entry.hpp"
#include "api/exchange/exchange.hpp"
#include "api/gathered_reads.hpp"
#include "cache/rows.hpp"
#include "storage/errors.hpp"

namespace codasync::api {
namespace {

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

}  // namespace

void Exchange::act(const Read& action, RunsOn on) {
  const auto work = [&action](Exchange& self, RunsOn where) {
    self.run(self.flow_.acted(self.read_through_cache(action)), where);
  };
  if (on == RunsOn::executor) return work(*this, on);
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

void Exchange::act(const ReadOne&, RunsOn) {
  miss_.emplace(service_.admission);
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
    read_together(service.cache, service.admission, reads);
  } catch (...) {
    failure = std::current_exception();
  }
  for (auto* left : unanswered) left->guarded([&] { std::rethrow_exception(failure); });
}

void Exchange::answered(std::optional<Result> result) {
  miss_.reset();  // before the client gets the response, so never more count than there are clients
  const bool missing = !result || (!*result && result->error().status == 404);
  if (missing) {
    if (auto again = flow_.stale_key()) return run(std::move(*again), RunsOn::result);
  }
  if (!result) throw Unavailable{"postgres", "the rows of a stock reading contradict each other"};
  run(flow_.acted(std::move(*result)), RunsOn::result);
}

void Exchange::act(const ReadRows& action, RunsOn on) {
  const auto work = [&action](Exchange& self, RunsOn where) {
    auto read = [&] { return self.read_rows(action); };
    self.run(self.flow_.acted(self.read_list(action.entry(self.flow_.call()), read)), where);
  };
  if (on == RunsOn::executor) return work(*this, on);
  submit(service_.executor, Executor::Kind::work, work);
}

Result Exchange::read_rows(const ReadRows& action) {
  const auto& call = flow_.call();
  const auto keys = action.keys(call);
  if (!keys) return keys.error();
  return action.answer(call, cache::read_rows(service_.cache, *keys));
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

}  // namespace codasync::api
