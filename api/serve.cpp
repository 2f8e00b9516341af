#include "api/serve.hpp"

#include <csignal>

#include "api/dispatcher.hpp"
#include "api/log.hpp"
#include "api/metrics.hpp"
#include "api/service.hpp"
#include "api/slot_watch.hpp"
#include "api/transport/server.hpp"
#include "cache/make_cache.hpp"
#include "storage/combiner.hpp"
#include "storage/housekeeper.hpp"
#include "storage/make_storage.hpp"

namespace codasync::api {
namespace {

/// The signals that end the service, blocked in this thread and all that it starts.
sigset_t block_end_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  // A client or a server that goes away is an error of that write, not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

std::string joined(const std::vector<std::string>& texts) {
  std::string out;
  for (const auto& text : texts) out += (out.empty() ? "" : ", ") + text;
  return out;
}

}  // namespace

int serve(const config::Settings& settings) {
  const auto end_signals = block_end_signals();

  // In the order of need: each may use those above, and is destroyed before them.
  Log log{settings.log};
  Metrics metrics;
  SlotLog slot_log{settings.memcached, metrics, log};
  const auto slot_table = storage::make_slot_table(settings.postgres);
  const auto nodes = cache::make_nodes(settings.memcached);
  cache::SlotKeeper keeper{*slot_table, *nodes, slot_log};
  CacheWatch watch{metrics, keeper};
  const auto invalidation = cache::make_invalidation(settings.memcached, watch);
  const auto database = storage::make_database(settings.postgres);
  const auto cache = cache::make_cache(settings.memcached, *database, watch);
  const auto ledger =
      storage::make_combiner(settings.postgres, settings.combiner, *invalidation, metrics);
  const auto catalogue = storage::make_catalogue_store(settings.postgres, *invalidation, *ledger);
  const auto tokens = storage::make_token_store(settings.postgres);
  const storage::Housekeeper housekeeper{
      settings.postgres, [&log](const std::string& failure) {
        log.warning("housekeeping failed", {{"detail", failure}});
      }};
  Executor executor{settings.executor};
  Service service{settings.api, *database, *ledger, *catalogue, *tokens,
                  *cache,       executor,  metrics, log};
  service.started = [&slot_log] { return slot_log.seen(); };
  Dispatcher dispatcher{service};
  Server server{settings.server,
                [&dispatcher](Request request, Reply reply) {
                  dispatcher.dispatch(std::move(request), std::move(reply));
                },
                [&dispatcher] { dispatcher.settle(); }};

  metrics.gauge("codasync_http_connections", "Open connections.",
                [&server] { return static_cast<double>(server.open_connections()); });
  metrics.gauge("codasync_http_requests_in_flight", "Requests being answered.",
                [&server] { return static_cast<double>(server.requests_in_flight()); });
  metrics.gauge("codasync_executor_waiting", "Requests that wait for a thread.",
                [&executor] { return static_cast<double>(executor.waiting()); });

  keeper.start();
  server.start();
  log.info("serving", {{"addresses", joined(server.addresses())}});

  int signal{};
  sigwait(&end_signals, &signal);
  log.info("shutting down", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
  service.draining = true;
  const bool complete = server.drain(settings.api.shutdown_grace);
  if (!complete)
    log.warning("requests were left unanswered", {{"requests", server.requests_in_flight()}});
  return complete ? 0 : 1;
}

}  // namespace codasync::api
