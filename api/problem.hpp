#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/transport/problem_details.hpp"

// The problems of the handlers.

namespace codasync::api {

/// Returns: the name of an unknown field or parameter for `errors`: valid UTF-8, at most 100
/// characters.
std::string shown_field(std::string_view name);

/// Returns: the words, separated by commas.
std::string listed(std::span<const std::string_view> words);

Problem bad_fields(FieldErrors errors);
Problem bad_query(FieldErrors errors);  // as bad_fields(), for query parameters
Problem bad_json(std::string detail);
Problem not_found(std::string detail);
Problem unauthorized(std::string detail);
Problem token_revoked();  // as unauthorized(), found by the transaction of a write
Problem session_ended();  // as unauthorized(), for the session of a browser
/// Returns: 422 for fields that name another resource than the address.
Problem identity_is_fixed(const std::vector<std::string>& fields);
Problem key_reused();  // 422: the Idempotency-Key belongs to another request
Problem forbidden(std::string detail);
Problem other_shop();  // 403: the token is for other shops

/// Returns: 503 with Retry-After. Requires: nothing was changed.
Problem unavailable(std::string detail, int retry_after_seconds = 1);

/// The same for a dependency (storage/errors.hpp): type `clock` when the clocks of this machine and
/// of the database differ too much.
Problem unavailable_because(std::string_view dependency);

/// Returns: 504 with Retry-After: the commit result is unknown; the client repeats the request with
/// its Idempotency-Key. Nginx uses the same type (nginx/README.md). It is not 503, which means that
/// nothing was changed.
Problem in_doubt();

/// Returns: 500: a bug. The log contains the cause.
Problem internal_error();

}  // namespace codasync::api
