#pragma once

#include <string_view>

#include "api/http.hpp"

namespace codasync::api::transport {

/// Why the transport itself sends the response, instead of the service.
struct Refusal {
  int status;
  std::string_view type;    // last part of the URI urn:codasync:problem:<type>
  std::string_view detail;  // fixed text, so that it contains nothing of the request
};

/// Returns: the response as application/problem+json (RFC 9457).
Response to_response(const Refusal& refusal);

}  // namespace codasync::api::transport
