#include "api/openapi/document.hpp"

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "api/openapi/texts.hpp"
#include "api/responses.hpp"
#include "api/routes.hpp"

namespace codasync::api::openapi {
namespace {

using Value = rapidjson::Value;

constexpr const char* kDescription =
    "Expiry dates and quantities of products in shops.\n\n"
    "A slash at the end of an address is optional. HEAD is answered as GET, without the body. "
    "Every answer has `X-Request-Id`: that of the request if it is well-formed (1 to 128 of "
    "`A-Z a-z 0-9 . _ -`). Answers to requests with a session have `Oldest-Console`, the oldest "
    "version of the console that the service accepts. Errors are problem details (RFC 9457); "
    "`type` is a stable code.\n\n"
    "Lists have at most `limit` rows; `Link: <…>; rel=\"next\"` is the next page.\n\n"
    "A write with `Idempotency-Key` takes effect once: repeated, it gets the stored answer. "
    "A write with `If-Match` takes effect only if the row still has that version.";

/// Returns: a text of this folder. Throws: std::logic_error when it is malformed.
rapidjson::Document parse(std::string_view text) {
  rapidjson::Document document;
  document.Parse(text.data(), text.size());
  if (document.HasParseError()) throw std::logic_error{"a text of api/openapi is not JSON"};
  return document;
}

std::string_view view(const Value& text) { return {text.GetString(), text.GetStringLength()}; }

/// Returns: the member, or a null pointer.
const Value* find(const Value& object, std::string_view name) {
  const auto member = object.FindMember(
      Value{rapidjson::StringRef(name.data(), static_cast<rapidjson::SizeType>(name.size()))});
  return member == object.MemberEnd() ? nullptr : &member->value;
}

const Value& require(const Value& object, std::string_view name) {
  if (const auto* found = find(object, name)) return *found;
  throw std::logic_error{"api/openapi has no text for " + std::string{name}};
}

/// The variables of a pattern, such as {id}.
std::vector<std::string_view> variables_of(std::string_view pattern) {
  std::vector<std::string_view> found;
  for (auto at = pattern.find('{'); at != std::string_view::npos; at = pattern.find('{', at + 1))
    found.push_back(pattern.substr(at, pattern.find('}', at) + 1 - at));
  return found;
}

std::string lower_name_of(Method method) {
  std::string name{name_of(method)};
  std::ranges::transform(name, name.begin(), [](char c) { return static_cast<char>(c | 0x20); });
  return name;
}

/// What is known of a route without its texts.
class Traits {
 public:
  Traits(const Route& route, bool public_reads) : route_{route}, public_reads_{public_reads} {}

  [[nodiscard]] bool reads() const { return route_.method == Method::get; }
  [[nodiscard]] bool writes() const {
    return !reads() && !writes_list() && !signs_in() && !imports();
  }
  /// Starts or ends a session: it changes no resource that has a version.
  [[nodiscard]] bool signs_in() const { return !reads() && route_.needs.access == Access::open; }
  [[nodiscard]] bool takes(Credential credential) const {
    return needs_token() &&
           (route_.needs.credential == Credential::any || route_.needs.credential == credential);
  }
  [[nodiscard]] bool streams() const { return std::holds_alternative<EventStream>(route_.action); }
  [[nodiscard]] bool exports() const { return std::holds_alternative<Export>(route_.action); }
  /// Its response is a stream of lines.
  [[nodiscard]] bool imports() const { return std::holds_alternative<Import>(route_.action); }
  [[nodiscard]] bool uploads() const {
    return imports() && std::get<Import>(route_.action).uploads;
  }
  /// Each operation of a list has an id and a result of its own.
  [[nodiscard]] bool writes_list() const {
    return std::holds_alternative<StockWrites>(route_.action);
  }
  [[nodiscard]] bool writes_stock() const {
    return std::holds_alternative<StockWrite>(route_.action) ||
           std::holds_alternative<PlannedWrite>(route_.action);
  }
  [[nodiscard]] bool needs_token() const {
    return route_.needs.access == Access::staff || needs_admin() ||
           (route_.needs.access == Access::reader && !public_reads_);
  }
  [[nodiscard]] bool needs_admin() const { return route_.needs.access == Access::admin; }
  [[nodiscard]] bool queries() const { return !std::holds_alternative<Immediate>(route_.action); }
  [[nodiscard]] bool has_variable(std::string_view name) const {
    return route_.pattern.find(name) != std::string_view::npos;
  }
  [[nodiscard]] bool has_pages() const {
    return std::ranges::find(route_.parameters, "cursor") != route_.parameters.end();
  }

 private:
  const Route& route_;
  bool public_reads_;
};

/// Returns: the problems that every route of this kind has, and those of its own text.
std::set<std::string_view> problems_of(const Traits& route, const Value& operation) {
  std::set<std::string_view> codes{"bad-query"};
  if (route.needs_token()) codes.insert("unauthorized");
  if (route.needs_admin() || route.writes_stock()) codes.insert("forbidden");
  if (route.has_variable("{id}") || route.has_variable("{import}")) codes.insert("not-found");
  if (route.has_variable("{gtin}") || route.streams()) codes.insert("bad-fields");
  if (route.exports()) codes.insert("not-acceptable");
  if (route.imports()) codes.insert({"bad-fields", "in-doubt"});
  if (route.uploads()) {
    codes.insert({"import-question", "content-too-large", "unsupported-media-type"});
  } else if (route.imports()) {
    codes.insert("bad-json");
  }
  if (route.queries()) codes.insert({"unavailable", "clock"});
  if (route.writes())
    codes.insert({"bad-json", "bad-fields", "precondition-failed", "key-reused", "in-doubt"});
  if (route.writes_list()) codes.insert("in-doubt");
  if (route.writes_stock()) codes.insert({"id-reused", "too-old", "moment-is-full"});
  if (find(operation, "body") != nullptr || find(operation, "optional_body") != nullptr)
    codes.insert({"bad-json", "bad-fields", "content-too-large", "unsupported-media-type"});
  if (const auto* own = find(operation, "problems")) {
    for (const auto& code : own->GetArray()) codes.insert(view(code));
  }
  return codes;
}

/// Writes the document from the top to the bottom.
class Document {
 public:
  explicit Document(bool public_reads) : public_reads_{public_reads} {}

  std::string write() {
    check_texts();
    writer_.StartObject();
    field("openapi", "3.1.0");
    info();
    paths();
    components();
    writer_.EndObject();
    return {buffer_.GetString(), buffer_.GetSize()};
  }

 private:
  void key(std::string_view name) {
    writer_.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
  }
  void text(std::string_view value) {
    writer_.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
  }
  void field(std::string_view name, std::string_view value) {
    key(name);
    text(value);
  }
  void field(std::string_view name, const Value& value) {
    key(name);
    value.Accept(writer_);
  }
  template <class Write>
  void object(std::string_view name, Write&& members) {
    key(name);
    object(members);
  }
  template <class Write>
  void object(Write&& members) {
    writer_.StartObject();
    members();
    writer_.EndObject();
  }
  template <class Write>
  void array(std::string_view name, Write&& elements) {
    key(name);
    writer_.StartArray();
    elements();
    writer_.EndArray();
  }
  void reference(const char* kind, std::string_view name) {
    field("$ref", std::string{"#/components/"} + kind + "/" + std::string{name});
  }

  /// Throws: std::logic_error for a text of a route that does not exist.
  void check_texts() const {
    std::set<std::string> known;
    for (const auto& route : routes()) known.insert(name_of_operation(route));
    for (const auto* texts : {&operations_, &examples_}) {
      for (const auto& [name, operation] : texts->GetObject()) {
        if (!known.contains(std::string{view(name)}))
          throw std::logic_error{"api/openapi describes no route: " + std::string{view(name)}};
      }
    }
  }

  static std::string name_of_operation(const Route& route) {
    return std::string{api::name_of(route.method)} + " " + std::string{route.pattern};
  }

  void info() {
    object("info", [&] {
      field("title", "CodaSync");
      field("version", CODASYNC_VERSION);
      field("description", kDescription);
      object("license", [&] {
        field("name", "Apache License 2.0");
        field("identifier", "Apache-2.0");
      });
    });
    array("servers", [&] { object([&] { field("url", "/"); }); });
  }

  void paths() {
    std::vector<std::string_view> patterns;  // in the order of the table
    for (const auto& route : routes()) {
      if (std::ranges::find(patterns, route.pattern) == patterns.end())
        patterns.push_back(route.pattern);
    }
    object("paths", [&] {
      for (const auto pattern : patterns) {
        object(pattern, [&] {
          for (const auto& route : routes()) {
            if (route.pattern == pattern) operation(route);
          }
        });
      }
    });
  }

  void operation(const Route& route) {
    const auto name = name_of_operation(route);
    const auto& its = require(operations_, name);
    const Traits traits{route, public_reads_};
    const auto* examples = find(examples_, name);
    object(lower_name_of(route.method), [&] {
      field("operationId", require(its, "id"));
      array("tags", [&] { text(view(require(its, "tag"))); });
      field("summary", require(its, "summary"));
      std::string description;
      if (const auto* own = find(its, "description")) description.append(view(*own)).append(" ");
      description += traits.needs_admin() ? "Needs the token of an admin."
                     : !traits.takes(Credential::token) && traits.needs_token() ? "Needs a session."
                     : traits.needs_token()                                     ? "Needs a token."
                                                                                : "Needs no token.";
      field("description", description);
      array("security", [&] {
        if (traits.takes(Credential::token)) object([&] { array("token", [] {}); });
        if (traits.takes(Credential::session)) object([&] { array("session", [] {}); });
      });
      parameters(route, traits, its);
      traits.uploads() ? file() : body(its, examples);
      responses(traits, its, examples);
    });
  }

  void parameters(const Route& route, const Traits& traits, const Value& its) {
    array("parameters", [&] {
      for (const auto variable : variables_of(route.pattern)) {
        object([&] {
          field("name", variable.substr(1, variable.size() - 2));
          field("in", "path");
          key("required");
          writer_.Bool(true);
          described(require(parameters_, variable));
        });
      }
      for (const auto name : route.parameters) {
        object([&] {
          field("name", name);
          field("in", "query");
          const auto* own = find(its, "parameters");
          const auto* special = own != nullptr ? find(*own, name) : nullptr;
          described(special != nullptr ? *special : require(parameters_, name));
        });
      }
      if (has_entity_tag(traits, its)) header_parameter("If-None-Match");
      if (traits.streams()) header_parameter("Last-Event-ID");
      if (traits.exports()) header_parameter("Accept");
      if (traits.writes()) {
        header_parameter("If-Match");
        header_parameter("Idempotency-Key");
      }
    });
  }

  void header_parameter(const char* name) {
    object([&] { reference("parameters", name); });
  }

  void described(const Value& parameter) {
    for (const auto& [name, value] : parameter.GetObject()) field(view(name), value);
  }

  void body(const Value& its, const Value* examples) {
    const auto* required = find(its, "body");
    const auto* schema_name = required != nullptr ? required : find(its, "optional_body");
    if (schema_name == nullptr) return;
    object("requestBody", [&] {
      key("required");
      writer_.Bool(required != nullptr);
      content("application/json", view(*schema_name),
              examples != nullptr ? find(*examples, "request") : nullptr);
    });
  }

  /// The file of an import.
  void file() {
    object("requestBody", [&] {
      key("required");
      writer_.Bool(true);
      object("content", [&] {
        for (const auto* type : {"text/csv", "application/x-ndjson", "application/gzip"})
          object(type, [&] { object("schema", [&] { schema("text"); }); });
      });
    });
  }

  void content(const char* type, std::string_view schema_name, const Value* example) {
    object("content", [&] {
      object(type, [&] {
        object("schema", [&] { schema(schema_name); });
        if (example != nullptr) field("example", *example);
      });
    });
  }

  /// `Shop`, `Shop[]` for a list, or the type of what has no schema.
  void schema(std::string_view name) {
    if (name == "text") {
      field("type", "string");
    } else if (name == "object") {
      field("type", "object");
    } else if (name.ends_with("[]")) {
      field("type", "array");
      object("items", [&] { schema(name.substr(0, name.size() - 2)); });
    } else {
      require(schemas_, name);
      reference("schemas", name);
    }
  }

  static bool is_text(const Value& answer) {
    const auto* schema_name = find(answer, "schema");
    return schema_name != nullptr && view(*schema_name) == "text";
  }

  /// Whether a read can be repeated with If-None-Match.
  static bool has_entity_tag(const Traits& traits, const Value& its) {
    if (!traits.reads()) return false;
    const auto& answer = require(require(its, "answers"), "200");
    const auto* own = find(answer, "entity_tag");
    return !is_text(answer) && (own == nullptr || own->GetBool());
  }

  void responses(const Traits& traits, const Value& its, const Value* examples) {
    const auto example_of = [&](std::string_view status) {
      return examples != nullptr ? find(*examples, status) : nullptr;
    };
    object("responses", [&] {
      for (const auto& [status, answer] : require(its, "answers").GetObject())
        success(traits, its, view(status), answer, example_of(view(status)));
      if (has_entity_tag(traits, its)) {
        object("304", [&] {
          field("description", "The client has this version (`If-None-Match`).");
          headers(headers_of_success(traits, its, "304", require(require(its, "answers"), "200")));
        });
      }
      std::map<std::int64_t, std::vector<std::string_view>> by_status;
      for (const auto code : problems_of(traits, its))
        by_status[require(require(problems_, code), "status").GetInt64()].push_back(code);
      for (const auto& [status, codes] : by_status)
        problem(status, codes, example_of(std::to_string(status)));
      object("default", [&] { reference("responses", "Problem"); });
    });
  }

  static std::vector<std::string_view> headers_of_success(const Traits& traits, const Value& its,
                                                          std::string_view status,
                                                          const Value& answer) {
    std::vector<std::string_view> names{"X-Request-Id"};
    if (has_entity_tag(traits, its) || (traits.writes() && status != "204"))
      names.emplace_back("ETag");
    if (traits.has_pages()) names.emplace_back("Link");
    if (status == "201") names.emplace_back("Location");
    if (traits.writes()) names.emplace_back("Idempotency-Replayed");
    if (const auto* own = find(answer, "headers")) {
      for (const auto& name : own->GetArray()) names.push_back(view(name));
    }
    return names;
  }

  void success(const Traits& traits, const Value& its, std::string_view status, const Value& answer,
               const Value* example) {
    object(status, [&] {
      field("description", require(answer, "text"));
      headers(headers_of_success(traits, its, status, answer));
      if (traits.exports()) return exported();
      if (const auto* schema_name = find(answer, "schema"))
        content(traits.streams()   ? "text/event-stream"
                : traits.imports() ? "application/x-ndjson"
                : is_text(answer)  ? "text/plain"
                                   : "application/json",
                view(*schema_name), example);
    });
  }

  /// The two formats of an export.
  void exported() {
    object("content", [&] {
      for (const auto* type : {"text/csv", "application/x-ndjson"})
        object(type, [&] { object("schema", [&] { schema("text"); }); });
    });
  }

  void problem(std::int64_t status, const std::vector<std::string_view>& codes,
               const Value* example) {
    object(std::to_string(status), [&] {
      std::string description;
      for (const auto code : codes) {
        description.append(description.empty() ? "`" : "\n\n`").append(code).append("`: ");
        description.append(view(require(require(problems_, code), "text")));
      }
      field("description", description);
      std::vector<std::string_view> names{"X-Request-Id"};
      if (status == 401) names.emplace_back("WWW-Authenticate");
      if (status == 412) names.emplace_back("ETag");
      if (status >= 503) names.emplace_back("Retry-After");
      headers(names);
      object("content", [&] {
        object("application/problem+json", [&] {
          object("schema", [&] {
            array("allOf", [&] {
              object([&] { reference("schemas", "Problem"); });
              object([&] { types_of(codes); });
            });
          });
          if (example != nullptr) field("example", *example);
        });
      });
    });
  }

  void types_of(const std::vector<std::string_view>& codes) {
    field("type", "object");
    object("properties", [&] {
      object("type", [&] {
        array("enum", [&] {
          for (const auto code : codes) text("urn:codasync:problem:" + std::string{code});
        });
      });
    });
  }

  void headers(const std::vector<std::string_view>& names) {
    object("headers", [&] {
      for (const auto name : names) object(name, [&] { reference("headers", name); });
    });
  }

  void components() {
    object("components", [&] {
      field("schemas", schemas_);
      for (const auto& [kind, texts] : shared_.GetObject()) field(view(kind), texts);
    });
  }

  const bool public_reads_;
  const rapidjson::Document examples_{parse(texts::k_examples)};
  const rapidjson::Document operations_{parse(texts::k_operations)};
  const rapidjson::Document parameters_{parse(texts::k_parameters)};
  const rapidjson::Document problems_{parse(texts::k_problems)};
  const rapidjson::Document schemas_{parse(texts::k_schemas)};
  const rapidjson::Document shared_{parse(texts::k_shared)};
  rapidjson::StringBuffer buffer_;
  rapidjson::Writer<rapidjson::StringBuffer> writer_{buffer_};
};

}  // namespace

Response describe(bool public_reads) { return ok_by_body(Document{public_reads}.write()); }

}  // namespace codasync::api::openapi
