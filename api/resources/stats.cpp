#include "api/resources/handlers.hpp"
#include "api/responses.hpp"

// The handler of /stats.

namespace codasync::api::stats {

Result read(Service& service, const Call& call) {
  constexpr std::int64_t kMinutes = 180;
  Parameters parameters{call.query};
  const auto minutes = parameters.number("minutes", 1, Activity::kMinutesMax);
  if (auto problem = parameters.finish()) return *problem;
  return Response{
      200,
      {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}},
      to_json(service.activity.last(static_cast<std::size_t>(minutes.value_or(kMinutes))))};
}

}  // namespace codasync::api::stats
