#include "api/cli/serve.hpp"

#include <csignal>
#include <memory>

#include "api/cli/writers.hpp"
#include "api/dispatcher.hpp"
#include "api/observability/activity.hpp"
#include "api/observability/cache_watch.hpp"
#include "api/observability/expired_readings.hpp"
#include "api/observability/feed_lag.hpp"
#include "api/observability/housekeeper_log.hpp"
#include "api/observability/log.hpp"
#include "api/observability/metrics.hpp"
#include "api/observability/samples.hpp"
#include "api/observability/slot_log.hpp"
#include "api/request_flow.hpp"
#include "api/routes.hpp"
#include "api/service.hpp"
#include "api/transport/server.hpp"
#include "cache/inspect.hpp"
#include "cache/make_cache.hpp"
#include "storage/errors.hpp"
#include "storage/housekeeper.hpp"
#include "storage/ledger/combiner.hpp"
#include "storage/make_storage.hpp"
#include "storage/model/text.hpp"

namespace codasync::api::cli {
namespace {

// One for each thread that uses them (config/deploy/pgbouncer/sizes counts them).
constexpr std::size_t kLookUpConnections = 1;
constexpr std::size_t kControlConnections = 2;
constexpr std::size_t kStreamConnections = 1;

/// The signals that serve() waits for, blocked in this thread and in all that it starts.
sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  // A client or a server that goes away is an error of that write, not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

/// Returns: the metrics that are read from the parts of the service at each scrape.
std::vector<Sample> samples_of(const ServerCounters& server, const Executor& executor,
                               const Log& log, const FeedLag& feed_lag,
                               const ChangeStreams& streams, const config::Settings& settings) {
  using Kind = Sample::Kind;
  const auto number = [](auto value) { return static_cast<double>(value); };
  const auto pool_max = [&](const char* pool, std::size_t connections) {
    return Sample{"codasync_postgres_pool_connections_max",
                  "Connections that may be in use.",
                  Kind::gauge,
                  number(connections),
                  {{"pool", pool}}};
  };
  return {
      build_sample(),
      {"codasync_http_connections", "Open connections.", Kind::gauge,
       number(server.connections.load())},
      {"codasync_http_requests_in_flight", "Requests being answered.", Kind::gauge,
       number(server.requests_in_flight.load())},
      {"codasync_executor_waiting_requests", "Requests that wait for a thread.", Kind::gauge,
       number(executor.waiting())},
      {"codasync_feed_behind_seconds",
       "How long committed changes can be missing in the change feed, because an older transaction "
       "still runs.",
       Kind::gauge, std::chrono::duration<double>{feed_lag.behind()}.count()},
      {"codasync_streams", "Open streams of changes.", Kind::gauge, number(streams.open())},
      {"codasync_stream_events_total", "Events sent, counted for each stream.", Kind::counter,
       number(streams.events())},
      {"codasync_stream_behind_seconds",
       "Age of the last successful query for the streams; 0 without streams.", Kind::gauge,
       streams.behind().count()},
      {"codasync_streams_dropped_total",
       "Streams that were closed because their client read nothing.", Kind::counter,
       number(server.streams_dropped.load())},
      {"codasync_log_lines_dropped_total", "Log lines dropped because the output was too slow.",
       Kind::counter, number(log.dropped())},
      pool_max("reads", settings.postgres.connections_max),
      pool_max("fills", settings.postgres.fill_connections_max),
  };
}

/// Returns: the counters of all processes and of Nginx. A sum without one of its parts is not
/// known.
ActivityCounts activity_of_servers(storage::Database& database,
                                   const cache::MemcachedOptions& memcached) {
  ActivityCounts counts;
  try {
    counts.writes = database.read()->events_added();
  } catch (const std::exception&) {  // also a database that was not migrated
    counts.writes = std::nullopt;
  }
  std::int64_t look_ups = 0;
  std::int64_t hits = 0;
  for (std::size_t slot = 0; slot < memcached.servers.size(); ++slot) {
    const auto server = cache::server_statistics(memcached, slot);
    if (!server) return counts;
    look_ups += static_cast<std::int64_t>(server->hits + server->misses);
    hits += static_cast<std::int64_t>(server->hits);
  }
  counts.look_ups = look_ups;
  counts.hits = hits;
  return counts;
}

/// Returns: the options of a database for a few short queries, with connections of its own.
storage::PostgresOptions with_connections(storage::PostgresOptions options, std::size_t count) {
  options.connections_max = count;
  return options;
}

/// SIGHUP: takes the log's level from the settings as they are now; all others are fixed.
void reload(Log& log, const config::Loaded& loaded) {
  if (!loaded.problems.empty()) {
    log.error("the settings were not reloaded", {{"detail", loaded.problems.front()}});
    return;
  }
  log.set_level(loaded.settings.log.level);
  log.info("log.level was reloaded", {{"level", name_of(loaded.settings.log.level)}});
}

/// Waits for SIGTERM or SIGINT, and reloads after each SIGHUP. Returns: the signal.
int wait_for_end(const sigset_t& signals, Log& log, const Load& load) {
  int signal{};
  for (sigwait(&signals, &signal); signal == SIGHUP; sigwait(&signals, &signal))
    reload(log, load());
  return signal;
}

/// Logs at the start why the service is not ready, mostly because the database was not migrated.
void check_schema(storage::Database& database, Service& service, Log& log) {
  try {
    database.ping();
    service.schema_fits = true;
  } catch (const Unavailable& failure) {
    log.error("the service is not ready", {{"detail", failure.what()}});
  }
}

}  // namespace

int serve(const config::Settings& settings, const Load& load) {
  const auto signals = block_signals();

  // In the order of need: each may use those above, and is destroyed before them.
  Log log{settings.log};
  Metrics metrics{settings.memcached.servers.size()};
  // Declared here, because what the keeper, the ledger and the executor still do at the end uses
  // it.
  std::unique_ptr<Service> service;
  SlotLog slot_log{settings.memcached, metrics, log, [&service] {
                     service->tokens.clear();
                     service->reading_keys.clear();
                   }};
  const auto slot_table = storage::make_slot_table(settings.postgres);
  const auto servers = cache::make_server_control(settings.memcached);
  cache::SlotKeeper keeper{*slot_table, *servers, slot_log};
  CacheWatch watch{metrics, keeper};
  const auto invalidation =
      cache::make_invalidation(settings.memcached, watch, &slot_log.identities());
  const auto database = storage::make_database(settings.postgres, metrics);
  const auto look_up_database =
      storage::make_database(with_connections(settings.postgres, kLookUpConnections));
  const auto control_database =
      storage::make_database(with_connections(settings.postgres, kControlConnections));
  const auto cache =
      cache::make_cache(settings.memcached, *database, watch, &slot_log.identities());
  const auto tokens = storage::make_token_store(settings.postgres, metrics);
  TokenUses token_uses{[&tokens](const auto& used) { tokens->note_uses(used); }, log};
  const auto ledger =
      storage::make_combiner(settings.postgres, settings.combiner, *invalidation, metrics);
  const auto catalogue =
      storage::make_catalogue_store(settings.postgres, *invalidation, *ledger, metrics);
  const auto sessions = storage::make_sessions(settings.postgres, settings.sessions, metrics);
  FeedLag feed_lag;
  const auto stream_database =
      storage::make_database(with_connections(settings.postgres, kStreamConnections));
  ChangeStreams streams{*stream_database, settings.api.streams_max, feed_lag, log, {}};
  HousekeeperLog housekeeper_log{log, feed_lag};
  const storage::Housekeeper housekeeper{settings.postgres, settings.sessions, *invalidation,
                                         housekeeper_log};
  ExpiredReadings expired{*control_database};
  Activity activity{[&] { return activity_of_servers(*control_database, settings.memcached); }};
  Executor executor{settings.executor};
  Executor control{{.threads = 1, .queue_max = 16}};
  storage::LedgerObserver rehearsal_observer;  // a dry run is no write
  const auto exports = storage::make_exports(settings.postgres, settings.api.exports_max, metrics);
  Executor export_threads{{.threads = settings.api.exports_max,
                           .queue_max = settings.api.exports_max,
                           .queue_timeout = settings.executor.queue_timeout}};
  const ImportParts imports{
      .make_rehearsal =
          [&] {
            auto options = for_a_command(settings.combiner);
            options.lanes = 1;  // one more connection for each dry run
            return storage::make_rehearsal(settings.postgres, options, *invalidation,
                                           rehearsal_observer);
          },
      .make_trail = [&] { return storage::make_import_trail(settings.postgres); },
      .lane_queue_max = settings.combiner.lane_queue_max};
  Executor import_threads{{.threads = settings.api.imports_max,
                           .queue_max = settings.api.imports_max,
                           .queue_timeout = settings.executor.queue_timeout}};
  service.reset(new Service{.options = settings.api,
                            .database = *database,
                            .look_up_database = *look_up_database,
                            .control_database = *control_database,
                            .ledger = *ledger,
                            .catalogue = *catalogue,
                            .token_store = *tokens,
                            .sessions = *sessions,
                            .cache = *cache,
                            .executor = executor,
                            .control = control,
                            .metrics = metrics,
                            .log = log,
                            .slot_log = slot_log,
                            .feed_lag = feed_lag,
                            .streams = streams,
                            .exports = *exports,
                            .export_threads = export_threads,
                            .activity = activity,
                            .token_uses = token_uses,
                            .imports = imports,
                            .import_threads = import_threads});
  Dispatcher dispatcher{*service};
  Server server{settings.server,
                [&dispatcher](Request request, Reply reply) {
                  dispatcher.dispatch(std::move(request), std::move(reply));
                },
                [&dispatcher] { dispatcher.flush(); },
                [&settings](const Request& head) { return needs_body(head, settings.api); },
                [&settings](const Request& head) {
                  return is_upload(head) ? std::optional{settings.api.import_bytes_max}
                                         : std::nullopt;
                }};

  metrics.on_scrape([] { return process_samples(); });
  metrics.on_scrape([&settings] { return memcached_samples(settings.memcached); });
  metrics.on_scrape([&expired] { return expired.samples(); });
  metrics.on_scrape(
      [counters = server.counters(), &executor, &log, &feed_lag, &streams, &settings] {
        return samples_of(*counters, executor, log, feed_lag, streams, settings);
      });

  keeper.start();
  static_cast<void>(control.submit(Executor::Kind::work, [&](Executor::Start) {
    check_schema(*control_database, *service, log);
  }));
  server.start();
  log.info("serving", {{"addresses", joined(server.addresses(), ", ")}});

  const int signal = wait_for_end(signals, log, load);
  log.info("shutting down", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
  service->draining = true;
  streams.stop();
  const bool complete = server.drain(settings.api.shutdown_grace);
  if (!complete)
    log.warning("requests were left unanswered",
                {{"requests", server.counters()->requests_in_flight.load()}});
  return complete ? 0 : 1;
}

}  // namespace codasync::api::cli
