#include <atomic>
#include <memory>
#include <utility>

#include "api/exchange/exchange.hpp"
#include "api/observability/log.hpp"

namespace codasync::api {

void Exchange::act(const StockWrite& action, RunsOn on) {
  auto made = action.operation(flow_.call());
  if (!made) return run(flow_.acted(made.error()), on);
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

void Exchange::act(const PlannedWrite& action, RunsOn on) {
  auto made = action.plan(flow_.call());
  if (!made) return run(flow_.acted(made.error()), on);
  auto plan = std::make_shared<Plan>(std::move(made).value());
  if (!plan->operation) {
    return submit(service_.executor, Executor::Kind::work,
                  [plan](Exchange& self, RunsOn where) { self.look_up(*plan, where); });
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
void Exchange::look_up(const Plan& plan, RunsOn on) {
  auto result = [&]() -> Result {
    const auto reader = database_of(on).read();
    if (flow_.call().session || reader->token(*flow_.token())) return plan.look_up(*reader);
    flow_.token_refused();
    return token_revoked();
  }();
  run(flow_.acted(std::move(result)), on);
}

void Exchange::written(const StockWrite& action, const storage::StockResult& result) {
  if (const auto* refused = std::get_if<storage::Refused>(&result)) {
    if (refused->why == storage::Refused::Why::token_revoked) flow_.token_refused();
    if (refused->why == storage::Refused::Why::not_found) {
      if (auto again = flow_.stale_key()) return run(std::move(*again), RunsOn::result);
    }
  }
  log_failure(result);
  run(flow_.acted(readings::to_result(result, action.answer)), RunsOn::result);
}

void Exchange::written(const Plan& plan, const storage::StockResult& result) {
  if (const auto* refused = std::get_if<storage::Refused>(&result)) {
    if (refused->why == storage::Refused::Why::token_revoked) flow_.token_refused();
    if (auto response = plan.refused(*refused))
      return run(flow_.acted(std::move(*response)), RunsOn::result);
  }
  log_failure(result);
  run(flow_.acted(readings::to_result(result, plan.answer)), RunsOn::result);
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

void Exchange::act(const StockWrites& action, RunsOn on) {
  if (on == RunsOn::executor) return write(action);
  submit(service_.executor, Executor::Kind::work,
         [&action](Exchange& self, RunsOn) { self.write(action); });
}

void Exchange::write(const StockWrites& action) {
  auto read = action.read(service_, flow_.call());
  if (!read) return run(flow_.acted(read.error()), RunsOn::executor);
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
                RunsOn::executor);
    });
  };
  // Operations can be done already, so this is not 503, which says that nothing was changed.
  if (!service_.executor.submit(Executor::Kind::work, answer)) fail(in_doubt());
}

}  // namespace codasync::api
