#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/body.hpp"
#include "api/etag.hpp"
#include "api/json.hpp"
#include "api/parameters.hpp"
#include "api/routes.hpp"
#include "api/write_response.hpp"

// What several handlers use: to read requests and to make responses.

namespace codasync::api {

/// Returns: 200 with this JSON. Clients may cache it and must revalidate it (`no-cache`).
Response ok(std::string json, const std::string& tag);

/// Returns: the same for what has no version, such as a list. Its ETag is a hash of the body.
Response ok_by_body(std::string json);

/// Returns: the same for a page of a list, with a link to the next page if there is one. `path` and
/// `parameters`: of the list. `cursor_of`: the cursor after the last row of the page.
template <class Page, class CursorOf>
Response page_response(const Page& page, std::string_view path, const Parameters& parameters,
                       const CursorOf& cursor_of) {
  auto response = ok_by_body(to_json(page.rows));
  if (page.more)
    response.headers.push_back(parameters.next_page(path, cursor_of(page.rows.back())));
  return response;
}

/// Adds the header Total-Count. `count`: nothing for more rows than are counted, and no header.
void add_total(Response& response, const std::optional<std::int64_t>& count);

/// Returns: the media type of a Content-Type, without its parameters, in lower case.
std::string media_type(std::string_view content_type);

/// Returns: the fields of a write's JSON body, 415 for another content type, or 400.
Outcome<Body, Problem> read_body(const Request& request);

/// Returns: the problem of a body of a request that has no fields; nothing without a body, and for
/// an empty object.
std::optional<Problem> refuse_fields(const Request& request);

/// Returns: the Idempotency-Key and the fingerprint of the request; nothing without the header; 400
/// when the key is not 1 to 255 visible ASCII characters. Requests with equal method, path, query
/// and JSON have the same fingerprint, however they are spelled.
/// `body`: from read_body(); null pointer when the body is not read.
Outcome<std::optional<storage::IdempotencyKey>, Problem> read_idempotency_key(const Call& call,
                                                                              const Body* body);

/// Returns: the entity tags of a write's If-Match, nothing without the header, or 400.
/// If-None-Match is 400 too, because a condition must not be ignored (RFC 9110, 13.1.2).
Outcome<std::optional<EntityTags>, Problem> read_if_match(const Request& request);

/// Returns: actor, If-Match and Idempotency-Key of a write to the catalogue or to tokens. `body`:
/// as for read_idempotency_key().
Outcome<storage::WriteContext, Problem> write_context(const Call& call, const Body* body);
/// The same for a request that has no fields (refuse_fields()).
Outcome<storage::WriteContext, Problem> write_context(const Call& call);

/// The resource that a catalogue write changes.
enum class Subject { shop, thresholds, product, token };

/// Returns: 403 when the token is not for this shop (storage::covers()).
std::optional<Problem> refuse_other_shop(const storage::Token& actor, ShopId shop);

/// Returns: the shops of a read over several: the named ones or, when none is named, all that the
/// token is for; an empty list: all. 403 when one of them is not a shop of the token.
Outcome<std::vector<ShopId>, Problem> shops_of(const storage::Token& actor,
                                               std::vector<ShopId> named);

/// Returns: the response to a catalogue write.
Result to_result(Subject subject, const storage::CatalogueStore::Result& result);

/// Returns: 404 for a missing resource.
Problem not_found(Subject subject);

/// Returns: the path without a trailing slash.
std::string_view canonical_path(std::string_view path);

}  // namespace codasync::api
