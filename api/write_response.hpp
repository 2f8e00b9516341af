#pragma once

#include <string>

#include "api/transport/http.hpp"
#include "storage/idempotency.hpp"

namespace codasync::api {

/// The response to a successful write, in the form that is stored for an Idempotency-Key.
struct WriteResponse {
  int status{200};
  std::string etag{};      // without quotes; empty: no ETag header
  std::string location{};  // empty: no Location header
  std::string body{};      // JSON; empty: no body
};

/// Returns: the text to store: empty for 204, otherwise the status, the ETag and the location, each
/// on a line, and the body.
std::string serialise(const WriteResponse& response);

/// Returns: the response from a text of serialise().
WriteResponse parse_write_response(const std::string& text);

Response to_response(const WriteResponse& response);

/// The same from a stored text, with `Idempotency-Replayed` when an earlier request had stored it.
Response to_response(const storage::StoredResponse& kept);

}  // namespace codasync::api
