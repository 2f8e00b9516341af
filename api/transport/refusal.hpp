#pragma once

#include <string_view>

#include "api/transport/http.hpp"

namespace codasync::api::transport {

/// Why the transport itself sends the response, instead of the service.
struct Refusal {
  int status;
  std::string_view type;    // last part of the URI urn:codasync:problem:<type>
  std::string_view detail;  // fixed text, so that it contains nothing of the request
};

/// Returns: the response as a problem (problem_details.hpp), with a new request id.
Response to_response(const Refusal& refusal);

}  // namespace codasync::api::transport
