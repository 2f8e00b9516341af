#include "api/problem.hpp"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "storage/model/text.hpp"

namespace codasync::api {
namespace {

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

void text(Writer& writer, std::string_view value) {
  writer.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
}

void field(Writer& writer, std::string_view name, std::string_view value) {
  writer.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
  text(writer, value);
}

}  // namespace

Response to_response(const Problem& problem, std::string_view request_id) {
  rapidjson::StringBuffer buffer;
  Writer writer{buffer};
  writer.StartObject();
  field(writer, "type", "urn:codasync:problem:" + std::string{problem.type});
  field(writer, "title", reason_of(problem.status));
  writer.Key("status");
  writer.Int(problem.status);
  field(writer, "detail", problem.detail);
  field(writer, "instance", request_id);
  if (!problem.errors.empty()) {
    writer.Key("errors");
    writer.StartObject();
    for (const auto& [name, sentences] : problem.errors) {
      writer.Key(name.c_str(), static_cast<rapidjson::SizeType>(name.size()));
      writer.StartArray();
      for (const auto& sentence : sentences) text(writer, sentence);
      writer.EndArray();
    }
    writer.EndObject();
  }
  if (problem.quantity) {
    writer.Key("quantity");
    writer.Int64(*problem.quantity);
  }
  if (problem.version) {
    writer.Key("version");
    writer.Int64(*problem.version);
  }
  writer.EndObject();

  Response response{problem.status, problem.headers, {buffer.GetString(), buffer.GetSize()}};
  response.headers.push_back({"Content-Type", "application/problem+json"});
  response.headers.push_back({"Cache-Control", "no-store"});
  return response;
}

std::string shown_field(std::string_view name) {
  constexpr std::size_t kCharactersMax = 100;
  return to_valid_utf8(name, kCharactersMax);
}

std::string listed(std::span<const std::string_view> words) {
  std::string list;
  for (const auto word : words) list.append(list.empty() ? "" : ", ").append(word);
  return list;
}

Problem bad_fields(FieldErrors errors) {
  return {400, "bad-fields", "Some fields are not valid; see `errors`.", std::move(errors)};
}

Problem bad_query(FieldErrors errors) {
  return {400, "bad-query", "Some query parameters are not valid; see `errors`.",
          std::move(errors)};
}

Problem bad_json(std::string detail) { return {400, "bad-json", std::move(detail)}; }

Problem not_found(std::string detail) { return {404, "not-found", std::move(detail)}; }

Problem unauthorized(std::string detail) {
  return {401, "unauthorized", std::move(detail), {}, {{"WWW-Authenticate", "Bearer"}}};
}

Problem token_revoked() { return unauthorized("This access token was revoked or has expired."); }

Problem key_reused() {
  return {422, "key-reused",
          "This Idempotency-Key was already used for a different request. Use a new key."};
}

Problem forbidden(std::string detail) { return {403, "forbidden", std::move(detail)}; }

Problem unavailable(std::string detail, int retry_after_seconds) {
  return {503,
          "unavailable",
          std::move(detail),
          {},
          {{"Retry-After", std::to_string(retry_after_seconds)}}};
}

Problem unavailable_because(std::string_view dependency) {
  if (dependency != "clock")
    return unavailable("The service is temporarily unavailable. Nothing was changed; try again.");
  auto problem = unavailable(
      "The clocks of this server and of its database differ too much. Nothing was changed. An "
      "operator must synchronise the clocks.",
      60);
  problem.type = "clock";
  return problem;
}

Problem in_doubt() {
  return {504,
          "in-doubt",
          "The connection to the database was lost during the commit, so it is unknown whether the "
          "change was made. Repeat the request with the same Idempotency-Key: it takes effect only "
          "once.",
          {},
          {{"Retry-After", "1"}}};
}

Problem internal_error() {
  return {500, "internal-error",
          "Unexpected server error. Try again; if it fails again, report the id in `instance`."};
}

}  // namespace codasync::api
