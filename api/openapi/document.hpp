#pragma once

#include "api/transport/http.hpp"

namespace codasync::api::openapi {

/// Returns: the response with the description of the API, an OpenAPI 3.1 document, made from the
/// route table and from the texts of this folder. `public_reads`: reads need no token.
/// Throws: std::logic_error when a route, a parameter or a problem has no text, or when a text
/// belongs to no route. That is a bug; tests/api/openapi_test.cpp finds it.
Response describe(bool public_reads);

}  // namespace codasync::api::openapi
