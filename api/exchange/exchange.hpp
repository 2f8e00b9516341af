#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "api/request_flow.hpp"
#include "api/resources/handlers.hpp"
#include "api/responses.hpp"
#include "api/service.hpp"
#include "api/transport/http.hpp"
#include "api/transport/server.hpp"
#include "cache/key.hpp"
#include "storage/stock_ledger.hpp"

namespace codasync::api {

// For metrics and the log only: the status that Nginx has for it.
inline constexpr int kClientClosedRequest = 499;
inline constexpr const char* kBusy = "The service is busy. Nothing was changed; try again.";

/// The thread that a step runs on.
enum class RunsOn {
  event_loop,  // must not block
  look_ups,    // of the executor: may run one short query
  executor,    // may block
  result,      // a lane of the ledger or a fill that delivers a result: must not block
};

inline RunsOn runs_on(Executor::Thread thread) {
  return thread == Executor::Thread::look_ups ? RunsOn::look_ups : RunsOn::executor;
}

/// One request and its Reply, which moves between threads. It gets exactly one response.
class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(Service& service, Request request, Reply reply)
      : service_{service},
        reply_{std::move(reply)},
        arrived_{request.arrived},
        flow_{std::move(request), service.options, service.tokens, service.reading_keys} {}

  void start() {
    guarded([this] { run(flow_.parse(), RunsOn::event_loop); });
  }

  /// Continues the requests of this thread's event loop that wait for a common look-up.
  static void flush(Service& service);

 private:
  struct LookUp {
    cache::Key key;
    std::shared_ptr<Exchange> exchange;
  };
  struct Waiting;
  static thread_local Waiting waiting;

  static void look_up(Service& service, const std::vector<LookUp>& look_ups);
  static void submit_resolve(Service& service,
                             const std::vector<std::shared_ptr<Exchange>>& unresolved);
  static void resolve(const std::vector<std::shared_ptr<Exchange>>& unresolved, RunsOn on);

  /// Runs a part of the work; whatever it throws becomes the response.
  template <class Work>
  void guarded(Work&& work) {
    try {
      std::forward<Work>(work)();
    } catch (...) {
      failed();
    }
  }
  /// Has a part of the work run by the executor.
  template <class Work>
  void submit(Executor& executor, Executor::Kind kind, Work work) {
    const bool taken =
        executor.submit(kind, [self = shared_from_this(), work](Executor::Start start) {
          if (!self->answers_without_work(start.too_late))
            self->guarded([&] { work(*self, runs_on(start.thread)); });
        });
    if (!taken) fail(unavailable(kBusy));
  }

  void run(NextStep step, RunsOn on) {
    std::visit([&](auto& wanted) { perform(wanted, on); }, step);
  }
  void perform(next::FindToken& wanted, RunsOn on);
  void perform(next::FindSession& wanted, RunsOn on);
  void perform(next::LookUp& wanted, RunsOn on);
  void perform(next::ResolveReading& wanted, RunsOn on);
  void perform(next::Act&, RunsOn on) {
    std::visit([&](const auto& action) { act(action, on); }, flow_.route().action);
  }
  void perform(next::Respond& wanted, RunsOn) { send(std::move(wanted.response)); }

  void act(const Immediate& action, RunsOn on) {
    run(flow_.acted(action.answer(service_, flow_.call())), on);
  }
  void act(const Blocking& action, RunsOn on);
  void act(const Control& action, RunsOn on);
  void act(const Read& action, RunsOn on);
  void act(const ReadOne& action, RunsOn on);
  void act(const ReadRows& action, RunsOn on);
  void act(const StockWrite& action, RunsOn on);
  void act(const PlannedWrite& action, RunsOn on);
  void act(const StockWrites& action, RunsOn on);
  void act(const EventStream& action, RunsOn on);
  void act(const Export& action, RunsOn on);
  void act(const Import& action, RunsOn on);

  [[nodiscard]] static bool submit_misses(Service& service, Misses& misses);
  static void read_misses(Service& service, Misses& misses);
  static void refuse_misses(Misses& misses);
  static void read_batch(Service& service, const std::vector<Misses::Taken>& batch);
  void answered(std::optional<Result> result);
  Result read_through_cache(const Read& action);
  Result read_list(const std::optional<ListEntry>& entry, std::function<Result()> read);
  Result read_rows(const ReadRows& action);
  void look_up(const Plan& plan, RunsOn on);
  void written(const StockWrite& action, const storage::StockResult& result);
  void written(const Plan& plan, const storage::StockResult& result);
  void log_failure(const storage::StockResult& result);

  struct PendingList;
  void write(const StockWrites& action);
  void decided(const std::shared_ptr<PendingList>& pending);

  /// Sends the response of a request that waited too long in the queue, or of a read whose client
  /// has gone. Returns: whether it was one of them.
  bool answers_without_work(bool too_late);
  storage::Database& database_of(RunsOn on) {
    return on == RunsOn::look_ups ? service_.look_up_database : service_.database;
  }
  void failed();
  void failed(std::string_view detail);
  void fail(const Problem& problem) { send(flow_.respond(problem)); }
  void send(Response response);
  void stream(StreamStart start);
  void stream(ExportStart start);
  void import(const Import& action, RunsOn on);
  void complete(Response& response) const;
  void note(const TokenFailure& failure) const;

  Service& service_;
  Reply reply_;
  const std::chrono::steady_clock::time_point arrived_;
  RequestFlow flow_;
  Places::Place place_;                         // of an export or import
  std::optional<cache::Admission::Miss> miss_;  // of a single resource, until it is answered
};

}  // namespace codasync::api
