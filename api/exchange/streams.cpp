#include <exception>
#include <utility>

#include "api/exchange/exchange.hpp"
#include "api/line_response.hpp"
#include "api/observability/log.hpp"
#include "storage/errors.hpp"

namespace codasync::api {

void Exchange::act(const EventStream& action, RunsOn on) {
  const auto work = [&action](Exchange& self, RunsOn where) {
    auto opened = action.open(self.service_, self.flow_.call());
    if (!opened) return self.run(self.flow_.acted(opened.error()), where);
    self.stream(std::move(opened).value());
  };
  if (on == RunsOn::executor) return work(*this, on);
  submit(service_.executor, Executor::Kind::work, work);
}

void Exchange::act(const Export& action, RunsOn) {
  // An export can take minutes, so another one does not wait for its thread.
  place_ = service_.export_places.take();
  if (!place_) return fail(too_many_exports());
  submit(service_.export_threads, Executor::Kind::work, [&action](Exchange& self, RunsOn where) {
    auto opened = action.open(self.service_, self.flow_.call());
    if (opened) return self.stream(std::move(opened).value());
    self.place_.reset();
    self.run(self.flow_.acted(opened.error()), where);
  });
}

void Exchange::act(const Import& action, RunsOn) {
  constexpr int kRetrySeconds = 10;
  place_ = service_.import_places.take();
  if (!place_)
    return fail(unavailable("Too many imports are in progress. Try again later.", kRetrySeconds));
  submit(service_.import_threads, Executor::Kind::work,
         [&action](Exchange& self, RunsOn where) { self.import(action, where); });
}

void Exchange::import(const Import& action, RunsOn on) {
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
    if (problem) return run(flow_.acted(*problem), on);
    lines.finish();
  } catch (const std::exception& failure) {
    place_.reset();
    if (!lines.begun()) throw;
    service_.log.error("an import was cut off", {{"request_id", flow_.call().request.request_id},
                                                 {"detail", failure.what()}});
    lines.cut_off();
  }
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
  const auto& request = flow_.call().request;
  const auto& request_id = request.request_id;
  std::optional text{std::move(start.text)};
  if (request.method == Method::head) {  // the client sees the end with the head
    text.reset();
    place_.reset();
  }
  auto body = std::move(reply_).stream(std::move(start.head));
  if (!text) return;
  // The head is sent, so a failure cannot become a response.
  try {
    auto exported = std::move(*text);  // its connection is free before the client sees the end
    send_export(exported, body);
  } catch (const Unavailable& failure) {
    service_.log.warning("an export was cut off",
                         {{"request_id", request_id}, {"detail", failure.what()}});
  } catch (const std::exception& bug) {
    service_.log.error("an export was cut off",
                       {{"request_id", request_id}, {"detail", bug.what()}});
  }
  place_.reset();
}

}  // namespace codasync::api
