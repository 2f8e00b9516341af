#include "api/resources/handlers.hpp"
#include "storage/errors.hpp"

namespace codasync::api::health {
namespace {

Response plain(int status, std::string text) {
  return {status,
          {{"Content-Type", "text/plain; charset=utf-8"}, {"Cache-Control", "no-store"}},
          std::move(text)};
}

}  // namespace

Result alive(Service&, const Call&) { return plain(200, "alive\n"); }

Result ready(Service& service, const Call&) {
  if (service.draining) return unavailable("The service is shutting down.");
  try {
    service.metrics.clock_offset(service.control_database.ping());
    service.schema_fits = true;
  } catch (const Unavailable& failure) {
    if (failure.dependency() == "clock") return unavailable_because("clock");
    throw;
  }
  if (!service.slot_log.seen()) return unavailable("The service is starting.");
  if (service.slot_log.writes_refused())
    return unavailable("This process has another number of Memcached servers than the others.");
  return plain(200, "ready\n");
}

Result metrics(Service& service, const Call&) {
  return Response{
      200,
      {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}, {"Cache-Control", "no-store"}},
      service.metrics.text()};
}

}  // namespace codasync::api::health
