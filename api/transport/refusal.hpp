#pragma once

#include <string_view>

#include "api/http.hpp"

namespace codasync::api::transport {

/// Why the transport itself answers a client.
struct Refusal {
  int status;
  std::string_view type;  // last part of the URI urn:codasync:problem:<type>
  std::string_view
      detail;  // for the person; fixed text, so nothing of the request or of a library gets in
};

/// Returns: the answer as application/problem+json (RFC 9457).
Response to_response(const Refusal& refusal);

}  // namespace codasync::api::transport
