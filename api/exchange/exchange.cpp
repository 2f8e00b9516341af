#include "api/exchange/exchange.hpp"

#include <exception>
#include <string>

#include "api/cors.hpp"
#include "api/observability/log.hpp"
#include "storage/errors.hpp"

namespace codasync::api {

/// The one place where exceptions become responses.
void Exchange::failed() {
  const auto& request_id = flow_.call().request.request_id;
  try {
    throw;
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

// ---- actions without the cache and the ledger

void Exchange::act(const Blocking& action, RunsOn on) {
  const auto work = [&action](Exchange& self, RunsOn where) {
    self.run(self.flow_.acted(action.answer(self.service_, self.flow_.call())), where);
  };
  if (on == RunsOn::executor) return work(*this, on);
  submit(service_.executor, Executor::Kind::work, work);
}

void Exchange::act(const Control& action, RunsOn) {
  submit(service_.control, action.kind, [&action](Exchange& self, RunsOn where) {
    self.run(self.flow_.acted(action.answer(self.service_, self.flow_.call())), where);
  });
}

// ---- respond

void Exchange::send(Response response) {
  complete(response);
  std::move(reply_).send(std::move(response));
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

}  // namespace codasync::api
