#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "api/transport/http.hpp"

namespace codasync::api {

/// The errors of each field: name → sentences. Sorted, so that responses are stable.
using FieldErrors = std::map<std::string, std::vector<std::string>>;

/// An error response of RFC 9457. It contains no text of exceptions or of other systems.
struct Problem {
  int status;
  /// The last part of the URI `urn:codasync:problem:<type>`: a stable code for programs.
  std::string_view type;
  std::string detail;  // one or two sentences for a person: what happened and what to do
  FieldErrors errors{};
  std::vector<Header> headers{};                        // Retry-After, Allow, ETag …
  std::map<std::string_view, std::int64_t> members{};   // further members, such as `version`
  std::map<std::string_view, std::string> documents{};  // others, as JSON
};

/// Returns: the response, `application/problem+json`, with the request id as `instance`.
Response to_response(const Problem& problem, std::string_view request_id);

}  // namespace codasync::api
