#pragma once

#include <string>

#include "api/http.hpp"
#include "storage/idempotency.hpp"

namespace codasync::api {

/// The answer to a write that was done.
struct Answer {
  int status{200};
  std::string etag{};      // without quotes; empty: none
  std::string location{};  // empty: none
  std::string body{};      // JSON; empty: none
};

/// Returns: the answer as a text that is kept under an idempotency key. An empty text is kept for
/// 204, which nothing has to be said about.
std::string write_down(const Answer& answer);

/// Returns: the answer that write_down() wrote.
Answer read_kept(const std::string& text);

Response to_response(const Answer& answer);

/// The same with `Idempotency-Replayed` where it is the answer to an earlier request.
Response to_response(const storage::KeptText& kept);

}  // namespace codasync::api
