#include "api/transport/refusal.hpp"

#include "api/transport/problem_details.hpp"
#include "storage/model/uuid.hpp"

namespace codasync::api::transport {

Response to_response(const Refusal& refusal) {
  Problem problem{refusal.status, refusal.type, std::string{refusal.detail}};
  const std::string id = to_string(Uuid::v7(now()));
  problem.headers.push_back({"X-Request-Id", id});
  if (refusal.status == 503) problem.headers.push_back({"Retry-After", "1"});
  return api::to_response(problem, id);
}

}  // namespace codasync::api::transport
