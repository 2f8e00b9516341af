#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/http.hpp"

namespace codasync::api {

/// What is wrong with each field: name → sentences. Sorted, so that answers are stable.
using FieldErrors = std::map<std::string, std::vector<std::string>>;

/// A refusal in the words of RFC 9457. Every text is ours and safe to show.
struct Problem {
  int status;
  std::string_view
      type;  // last part of the URI: `urn:codasync:problem:<type>`; a stable code for programs
  std::string detail;  // one or two sentences for the person: what happened and what to do
  FieldErrors errors{};
  std::vector<Header> headers{};           // Retry-After, Allow, ETag …
  std::optional<std::int64_t> quantity{};  // of a refused adjustment: what is there
  std::optional<std::int64_t> version{};   // of a failed precondition: the current one
};

/// Returns: the answer, `application/problem+json`, with the request id as `instance`.
Response to_response(const Problem& problem, std::string_view request_id);

/// Returns: a name of a field or parameter that a client made up, as `errors` shows it: readable,
/// and not long.
std::string shown_field(std::string_view name);

/// Returns: the words with commas in between, for a sentence.
std::string listed(std::span<const std::string_view> words);

// The common ones.
Problem bad_fields(FieldErrors errors);
Problem bad_query(FieldErrors errors);  // like bad_fields, for parameters of the address
Problem bad_json(std::string detail);
Problem not_found(std::string detail);
Problem unauthorized(std::string detail);
Problem forbidden(std::string detail);

/// 503 with Retry-After: nothing was changed.
Problem unavailable(std::string detail, int retry_after_seconds = 1);

/// The same because of a dependency (storage/errors.hpp): type `clock` where this machine's clock
/// and the database's differ too much.
Problem unavailable_because(std::string_view dependency);

/// 504 with Retry-After: whether a write took effect is not known, and repeating its key finds out.
/// The same type as Nginx gives (nginx/README.md); never 503, which says that nothing was changed.
Problem in_doubt();

/// 500: a bug. The log has more.
Problem internal_error();

}  // namespace codasync::api
