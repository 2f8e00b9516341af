#include "api/transport/refusal.hpp"

#include "storage/model/uuid.hpp"

namespace codasync::api::transport {

Response to_response(const Refusal& refusal) {
  const std::string id = to_string(Uuid::v7(now()));
  Response response{refusal.status,
                    {{"Content-Type", "application/problem+json"},
                     {"Cache-Control", "no-store"},
                     {"X-Request-Id", id}},
                    {}};
  if (refusal.status == 503) response.headers.push_back({"Retry-After", "1"});
  response.body.append(R"({"type":"urn:codasync:problem:)")
      .append(refusal.type)
      .append(R"(","title":")")
      .append(reason_of(refusal.status))
      .append(R"(","status":)")
      .append(std::to_string(refusal.status))
      .append(R"(,"detail":")")
      .append(refusal.detail)
      .append(R"(","instance":")")
      .append(id)
      .append(R"("})");
  return response;
}

}  // namespace codasync::api::transport
