// Measures the cost of an event in a reading with millions of events: a live event, late events, a
// void, and 256 late events at once while another reading is written.
//
//   tests/bench/run history --dir .run

#include <CLI/CLI.hpp>
#include <algorithm>
#include <future>
#include <iostream>
#include <pqxx/pqxx>
#include <random>
#include <thread>
#include <vector>

#include "storage/ledger/combiner.hpp"
#include "storage/ledger/reading_history.hpp"
#include "storage/postgres/columns.hpp"
#include "storage/postgres/record_array.hpp"

namespace codasync::bench {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using storage::StockOperation;
using storage::StockResult;

constexpr std::int64_t kShop = 900'001;
const Gtin kLong = Gtin::from_number(9520000900005);
const Gtin kOther = Gtin::from_number(9520000900012);
const storage::Token kActor{storage::kOperator, "bench", storage::Role::admin, {}, {}, {}};

/// Without Memcached: only the database is measured.
class NoCache final : public storage::Invalidation {
 public:
  std::unique_ptr<Pending> begin(const storage::Changes&, const storage::SlotStates&) override {
    struct Done : Pending {
      void acknowledge() override {}
    };
    return std::make_unique<Done>();
  }
  [[nodiscard]] std::size_t slot_count() const noexcept override { return 0; }
};

/// The events of a reading that sells all day: mostly sales and deliveries. With `looks` there are
/// also regular checks and counts; without, there are only adjustments after the first count.
class Events {
 public:
  Events(bool looks, Instant begin, std::chrono::microseconds step)
      : looks_{looks}, at_{begin}, step_{step} {}

  Event next() {
    at_ += step_;
    const auto draw = engine_() % 1000;
    Event event{.id = Uuid::v7(at_), .kind = EventKind::adjust, .observed_at = at_};
    if (first_ || (looks_ && draw < 2)) {
      event.kind = EventKind::count;
      event.quantity = 1'000;
      first_ = false;
    } else if (looks_ && draw < 12) {
      event.kind = EventKind::check;
      event.date =
          ShelfDate{std::chrono::year{2027} / 1 / std::chrono::day{1 + static_cast<unsigned>(draw)},
                    DateKind::best_before};
    } else {
      event.delta = draw % 10 == 0 ? 18 : -2;
    }
    return event;
  }

 private:
  const bool looks_;
  Instant at_;
  const std::chrono::microseconds step_;
  bool first_{true};
  std::minstd_rand engine_{1};
};

using storage::postgres::code_of;
using storage::postgres::RecordArray;

void add(RecordArray& rows, std::int64_t reading, std::int64_t version, const Event& event) {
  const auto none = std::optional<std::string_view>{};
  rows.add(reading, event.observed_at, event.id, event.observed_at, std::int64_t{0}, version,
           event.kind == EventKind::adjust ? std::optional{event.delta} : std::nullopt,
           event.quantity, event.date ? std::optional{event.date->date} : std::nullopt,
           code_of(event.kind),
           event.date ? std::optional{code_of(*event.date->kind)} : std::nullopt, 'a',
           std::optional<Uuid>{}, std::string_view{"bench"}, none, false);
}

void add(RecordArray& rows, std::int64_t reading, const storage::Segment& segment) {
  const auto& summary = segment.summary;
  const auto* stated = std::get_if<QuantityStatement>(&summary.quantity);
  const auto* adjusted = std::get_if<QuantityAdjustment>(&summary.quantity);
  rows.add(reading, segment.until, segment.events, false, summary.present, summary.dates_since,
           summary.date ? std::optional{summary.date->date} : std::nullopt,
           summary.date ? std::optional{code_of(*summary.date->kind)} : std::nullopt,
           summary.looked_at, stated != nullptr ? std::optional{stated->since} : std::nullopt,
           stated != nullptr ? stated->quantity : std::nullopt,
           stated != nullptr ? stated->plain : adjusted->sum,
           stated != nullptr ? stated->lowest : adjusted->lowest);
}

/// Writes a history in the state that the ledger leaves.
void generate(pqxx::connection& connection, std::int64_t events, bool looks) {
  pqxx::nontransaction session{connection};
  session.exec("set synchronous_commit = off; set timezone = 'UTC'");
  session.exec(
      "delete from stock_segments where reading_id in (select id from stock_readings where shop_id "
      "= 900001);"
      "delete from stock_events where reading_id in (select id from stock_readings where shop_id = "
      "900001);"
      "delete from stock_readings where shop_id = 900001");
  session.exec(
      "insert into shops (id, name) overriding system value values (900001, 'long history') on "
      "conflict do nothing;"
      "insert into products (gtin, name) values (9520000900005, 'long'), (9520000900012, 'other') "
      "on conflict do nothing");
  const auto id = session.exec("select nextval('stock_readings_id_seq')")[0][0].as<std::int64_t>();
  const auto begin = now() - 347 * 24h;
  const auto step =
      std::chrono::duration_cast<std::chrono::microseconds>(347 * 24h - 1min) / events;
  Events random{looks, begin, step};
  Shelf shelf;
  std::vector<Event> tail;
  std::optional<Instant> sealed;
  RecordArray segments;
  std::int64_t pending = 0;
  for (std::int64_t written = 0; written < events;) {
    RecordArray rows;
    for (; pending < 4096 && written < events; ++pending, ++written) {
      tail.push_back(random.next());
      add(rows, id, written + 1, tail.back());
      shelf = then(shelf, tail.back());
      if (std::ssize(tail) == storage::kTailMax) {
        const std::span<const Event> sealed_events{tail.data(), storage::kSegmentEvents};
        sealed = sealed_events.back().observed_at;
        add(segments, id,
            {.until = *sealed,
             .events = storage::kSegmentEvents,
             .summary = summary_of(sealed_events)});
        tail.erase(tail.begin(), tail.begin() + storage::kSegmentEvents);
      }
    }
    pending = 0;
    session.exec_params(
        "insert into stock_events (reading_id, observed_at, id, received_at, token_id, version, "
        "delta, quantity, expiry_date, kind,"
        " date_kind, outcome, voids, actor, reason) select n.reading_id, "
        "moment_of(n.observed_at), n.id, moment_of(n.received_at), n.token_id, n.version,"
        " n.delta, n.quantity, n.expiry_date, n.kind, n.date_kind, n.outcome, n.voids, n.actor, "
        "n.reason from unnest($1::event_row[]) n",
        rows.done());
  }
  session.exec_params(
      "insert into stock_segments (reading_id, until, events, is_base, present, dates_since, "
      "expiry_date, date_kind, looked_at,"
      " quantity_since, quantity, plain, lowest) select n.reading_id, moment_of(n.until), "
      "n.events, "
      "n.is_base, n.present, moment_of(n.dates_since), n.expiry_date, n.date_kind, "
      "moment_of(n.looked_at), moment_of(n.quantity_since), n.quantity, n.plain, n.lowest from "
      "unnest($1::segment_row[]) n",
      segments.done());
  const auto moment = [](Instant at) {
    return at == kBeginning ? std::optional<std::string>{} : std::optional{to_string(at)};
  };
  session.exec_params(
      "insert into stock_readings (id, shop_id, gtin, version, observed_at, updated_at, "
      "received_at, newest_at, sealed_until, tail,"
      " looked_at, dates_since, quantity_since, quantity, plain, lowest, expiry_date, date_kind, "
      "present) overriding system value"
      " values ($1, 900001, 9520000900005, $2, $3::timestamptz, $3::timestamptz, $3::timestamptz, "
      "$3::timestamptz, $4::timestamptz, $5,"
      " $6::timestamptz, $7::timestamptz, $8::timestamptz, $9, $10, $11, $12::date, $13::\"char\", "
      "true)",
      id, events, to_string(tail.back().observed_at), sealed ? moment(*sealed) : std::nullopt,
      std::ssize(tail), shelf.looked_at ? moment(*shelf.looked_at) : std::nullopt,
      moment(shelf.dates_since), moment(shelf.stock.since), shelf.stock.quantity, shelf.stock.plain,
      shelf.stock.lowest, shelf.date ? std::optional{to_string(shelf.date->date)} : std::nullopt,
      shelf.date ? std::optional<std::string>{std::string(1, code_of(*shelf.date->kind))}
                 : std::nullopt);
  session.exec("vacuum (analyze) stock_readings");
  session.exec("vacuum (analyze) stock_segments");
  session.exec("vacuum (analyze) stock_events");
}

class Bench {
 public:
  Bench(const std::string& url) : connection_{url} {
    postgres_.url = Secret{url};
    postgres_.statement_timeout = 60s;
    combiner_.lanes = 1;
    ledger_ = storage::make_combiner(postgres_, combiner_, cache_, observer_);
  }

  pqxx::connection& connection() { return connection_; }

  static StockOperation check(Gtin gtin = kLong) {
    StockOperation made{.shop = ShopId{kShop},
                        .gtin = gtin,
                        .may_create = true,
                        .kind = EventKind::check,
                        .actor = kActor};
    made.date = ShelfDate{std::chrono::year{2027} / 2 / 1, DateKind::best_before};
    return made;
  }

  std::future<std::pair<StockResult, double>> submit(StockOperation operation) {
    auto promise = std::make_shared<std::promise<std::pair<StockResult, double>>>();
    const auto begin = Clock::now();
    ledger_->submit(std::move(operation), [promise, begin](StockResult result) {
      promise->set_value({std::move(result),
                          std::chrono::duration<double, std::milli>(Clock::now() - begin).count()});
    });
    return promise->get_future();
  }

  double take(StockOperation operation) {
    auto [result, ms] = submit(std::move(operation)).get();
    if (const auto* failed = std::get_if<storage::Failed>(&result))
      throw std::runtime_error{failed->log_detail};
    if (const auto* refused = std::get_if<storage::Refused>(&result))
      throw std::runtime_error{"refused: " + std::to_string(static_cast<int>(refused->why))};
    return ms;
  }

  /// Prints the median and the longest of several measurements.
  template <class Make>
  void measure(const char* what, int count, Make&& make) {
    std::vector<double> ms;
    for (int i = 0; i < count; ++i) ms.push_back(take(make(i)));
    std::ranges::sort(ms);
    std::cout << what << ": median " << ms[ms.size() / 2] << " ms, longest " << ms.back() << " ms\n"
              << std::flush;
  }

  EventId event_before(Instant moment) {
    pqxx::nontransaction session{connection_};
    const auto found = session.exec_params(
        "select e.id from stock_events e join stock_readings r on r.id = e.reading_id where "
        "r.shop_id = 900001 and r.gtin ="
        " 9520000900005 and e.kind = 'a' and e.observed_at < $1::timestamptz and not exists "
        "(select from stock_voids v where v.target = e.id)"
        " order by e.observed_at desc limit 1",
        to_string(moment));
    return *Uuid::parse(found[0][0].c_str());
  }

 private:
  pqxx::connection connection_;
  storage::PostgresOptions postgres_;
  storage::CombinerOptions combiner_;
  NoCache cache_;
  storage::LedgerObserver observer_;
  std::unique_ptr<storage::StockLedger> ledger_;
};

int run(const std::string& url, std::int64_t events, bool looks) {
  Bench bench{url};
  const auto begin = Clock::now();
  generate(bench.connection(), events, looks);
  std::cout << events << " events, " << (looks ? "with checks and counts" : "adjustments only")
            << ", generated in " << std::chrono::duration<double>(Clock::now() - begin).count()
            << " s\n"
            << std::flush;
  bench.take(Bench::check(kOther));
  bench.measure("live check", 50, [](int) { return Bench::check(); });
  const auto late = [](std::chrono::seconds ago) {
    return [ago](int i) {
      auto made = Bench::check();
      made.observed_at = now() - ago - std::chrono::milliseconds{7 * i};
      return made;
    };
  };
  bench.measure("late check, a minute ago", 20, late(1min));
  bench.measure("late check, an hour ago", 20, late(1h));
  bench.measure("late check, a day ago", 20, late(24h));
  bench.measure("late check, half a year ago", 20, late(180 * 24h));
  bench.measure("void of yesterday's event", 10, [&](int i) {
    StockOperation made{
        .shop = ShopId{kShop}, .gtin = kLong, .kind = EventKind::void_event, .actor = kActor};
    made.voids = bench.event_before(now() - 24h - std::chrono::minutes{i});
    return made;
  });

  for (const auto& [what, spread] :
       {std::pair{"the last hour", std::chrono::seconds{1h}}, {"half a year", 180 * 24h}}) {
    // 256 at once, while another reading of the same lane is written, one write after the other.
    std::atomic<bool> stop{false};
    std::vector<double> waits;
    std::jthread other{[&] {
      while (!stop) waits.push_back(bench.take(Bench::check(kOther)));
    }};
    std::this_thread::sleep_for(100ms);
    const auto started = Clock::now();
    std::vector<std::future<std::pair<StockResult, double>>> results;
    for (int i = 0; i < 256; ++i) {
      auto made = Bench::check();
      made.observed_at = now() - 1s - spread * i / 256;
      results.push_back(bench.submit(std::move(made)));
    }
    for (auto& result : results) result.get();
    const auto took = std::chrono::duration<double, std::milli>(Clock::now() - started).count();
    stop = true;
    other.join();
    std::cout << "256 late checks of " << what << " at once: " << took
              << " ms; a writer of another reading waits at most "
              << *std::ranges::max_element(waits) << " ms\n"
              << std::flush;
  }
  return 0;
}

}  // namespace
}  // namespace codasync::bench

int main(int argc, char** argv) {
  CLI::App app{"Measures the cost of events in a reading with a long history"};
  std::string url;
  std::int64_t events{5'000'000};
  bool no_looks{false};
  app.add_option("--url", url, "An empty, migrated database")->required();
  app.add_option("--events", events, "Number of events in the history");
  app.add_flag("--adjustments-only", no_looks,
               "The worst case: no check and no count since the first");
  CLI11_PARSE(app, argc, argv);
  return codasync::bench::run(url, events, !no_looks);
}
