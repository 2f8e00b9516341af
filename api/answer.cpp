#include "api/answer.hpp"

#include <charconv>

namespace codasync::api {
namespace {

/// Takes a line off the front of `text`.
std::string take_line(std::string_view& text) {
  const auto end = std::min(text.find('\n'), text.size());
  const std::string line{text.substr(0, end)};
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

}  // namespace

// Status, entity tag and location, a line each, and the body.
std::string write_down(const Answer& answer) {
  if (answer.status == 204) return {};
  return std::to_string(answer.status) + "\n" + answer.etag + "\n" + answer.location + "\n" +
         answer.body;
}

Answer read_kept(const std::string& text) {
  if (text.empty()) return {.status = 204};
  std::string_view rest{text};
  Answer answer;
  const auto status = take_line(rest);
  std::from_chars(status.data(), status.data() + status.size(), answer.status);
  answer.etag = take_line(rest);
  answer.location = take_line(rest);
  answer.body = rest;
  return answer;
}

Response to_response(const Answer& answer) {
  Response response{answer.status, {}, answer.body};
  if (!answer.body.empty()) response.headers.push_back({"Content-Type", "application/json"});
  if (!answer.etag.empty()) response.headers.push_back({"ETag", "\"" + answer.etag + "\""});
  if (!answer.location.empty()) response.headers.push_back({"Location", answer.location});
  response.headers.push_back({"Cache-Control", "no-store"});
  return response;
}

Response to_response(const storage::KeptText& kept) {
  auto response = to_response(read_kept(kept.text));
  if (kept.replayed) response.headers.push_back({"Idempotency-Replayed", "true"});
  return response;
}

}  // namespace codasync::api
