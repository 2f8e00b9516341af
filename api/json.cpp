#include "api/json.hpp"

#include <rapidjson/document.h>
#include <rapidjson/error/en.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <set>

#include "storage/model/text.hpp"

namespace codasync::api {
namespace {

// ----------------------------------------------------------------------------------------------
// writing

/// A JSON object under construction.
class Object {
 public:
  Object() { writer_.StartObject(); }

  Object& add(std::string_view name, std::string_view value) {
    key(name);
    writer_.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
    return *this;
  }
  Object& add(std::string_view name, const std::string& value) {
    return add(name, std::string_view{value});
  }
  Object& add(std::string_view name, const char* value) = delete;
  Object& add(std::string_view name, std::int64_t value) {
    key(name);
    writer_.Int64(value);
    return *this;
  }
  Object& add(std::string_view name, bool value) {
    key(name);
    writer_.Bool(value);
    return *this;
  }
  Object& add(std::string_view name, const std::vector<ShopId>& ids) {
    key(name);
    writer_.StartArray();
    for (const auto id : ids) writer_.Int64(id.value());
    writer_.EndArray();
    return *this;
  }
  template <class T>
  Object& add(std::string_view name, const std::optional<T>& value) {
    if (value) return add(name, *value);
    key(name);
    writer_.Null();
    return *this;
  }
  Object& add(std::string_view name, Date value) { return add(name, to_string(value)); }
  Object& add(std::string_view name, Instant value) { return add(name, to_string(value)); }

  Object& add(const std::optional<ShelfDate>& date) {
    add("expiry_date", date ? std::optional{date->date} : std::nullopt);
    return add("date_kind",
               date && date->kind ? std::optional{name_of(*date->kind)} : std::nullopt);
  }

  std::string done() {
    writer_.EndObject();
    return {buffer_.GetString(), buffer_.GetSize()};
  }

 private:
  void key(std::string_view name) {
    writer_.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
  }

  static constexpr std::size_t kUsualBytes = 512;

  rapidjson::StringBuffer buffer_{nullptr, kUsualBytes};
  rapidjson::Writer<rapidjson::StringBuffer> writer_{buffer_};
};

void describe(Object& object, const Reading& reading) {
  object.add("id", reading.id.value())
      .add("shop", reading.shop.value())
      .add("GTIN", reading.gtin.canonical())
      .add("name", reading.name)
      .add(reading.date)
      .add("quantity", reading.quantity)
      .add("version", reading.version)
      .add("observed_at", reading.observed_at)
      .add("updated_at", reading.updated_at);
}

void describe(Object& object, const storage::Token& token) {
  object.add("id", token.id.value())
      .add("name", token.name)
      .add("role", name_of(token.role))
      .add("shops", token.shops)
      .add("created_at", token.created_at)
      .add("expires_at", token.expires_at);
}

}  // namespace

std::string to_json(const Shop& shop) {
  Object object;
  object.add("id", shop.id.value()).add("name", shop.name).add("time_zone", shop.time_zone);
  return object.done();
}

std::string to_json(const Product& product) {
  Object object;
  object.add("GTIN", product.gtin.canonical())
      .add("name", product.name)
      .add("brand", product.brand)
      .add("category", product.category)
      .add("restricted", product.gtin.restricted())
      .add("updated_at", product.updated_at);
  return object.done();
}

std::string to_json(const Reading& reading) {
  Object object;
  describe(object, reading);
  return object.done();
}

std::string to_json(const Reading& reading, EventOutcome outcome) {
  Object object;
  describe(object, reading);
  object.add("outcome", name_of(outcome));
  return object.done();
}

std::string to_json(const HistoryEntry& entry) {
  const auto& event = entry.event;
  Object object;
  object.add("id", to_string(event.id))
      .add("reading", entry.reading.value())
      .add("kind", name_of(event.kind))
      .add(event.date)
      .add("quantity", event.quantity)
      .add("delta", event.kind == EventKind::adjust ? std::optional{event.delta} : std::nullopt)
      .add("observed_at", event.observed_at)
      .add("received_at", entry.received_at)
      .add("actor", entry.actor)
      .add("reason", entry.reason)
      .add("outcome", name_of(entry.outcome))
      .add("version", entry.version)
      .add("voids", event.voids ? std::optional{to_string(*event.voids)} : std::nullopt);
  return object.done();
}

std::string to_json(const storage::Token& token) {
  Object object;
  describe(object, token);
  return object.done();
}

std::string to_json(const storage::Token& token, std::string_view secret) {
  Object object;
  describe(object, token);
  object.add("token", secret);
  return object.done();
}

// ----------------------------------------------------------------------------------------------
// reading

namespace {

constexpr std::size_t kDepthMax = 16;

bool too_deep(const rapidjson::Value& value, std::size_t depth) {
  if (depth > kDepthMax) return true;
  if (value.IsObject()) {
    return std::any_of(value.MemberBegin(), value.MemberEnd(),
                       [&](const auto& member) { return too_deep(member.value, depth + 1); });
  }
  if (value.IsArray()) {
    return std::any_of(value.Begin(), value.End(),
                       [&](const auto& item) { return too_deep(item, depth + 1); });
  }
  return false;
}

std::string_view view(const rapidjson::Value& value) {
  return {value.GetString(), value.GetStringLength()};
}

}  // namespace

struct Body::Impl {
  static constexpr std::size_t kStackBytes = 256;  // to begin with

  // The document's first memory: without it each body, however short, takes 64 KB. Little enough
  // for all this to stay below 1 KB, from where on malloc tidies up before it gives.
  alignas(std::max_align_t) std::array<char, 512> bytes;
  rapidjson::MemoryPoolAllocator<> memory{bytes.data(), bytes.size()};
  rapidjson::Document document{&memory, kStackBytes};
  std::vector<std::string_view> known;  // names that a handler asked for
  FieldErrors errors;

  /// Returns: the member, or null when it is left out. Fills `given`.
  const rapidjson::Value* find(const char* field, bool& given) {
    known.push_back(field);
    const auto member = document.FindMember(field);
    given = member != document.MemberEnd();
    return given && !member->value.IsNull() ? &member->value : nullptr;
  }

  void refuse(const char* field, std::string sentence) {
    errors[field].push_back(std::move(sentence));
  }
};

Body::Body(std::unique_ptr<Impl> impl) noexcept : impl_{std::move(impl)} {}
Body::Body(Body&&) noexcept = default;
Body& Body::operator=(Body&&) noexcept = default;
Body::~Body() = default;

Outcome<Body, Problem> Body::parse(const std::string& text) {
  auto impl = std::make_unique<Impl>();
  auto& document = impl->document;
  // Iterative, because a recursive parser lets a body of brackets overflow the stack.
  document.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag |
                 rapidjson::kParseFullPrecisionFlag>(text.data(), text.size());
  if (document.HasParseError()) {
    return bad_json("The body is no JSON: stopped at byte " +
                    std::to_string(document.GetErrorOffset()) + ".");
  }
  if (!document.IsObject()) return bad_json("The body must be a JSON object.");
  if (too_deep(document, 0)) return bad_json("The body is nested deeper than 16 levels.");
  std::set<std::string_view> names;
  for (const auto& member : document.GetObject()) {
    if (!names.insert(view(member.name)).second) {
      return bad_fields({{shown_field(view(member.name)), {"This field is given twice."}}});
    }
  }
  return Body{std::move(impl)};
}

Field<std::string> Body::name(const char* field) {
  Field<std::string> out;
  const auto* value = impl_->find(field, out.given);
  if (value == nullptr) return out;
  if (!value->IsString()) {
    impl_->refuse(field, "This must be a text.");
  } else if (const auto refusal = refuse_name(view(*value))) {
    impl_->refuse(field, std::string{explain(*refusal)});
  } else {
    out.value = view(*value);
  }
  return out;
}

Field<std::int64_t> Body::integer(const char* field, std::int64_t min, std::int64_t max) {
  Field<std::int64_t> out;
  const auto* value = impl_->find(field, out.given);
  if (value == nullptr) return out;
  if (!value->IsInt64() || value->GetInt64() < min || value->GetInt64() > max) {
    impl_->refuse(field, "This must be a whole number from " + std::to_string(min) + " to " +
                             std::to_string(max) + ".");
  } else {
    out.value = value->GetInt64();
  }
  return out;
}

Field<Date> Body::date(const char* field) {
  Field<Date> out;
  const auto* value = impl_->find(field, out.given);
  if (value == nullptr) return out;
  out.value = value->IsString() ? parse_date(view(*value)) : std::nullopt;
  if (!out.value) impl_->refuse(field, "This must be an existing day as YYYY-MM-DD.");
  return out;
}

Field<Instant> Body::instant(const char* field) {
  Field<Instant> out;
  const auto* value = impl_->find(field, out.given);
  if (value == nullptr) return out;
  out.value = value->IsString() ? parse_instant(view(*value)) : std::nullopt;
  if (!out.value) {
    impl_->refuse(field,
                  "This must be a date and time with its offset, such as 2026-11-24T09:30:00Z.");
  }
  return out;
}

Field<Gtin> Body::gtin(const char* field) {
  Field<Gtin> out;
  const auto* value = impl_->find(field, out.given);
  if (value == nullptr) return out;
  if (!value->IsString() && !value->IsUint64()) {
    impl_->refuse(field, "This must be a GTIN as text.");
    return out;
  }
  // The first service took numbers too. One that lost its leading zeros has a wrong length and is
  // refused.
  const auto gtin = Gtin::parse(value->IsString() ? std::string{view(*value)}
                                                  : std::to_string(value->GetUint64()));
  if (gtin) {
    out.value = *gtin;
  } else {
    impl_->refuse(field, std::string{explain(gtin.error())});
  }
  return out;
}

Field<std::string> Body::one_of(const char* field, std::initializer_list<std::string_view> words) {
  Field<std::string> out;
  const auto* value = impl_->find(field, out.given);
  if (value == nullptr) return out;
  if (value->IsString() && std::find(words.begin(), words.end(), view(*value)) != words.end()) {
    out.value = view(*value);
    return out;
  }
  std::string sentence{"This must be one of:"};
  for (const auto word : words)
    sentence += (sentence.back() == ':' ? " " : ", ") + std::string{word};
  impl_->refuse(field, sentence + ".");
  return out;
}

Field<std::vector<std::int64_t>> Body::integers(const char* field, std::int64_t min,
                                                std::int64_t max, std::size_t count_max) {
  Field<std::vector<std::int64_t>> out;
  const auto* value = impl_->find(field, out.given);
  if (value == nullptr) return out;
  std::vector<std::int64_t> numbers;
  bool right = value->IsArray() && value->Size() <= count_max;
  if (right) {
    for (const auto& item : value->GetArray()) {
      if (!item.IsInt64() || item.GetInt64() < min || item.GetInt64() > max) {
        right = false;
        break;
      }
      numbers.push_back(item.GetInt64());
    }
  }
  if (right) {
    out.value = std::move(numbers);
  } else {
    impl_->refuse(field, "This must be a list of at most " + std::to_string(count_max) +
                             " whole numbers from " + std::to_string(min) + " to " +
                             std::to_string(max) + ".");
  }
  return out;
}

void Body::read_only(std::initializer_list<const char*> fields) {
  for (const auto* field : fields) impl_->known.push_back(field);
}

void Body::refuse(const char* field, std::string sentence) {
  impl_->refuse(field, std::move(sentence));
}

bool Body::refused(const char* field) const { return impl_->errors.contains(field); }

std::optional<Problem> Body::finish() {
  for (const auto& member : impl_->document.GetObject()) {
    const auto name = view(member.name);
    if (std::find(impl_->known.begin(), impl_->known.end(), name) != impl_->known.end()) continue;
    // A wild body must not make a wild answer.
    if (impl_->errors.size() >= 50) break;
    impl_->errors[shown_field(name)].push_back("There is no field of this name here.");
  }
  if (impl_->errors.empty()) return std::nullopt;
  return bad_fields(impl_->errors);
}

}  // namespace codasync::api
