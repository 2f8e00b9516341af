#include "api/observability/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/metric_family.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <atomic>
#include <cmath>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "storage/mutex.hpp"

namespace codasync::api {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;
using storage::PoolName;
using Buckets = Histogram::BucketBoundaries;

const Buckets kSeconds{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                       0.05,   0.1,     0.25,   0.5,   1,      2.5,   5};
const Buckets kOperations{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000};

/// The series of one route, method and status.
struct RequestSeries {
  Counter* count;
  Histogram* duration;
};

/// The series of one pool.
struct PoolSeries {
  Gauge* lent;
  Histogram* wait;
  Counter* refusals;
};

constexpr std::array kPools{PoolName::reads,  PoolName::fills,    PoolName::catalogue,
                            PoolName::tokens, PoolName::sessions, PoolName::exports};

std::string name_of(PoolName pool) {
  switch (pool) {
    case PoolName::reads:
      return "reads";
    case PoolName::fills:
      return "fills";
    case PoolName::catalogue:
      return "catalogue";
    case PoolName::tokens:
      return "tokens";
    case PoolName::sessions:
      return "sessions";
    case PoolName::exports:
      return "exports";
  }
  __builtin_unreachable();
}

/// Appends the samples, grouped by name.
void append(std::vector<prometheus::MetricFamily>& families, std::vector<Sample> samples) {
  std::map<std::string, prometheus::MetricFamily> own;
  for (auto& sample : samples) {
    auto& family = own[sample.name];
    family.name = sample.name;
    family.help = sample.help;
    const bool counted = sample.kind == Sample::Kind::counter;
    family.type = counted ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
    prometheus::ClientMetric metric;
    (counted ? metric.counter.value : metric.gauge.value) = sample.value;
    for (auto& label : sample.labels)
      metric.label.push_back({std::move(label.first), std::move(label.second)});
    family.metric.push_back(std::move(metric));
  }
  for (auto& [name, family] : own) families.push_back(std::move(family));
}

}  // namespace

struct Metrics::Impl {
  explicit Impl(std::size_t slots) {
    for (std::size_t slot = 0; slot < slots; ++slot) {
      const prometheus::Labels label{{"slot", std::to_string(slot)}};
      slot_unavailable.push_back(&slots_unavailable.Add(label));
      slot_delete_failed.push_back(&slots_delete_failed.Add(label));
      slot_malformed.push_back(&slots_malformed.Add(label));
    }
    for (const char* why : {"malformed", "unknown", "revoked", "expired"})
      token_failure.emplace(why, &token_failures.Add({{"reason", why}}));
    for (const auto pool : kPools) {
      const prometheus::Labels label{{"pool", name_of(pool)}};
      pools.at(static_cast<std::size_t>(pool)) = {
          &pool_lent.Add(label), &pool_waits.Add(label, kSeconds), &pool_refusals.Add(label)};
    }
  }

  Family<Counter>& counter(const std::string& name, const std::string& help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
  }
  Histogram& histogram(const std::string& name, const std::string& help, const Buckets& buckets) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(registry).Add({}, buckets);
  }

  prometheus::Registry registry;

  Family<Counter>& requests =
      counter("codasync_http_requests_total",
              "HTTP requests with a response, by route, method and status.");
  Family<Histogram>& durations = prometheus::BuildHistogram()
                                     .Name("codasync_http_request_duration_seconds")
                                     .Help("Time from the arrival of a request to its response.")
                                     .Register(registry);
  SharedMutex series_mutex;
  std::map<std::tuple<std::string_view, std::string_view, int>, RequestSeries> series
      CODASYNC_GUARDED_BY(series_mutex);

  Family<Counter>& token_failures =
      counter("codasync_token_failures_total", "Tokens that were sent and refused, by reason.");
  std::map<std::string, Counter*, std::less<>> token_failure;  // by reason; fixed

  Family<Counter>& lookups =
      counter("codasync_cache_lookups_total", "Lookups in the cache, by result.");
  Counter& lookup_hit = lookups.Add({{"result", "hit"}});
  Counter& lookup_miss = lookups.Add({{"result", "miss"}});
  Counter& lookup_unavailable = lookups.Add({{"result", "unavailable"}});

  Family<Counter>& reads =
      counter("codasync_cache_reads_total", "Entries read through the cache, by path.");
  Counter& read_hit = reads.Add({{"path", "hit"}});
  Counter& read_filled = reads.Add({{"path", "filled"}});
  Counter& read_not_stored = reads.Add({{"path", "not_stored"}});
  Counter& read_lease_lost = reads.Add({{"path", "lease_lost"}});
  Counter& read_lock_busy = reads.Add({{"path", "lock_busy"}});
  Counter& read_unavailable = reads.Add({{"path", "unavailable"}});

  Family<Counter>& slots_unavailable =
      counter("codasync_cache_unavailable_total",
              "Reads that got no response from the Memcached server of the slot.");
  Family<Counter>& slots_delete_failed =
      counter("codasync_cache_delete_failures_total",
              "Deletes that were not acknowledged; their writes got 503.");
  Family<Counter>& slots_malformed =
      counter("codasync_cache_malformed_entries_total",
              "Malformed entries, which no CodaSync process stores; they were deleted.");
  Counter& edge_malformed =
      counter("codasync_edge_malformed_entries_total",
              "Malformed entries that Nginx found and deleted, by the requests that it passed on.")
          .Add({});
  Family<Gauge>& slot_states =
      prometheus::BuildGauge()
          .Name("codasync_cache_slot_state")
          .Help(
              "1 for the state of the slot: up, waiting (writes of its keys get 503) or down "
              "(not used).")
          .Register(registry);
  Gauge& fills = prometheus::BuildGauge()
                     .Name("codasync_cache_fills_allowed")
                     .Help("1 when the cache may be filled; 0 after `codasync cache off`.")
                     .Register(registry)
                     .Add({});
  std::vector<Counter*> slot_unavailable;    // by slot
  std::vector<Counter*> slot_delete_failed;  // by slot
  std::vector<Counter*> slot_malformed;      // by slot
  Counter& deletes =
      counter("codasync_cache_deletes_total", "Deleted keys that Memcached acknowledged.").Add({});
  Histogram& delete_duration =
      histogram("codasync_cache_delete_duration_seconds",
                "Time of the deletes of one commit, until all are acknowledged.", kSeconds);

  Gauge& edge_clock =
      prometheus::BuildGauge()
          .Name("codasync_edge_clock_offset_seconds")
          .Help(
              "How far the clock of an Nginx was behind this machine's, the largest difference of "
              "its misses since the last scrape; negative: ahead. 2 s are allowed.")
          .Register(registry)
          .Add({});
  std::atomic<double> edge_behind{0};  // for edge_clock
  Gauge& clock =
      prometheus::BuildGauge()
          .Name("codasync_clock_offset_seconds")
          .Help(
              "How far the clock of this machine is behind PostgreSQL's; negative: ahead. "
              "Beyond 30 s, writes are refused.")
          .Register(registry)
          .Add({});
  Histogram& batch_operations =
      histogram("codasync_ledger_batch_operations", "Operations per transaction.", kOperations);
  Histogram& queue_wait =
      histogram("codasync_ledger_queue_wait_seconds",
                "Time that the oldest operation of a batch waited in the queue.", kSeconds);
  Histogram& lock_wait =
      histogram("codasync_ledger_lock_wait_seconds", "Time until a batch has its locks.", kSeconds);
  Histogram& commit_time =
      histogram("codasync_ledger_commit_seconds", "Duration of the COMMIT of a batch.", kSeconds);
  Counter& refusals =
      counter("codasync_ledger_refusals_total", "Operations that the ledger refused.").Add({});
  Counter& splits = counter("codasync_ledger_splits_total",
                            "Batches that were split to isolate a failing operation.")
                        .Add({});
  Counter& retries =
      counter("codasync_ledger_retries_total", "Transactions that were repeated.").Add({});
  Counter& doubts =
      counter("codasync_ledger_doubts_total", "Commits with an unknown result (in doubt).").Add({});
  Counter& overloads =
      counter("codasync_ledger_overloads_total",
              "Operations refused because the queue was full or they waited too long.")
          .Add({});

  Family<Gauge>& pool_lent = prometheus::BuildGauge()
                                 .Name("codasync_postgres_pool_connections")
                                 .Help("Connections in use.")
                                 .Register(registry);
  Family<Histogram>& pool_waits = prometheus::BuildHistogram()
                                      .Name("codasync_postgres_pool_wait_seconds")
                                      .Help("Time waited for a connection.")
                                      .Register(registry);
  Family<Counter>& pool_refusals =
      counter("codasync_postgres_pool_refusals_total", "Requests that got no connection in time.");
  std::array<PoolSeries, kPools.size()> pools{};  // by name
  PoolSeries& pool(PoolName name) { return pools.at(static_cast<std::size_t>(name)); }

  Counter& scrape_failures =
      counter("codasync_scrape_failures_total", "Collections of metrics that failed.").Add({});
  std::vector<std::function<std::vector<Sample>()>> on_scrape;
};

Metrics::Metrics(std::size_t slots) : impl_{std::make_unique<Impl>(slots)} {}
Metrics::~Metrics() = default;

void Metrics::token_failed(std::string_view why) {
  impl_->token_failure.find(why)->second->Increment();
}

void Metrics::request(std::string_view route, std::string_view method, int status,
                      std::chrono::duration<double> took) {
  const std::tuple key{route, method, status};
  RequestSeries own{};
  {
    const ReaderLock hold{impl_->series_mutex};
    const auto found = impl_->series.find(key);
    if (found != impl_->series.end()) own = found->second;
  }
  if (own.count == nullptr) {
    const WriterLock hold{impl_->series_mutex};
    const std::string route_text{route};
    const std::string method_text{method};
    own.count = &impl_->requests.Add(
        {{"route", route_text}, {"method", method_text}, {"status", std::to_string(status)}});
    own.duration =
        &impl_->durations.Add({{"route", route_text}, {"method", method_text}}, kSeconds);
    impl_->series.insert_or_assign(key, own);
  }
  own.count->Increment();
  own.duration->Observe(took.count());
}

void Metrics::on_scrape(std::function<std::vector<Sample>()> collect) {
  impl_->on_scrape.push_back(std::move(collect));
}

std::string Metrics::text() {
  std::vector<prometheus::MetricFamily> collected;
  for (const auto& collect : impl_->on_scrape) {
    try {
      append(collected, collect());
    } catch (const std::exception&) {
      impl_->scrape_failures.Increment();  // the other metrics are still valid
    }
  }
  impl_->edge_clock.Set(impl_->edge_behind.exchange(0));
  auto families = impl_->registry.Collect();
  families.insert(families.end(), std::make_move_iterator(collected.begin()),
                  std::make_move_iterator(collected.end()));
  return prometheus::TextSerializer{}.Serialize(families);
}

void Metrics::clock_offset(std::chrono::duration<double> offset) {
  impl_->clock.Set(offset.count());
}

void Metrics::slots(const storage::CacheState& cache) {
  using storage::SlotState;
  impl_->fills.Set(cache.fills ? 1 : 0);
  for (const auto& slot : cache.slots) {
    for (const auto state : {SlotState::up, SlotState::waiting, SlotState::down}) {
      impl_->slot_states.Add({{"slot", std::to_string(slot.number)}, {"state", name_of(state)}})
          .Set(slot.state == state ? 1 : 0);
    }
  }
}

void Metrics::looked_up(cache::LookupState state) {
  switch (state) {
    case cache::LookupState::hit:
      return impl_->lookup_hit.Increment();
    case cache::LookupState::miss:
      return impl_->lookup_miss.Increment();
    case cache::LookupState::unavailable:
      return impl_->lookup_unavailable.Increment();
  }
}

void Metrics::read(cache::ReadPath path) {
  switch (path) {
    case cache::ReadPath::hit:
      return impl_->read_hit.Increment();
    case cache::ReadPath::filled:
      return impl_->read_filled.Increment();
    case cache::ReadPath::not_stored:
      return impl_->read_not_stored.Increment();
    case cache::ReadPath::lease_lost:
      return impl_->read_lease_lost.Increment();
    case cache::ReadPath::lock_busy:
      return impl_->read_lock_busy.Increment();
    case cache::ReadPath::unavailable:
      return impl_->read_unavailable.Increment();
  }
}

void Metrics::unavailable(std::size_t slot, std::string_view) {
  impl_->slot_unavailable.at(slot)->Increment();
}

void Metrics::malformed(std::size_t slot) { impl_->slot_malformed.at(slot)->Increment(); }

void Metrics::edge_behind(std::chrono::duration<double> offset) {
  double largest = impl_->edge_behind;
  while (std::abs(largest) < std::abs(offset.count()) &&
         !impl_->edge_behind.compare_exchange_weak(largest, offset.count())) {
  }
}

void Metrics::malformed_at_edge() { impl_->edge_malformed.Increment(); }

void Metrics::delete_failed(std::size_t slot, cache::Unreachable, std::string_view) {
  impl_->slot_delete_failed.at(slot)->Increment();
}

void Metrics::deleted(std::size_t keys, std::chrono::nanoseconds took) {
  impl_->deletes.Increment(static_cast<double>(keys));
  impl_->delete_duration.Observe(std::chrono::duration<double>{took}.count());
}

void Metrics::on_batch(const Batch& batch) {
  impl_->batch_operations.Observe(static_cast<double>(batch.operations));
  impl_->queue_wait.Observe(batch.oldest_wait.count());
  impl_->lock_wait.Observe(batch.lock_wait.count());
  impl_->commit_time.Observe(batch.commit.count());
  clock_offset(batch.clock_offset);
}

void Metrics::on_refusals(std::size_t operations) {
  impl_->refusals.Increment(static_cast<double>(operations));
}
void Metrics::on_split() { impl_->splits.Increment(); }
void Metrics::on_retry() { impl_->retries.Increment(); }
void Metrics::on_doubt() { impl_->doubts.Increment(); }
void Metrics::on_overload() { impl_->overloads.Increment(); }

void Metrics::on_lent(PoolName pool, storage::PoolObserver::Seconds wait) {
  impl_->pool(pool).lent->Increment();
  impl_->pool(pool).wait->Observe(wait.count());
}
void Metrics::on_returned(PoolName pool) { impl_->pool(pool).lent->Decrement(); }
void Metrics::on_refused(PoolName pool) { impl_->pool(pool).refusals->Increment(); }

}  // namespace codasync::api
