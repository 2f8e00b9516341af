#include "api/transport/problem_details.hpp"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

namespace codasync::api {
namespace {

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

void key(Writer& writer, std::string_view name) {
  writer.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
}

void text(Writer& writer, std::string_view value) {
  writer.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
}

void field(Writer& writer, std::string_view name, std::string_view value) {
  key(writer, name);
  text(writer, value);
}

void field(Writer& writer, std::string_view name, std::int64_t value) {
  key(writer, name);
  writer.Int64(value);
}

void field(Writer& writer, std::string_view name, const FieldErrors& errors) {
  key(writer, name);
  writer.StartObject();
  for (const auto& [of, sentences] : errors) {
    key(writer, of);
    writer.StartArray();
    for (const auto& sentence : sentences) text(writer, sentence);
    writer.EndArray();
  }
  writer.EndObject();
}

}  // namespace

Response to_response(const Problem& problem, std::string_view request_id) {
  rapidjson::StringBuffer buffer;
  Writer writer{buffer};
  writer.StartObject();
  field(writer, "type", "urn:codasync:problem:" + std::string{problem.type});
  field(writer, "title", reason_of(problem.status));
  field(writer, "status", problem.status);
  field(writer, "detail", problem.detail);
  field(writer, "instance", request_id);
  if (!problem.errors.empty()) field(writer, "errors", problem.errors);
  for (const auto& [name, number] : problem.members) field(writer, name, number);
  for (const auto& [name, json] : problem.documents) {
    key(writer, name);
    writer.RawValue(json.data(), json.size(), rapidjson::kObjectType);
  }
  writer.EndObject();

  Response response{problem.status, problem.headers, {buffer.GetString(), buffer.GetSize()}};
  response.headers.push_back({"Content-Type", "application/problem+json"});
  response.headers.push_back({"Cache-Control", "no-store"});
  return response;
}

}  // namespace codasync::api
