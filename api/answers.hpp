#pragma once

#include <string>
#include <vector>

#include "api/answer.hpp"
#include "api/etag.hpp"
#include "api/json.hpp"
#include "api/parameters.hpp"
#include "api/routes.hpp"

// What several handlers need to make their answers and to read what clients sent.

namespace codasync::api {

/// Returns: 200 with this JSON, which clients may keep but have to ask about again.
Response ok(std::string json, const std::string& tag);

/// Returns: the same for what has no version, such as a list: its tag is made of the body.
Response ok_by_body(std::string json);

/// Returns: the body of a write as JSON fields, or 415 for another content type, or 400.
Outcome<Body, Problem> read_body(const Request& request);

/// Returns: the key of the Idempotency-Key header and what makes two requests the same one (its
/// fingerprint): method, canonical path and query, and the JSON of the body, however it is written.
/// Nothing where there is no header, 400 when it is not 1 to 255 visible ASCII characters.
/// `body`: what read_body() returned; null pointer for a request whose body is not read.
Outcome<std::optional<storage::IdempotencyKey>, Problem> read_idempotency_key(const Call& call,
                                                                              const Body* body);

/// Returns: the tags of a write's If-Match, nothing where there is none, or 400; for If-None-Match
/// too, because a condition must not be passed over (RFC 9110, 13.1.2).
Outcome<std::optional<EntityTags>, Problem> read_if_match(const Request& request);

/// Returns: who writes and under which conditions, for the catalogue and tokens. `body`: as for
/// read_idempotency_key().
Outcome<storage::WriteContext, Problem> write_context(const Call& call, const Body* body);

/// What a write of the catalogue is about.
enum class Subject { shop, product, token };

/// Returns: the answer to a write of the catalogue.
Result to_result(Subject subject, const storage::CatalogueStore::Result& result);

/// 404 for the one row that an address names.
Problem not_found(Subject subject);

/// Returns: the path without a trailing slash, as the canonical URI has it.
std::string_view canonical_path(std::string_view path);

}  // namespace codasync::api
