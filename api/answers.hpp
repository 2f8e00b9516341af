#pragma once

#include <string>
#include <vector>

#include "api/etag.hpp"
#include "api/json.hpp"
#include "api/parameters.hpp"
#include "api/routes.hpp"

// What several handlers need to make their answers and to read what clients sent.

namespace codasync::api {

/// Returns: 200 with this JSON, which clients may keep but have to ask about again.
Response ok(std::string json, const std::string& tag);

/// Returns: the answer to a list: its tag is made of the body.
Response ok_list(std::string json);

/// Returns: the answer that a write left, with `Idempotency-Replayed` where it was an earlier
/// one's.
Response to_response(const storage::Answer& answer);

/// Returns: the body of a write as JSON fields, or 415 for another content type, or 400.
Outcome<Body, Problem> read_body(const Request& request);

/// Returns: the key of the Idempotency-Key header, nothing where there is none, or 400 when it is
/// not 1 to 255 visible ASCII characters.
Outcome<std::optional<storage::IdempotencyKey>, Problem> read_idempotency_key(
    const Request& request);

/// Returns: the tags of a write's If-Match, nothing where there is none, or 400; for If-None-Match
/// too, because a condition must not be passed over (RFC 9110, 13.1.2).
Outcome<std::optional<EntityTags>, Problem> read_if_match(const Request& request);

/// Returns: who writes and under which conditions, for the catalogue.
Outcome<storage::WriteContext, Problem> write_context(const Call& call);

/// Returns: the answer to a write of the catalogue.
Result to_result(const storage::CatalogueStore::Result& result);

/// Returns: the path without a trailing slash, as the canonical URI has it.
std::string_view canonical_path(std::string_view path);

}  // namespace codasync::api
