#include "api/transport/refusal.hpp"

namespace codasync::api::transport {

Response to_response(const Refusal& refusal) {
  Response response{refusal.status,
                    {{"Content-Type", "application/problem+json"}, {"Cache-Control", "no-store"}},
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
      .append(R"("})");
  return response;
}

}  // namespace codasync::api::transport
