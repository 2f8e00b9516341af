#include "api/json.hpp"

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <cmath>
#include <cstddef>

#include "api/feed_cursor.hpp"
#include "storage/model/number.hpp"
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

  /// Adds a value that is JSON already.
  Object& add_json(std::string_view name, const std::string& json) {
    key(name);
    writer_.RawValue(json.data(), json.size(), rapidjson::kObjectType);
    return *this;
  }

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
      .add("available", reading.available())
      .add("expired", reading.expired)
      .add("version", reading.version)
      .add("observed_at", reading.observed_at)
      .add("checked_at", reading.checked_at)
      .add("counted_at", reading.counted_at)
      .add("updated_at", reading.updated_at);
}

std::string_view name_of(storage::WorkReason reason) {
  switch (reason) {
    case storage::WorkReason::miscounted:
      return "miscounted";
    case storage::WorkReason::expired:
      return "expired";
    case storage::WorkReason::due:
      return "due";
    case storage::WorkReason::never_checked:
      return "never_checked";
    case storage::WorkReason::stale:
      return "stale";
  }
  __builtin_unreachable();
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
  object.add("id", shop.id.value())
      .add("name", shop.name)
      .add("time_zone", shop.time_zone)
      .add("version", shop.version)
      .add("updated_at", shop.updated_at);
  return object.done();
}

std::string to_json(const Product& product) {
  Object object;
  object.add("GTIN", product.gtin.canonical())
      .add("name", product.name)
      .add("brand", product.brand)
      .add("category", product.category)
      .add("restricted", product.gtin.restricted())
      .add("version", product.version)
      .add("updated_at", product.updated_at);
  return object.done();
}

std::string to_json(const storage::ProductGroup& group) {
  Object object;
  object.add("name", group.name).add("products", group.products);
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

std::string tombstone_json(const Reading& reading, EventOutcome outcome) {
  Object object;
  object.add("id", reading.id.value())
      .add("shop", reading.shop.value())
      .add("GTIN", reading.gtin.canonical())
      .add("version", reading.version)
      .add("removed", true)
      .add("outcome", name_of(outcome));
  return object.done();
}

std::string to_json(const storage::FeedReading& change) {
  const auto& reading = change.reading;
  Object object;
  if (change.removed) {
    object.add("id", reading.id.value())
        .add("shop", reading.shop.value())
        .add("GTIN", reading.gtin.canonical())
        .add("version", reading.version);
  } else {
    describe(object, reading);
  }
  object.add("product_version", reading.product_version);
  if (change.removed) object.add("removed", true);
  return object.done();
}

namespace {

void describe(Object& object, const storage::FeedPage& page, std::string_view next,
              std::chrono::milliseconds behind) {
  object.add("epoch", epoch_text(page.epoch))
      .add_json("shop", to_json(page.shop))
      .add_json("changes", to_json(page.readings))
      .add("next", next)
      .add("more", page.more)
      .add("behind_ms", std::int64_t{behind.count()});
}

std::int64_t milliseconds_of(std::chrono::microseconds offset) {
  return std::chrono::round<std::chrono::milliseconds>(offset).count();
}

}  // namespace

std::string to_json(const storage::FeedPage& page, std::string_view next,
                    std::chrono::milliseconds behind) {
  Object object;
  describe(object, page, next, behind);
  return object.done();
}

std::string accepted_json(const std::string& id, const EventId& event, EventOutcome outcome,
                          const storage::FeedReading& reading) {
  Object object;
  object.add("id", id)
      .add("event", to_string(event))
      .add("outcome", name_of(outcome))
      .add_json("reading", to_json(reading));
  return object.done();
}

std::string rejected_json(const std::optional<std::string>& id, const std::string& problem) {
  Object object;
  object.add("id", id).add("outcome", std::string_view{"rejected"}).add_json("problem", problem);
  return object.done();
}

std::string batch_json(std::chrono::microseconds clock_offset, const std::string& results) {
  Object object;
  object.add("clock_offset_ms", milliseconds_of(clock_offset)).add_json("results", results);
  return object.done();
}

std::string sync_json(const storage::FeedPage& page, std::string_view next,
                      std::chrono::milliseconds behind, std::chrono::microseconds clock_offset,
                      const std::string& results) {
  Object object;
  object.add("clock_offset_ms", milliseconds_of(clock_offset)).add_json("results", results);
  describe(object, page, next, behind);
  return object.done();
}

std::string array_json(const std::vector<std::string>& values) {
  std::string out{"["};
  for (const auto& value : values) out += (out.size() > 1 ? "," : "") + value;
  return out + "]";
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
      .add("voids", event.voids ? std::optional{to_string(*event.voids)} : std::nullopt)
      .add("voided_by",
           entry.voided_by ? std::optional{to_string(*entry.voided_by)} : std::nullopt);
  return object.done();
}

std::string to_json(const storage::AuditEntry& entry) {
  Object object;
  object.add("id", entry.id)
      .add("at", entry.at)
      .add("token", entry.token.value())
      .add("actor", entry.actor)
      .add("action", entry.action)
      .add("subject", entry.subject)
      .add("subject_id", entry.subject == "product"
                             ? Gtin::from_number(entry.subject_id).canonical()
                             : std::to_string(entry.subject_id))
      .add_json("before", entry.before.value_or("null"))
      .add_json("after", entry.after.value_or("null"));
  return object.done();
}

std::string to_json(const storage::WorkItem& item) {
  Object object;
  describe(object, item.reading);
  object.add("reason", name_of(item.reason));
  return object.done();
}

std::string to_json(const storage::ShopThresholds& thresholds) {
  Object categories;
  for (const auto& [name, own] : thresholds.categories) {
    Object category;
    category.add("days", own.days).add("stale_days", own.stale_days);
    categories.add_json(name, category.done());
  }
  Object object;
  object.add("days", thresholds.days)
      .add("stale_days", thresholds.stale_days)
      .add_json("categories", categories.done())
      .add("version", thresholds.version);
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

using Value = rapidjson::Value;

constexpr std::size_t kDepthMax = 16;
constexpr std::size_t kErrorsMax = 20;  // limits the size of the response

// Up to here, different whole numbers are different doubles.
constexpr double kExactMax = 9'007'199'254'740'992;  // 2^53

std::string_view view(const Value& value) { return {value.GetString(), value.GetStringLength()}; }

/// Returns: the value of a JSON number that is a whole number.
std::optional<std::int64_t> whole_number(const Value& value) {
  if (value.IsInt64()) return value.GetInt64();
  if (!value.IsDouble()) return std::nullopt;
  const double number = value.GetDouble();
  if (std::abs(number) > kExactMax || std::trunc(number) != number) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

/// The same, also for a number in a string.
std::optional<std::int64_t> lenient_number(const Value& value) {
  return value.IsString() ? parse_whole_number(view(value)) : whole_number(value);
}

std::optional<Problem> refuse_repeated_names(const Value& object) {
  std::vector<std::string_view> names;
  names.reserve(object.MemberCount());
  for (const auto& member : object.GetObject()) names.push_back(view(member.name));
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice == names.end()) return std::nullopt;
  return bad_fields({{shown_field(*twice), {"This field is repeated."}}});
}

/// Returns: the problem of a value that no body may contain.
std::optional<Problem> refuse_shape(const Value& value, std::size_t depth) {
  if (depth > kDepthMax) return bad_json("The body has more than 16 levels of nesting.");
  if (value.IsObject()) {
    if (auto problem = refuse_repeated_names(value)) return problem;
    for (const auto& member : value.GetObject()) {
      if (auto problem = refuse_shape(member.value, depth + 1)) return problem;
    }
  } else if (value.IsArray()) {
    for (const auto& item : value.GetArray()) {
      if (auto problem = refuse_shape(item, depth + 1)) return problem;
    }
  }
  return std::nullopt;
}

void append_canonical_string(std::string_view bytes, std::string& text) {
  text.append("\"").append(std::to_string(bytes.size())).append(":").append(bytes);
}

void append_canonical_number(const Value& value, std::string& text) {
  if (const auto number = whole_number(value)) {
    text += std::to_string(*number);
  } else if (value.IsUint64()) {
    text += std::to_string(value.GetUint64());
  } else {
    std::array<char, 32> digits{};  // the shortest that identify the double
    const auto end =
        std::to_chars(digits.data(), digits.data() + digits.size(), value.GetDouble()).ptr;
    text.append(digits.data(), end);
  }
  text.push_back(',');
}

void append_canonical_value(const Value& value, std::string& text);

void append_canonical_object(const Value& object, std::string& text) {
  std::vector<const Value::Member*> members;
  members.reserve(object.MemberCount());
  for (const auto& member : object.GetObject()) members.push_back(&member);
  std::sort(members.begin(), members.end(),
            [](const auto* a, const auto* b) { return view(a->name) < view(b->name); });
  text.push_back('{');
  for (const auto* member : members) {
    append_canonical_string(view(member->name), text);
    append_canonical_value(member->value, text);
  }
  text.push_back('}');
}

void append_canonical_value(const Value& value, std::string& text) {
  switch (value.GetType()) {
    case rapidjson::kObjectType:
      append_canonical_object(value, text);
      return;
    case rapidjson::kArrayType:
      text.push_back('[');
      for (const auto& item : value.GetArray()) append_canonical_value(item, text);
      text.push_back(']');
      return;
    case rapidjson::kStringType:
      append_canonical_string(view(value), text);
      return;
    case rapidjson::kNumberType:
      append_canonical_number(value, text);
      return;
    case rapidjson::kTrueType:
      text.push_back('t');
      return;
    case rapidjson::kFalseType:
      text.push_back('f');
      return;
    case rapidjson::kNullType:
      text.push_back('n');
      return;
  }
}

// The fields that the service computes. A check returns an empty text for a valid value, otherwise
// the error.
using Check = std::string_view (*)(const Value& value);

std::string_view is_counter(const Value& value) {
  const auto number = lenient_number(value);
  return number && *number >= 1 ? ""
                                : "This must be a whole number of at least 1, as in responses.";
}
std::string_view is_boolean(const Value& value) {
  return value.IsBool() ? "" : "This must be true or false, as in responses.";
}
std::string_view is_instant(const Value& value) {
  return value.IsString() && parse_instant(view(value))
             ? ""
             : "This must be a date and time, as in responses.";
}
std::string_view is_instant_or_null(const Value& value) {
  return value.IsNull() ? "" : is_instant(value);
}
std::string_view is_outcome(const Value& value) {
  static constexpr std::string_view kOutcomes[] = {"applied", "kept", "duplicate"};
  const bool known = value.IsString() && std::find(std::begin(kOutcomes), std::end(kOutcomes),
                                                   view(value)) != std::end(kOutcomes);
  return known ? "" : "This must be applied, kept or duplicate, as in responses.";
}

struct ReadOnlyField {
  std::string_view name;
  Check check;
};
constexpr ReadOnlyField kReadOnlyFields[] = {
    {"id", is_counter},
    {"version", is_counter},
    {"updated_at", is_instant},
    {"observed_at", is_instant},
    {"checked_at", is_instant_or_null},
    {"counted_at", is_instant_or_null},
    {"available", is_boolean},
    {"expired", is_boolean},
    {"restricted", is_boolean},
    {"outcome", is_outcome},
};

Check check_of(std::string_view field) {
  const auto* const found =
      std::find_if(std::begin(kReadOnlyFields), std::end(kReadOnlyFields),
                   [&](const ReadOnlyField& known) { return known.name == field; });
  assert(found != std::end(kReadOnlyFields));
  return found->check;
}

}  // namespace

struct Body::Impl {
  static constexpr std::size_t kStackBytes = 256;  // initial size

  // The first memory of the document; by default RapidJSON allocates 64 KB for each body. Impl
  // stays below 1 KiB: from there on, glibc's malloc consolidates its free lists first.
  alignas(std::max_align_t) std::array<char, 512> bytes;
  rapidjson::MemoryPoolAllocator<> memory{bytes.data(), bytes.size()};
  rapidjson::Document document{&memory, kStackBytes};
  const Value* object{&document};       // or an object in another body
  std::vector<std::string_view> known;  // fields that a client may send, in the order of reading
  std::vector<std::string_view> sent_back;  // fields of responses that it may send back
  FieldErrors errors;
  FieldErrors identity_errors;
  bool may_be_empty{true};

  /// Returns: the member; null pointer when it is absent.
  [[nodiscard]] const Value* member(const char* field) const {
    const auto found = object->FindMember(field);
    return found == object->MemberEnd() ? nullptr : &found->value;
  }

  /// Returns: the member; null pointer when it is absent or null. Sets `given`.
  const Value* find(const char* field, bool& given) {
    known.push_back(field);
    const auto* const value = member(field);
    given = value != nullptr;
    return given && !value->IsNull() ? value : nullptr;
  }

  [[nodiscard]] bool is_known(std::string_view field) const {
    const auto has = [&](const auto& names) {
      return std::find(names.begin(), names.end(), field) != names.end();
    };
    return has(known) || has(sent_back);
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
  // Iterative: nested brackets would overflow the stack of a recursive parser. Not with full
  // precision: for numbers of many digits with an exponent RapidJSON 1.1 reads after its table of
  // powers (found by tests/fuzz), and no field is a fraction.
  document.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(
      text.data(), text.size());
  if (document.HasParseError()) {
    return bad_json("The body is not valid JSON (error at byte " +
                    std::to_string(document.GetErrorOffset()) + ").");
  }
  if (!document.IsObject()) return bad_json("The body must be a JSON object.");
  if (auto problem = refuse_shape(document, 0)) return *problem;
  return Body{std::move(impl)};
}

Field<std::string> Body::name(const char* field) {
  Field<std::string> out;
  const auto* value = impl_->find(field, out.given);
  if (value == nullptr) return out;
  if (!value->IsString()) {
    impl_->refuse(field, "This must be a string.");
    return out;
  }
  const auto name = trim(view(*value));
  if (const auto refusal = refuse_name(name)) {
    impl_->refuse(field, explain(*refusal));
  } else {
    out.value = name;
  }
  return out;
}

Field<std::int64_t> Body::integer(const char* field, std::int64_t min, std::int64_t max) {
  Field<std::int64_t> out;
  const auto* value = impl_->find(field, out.given);
  if (value == nullptr) return out;
  const auto number = lenient_number(*value);
  if (!number || *number < min || *number > max) {
    impl_->refuse(field, "This must be a whole number from " + std::to_string(min) + " to " +
                             std::to_string(max) + ".");
  } else {
    out.value = *number;
  }
  return out;
}

Field<Date> Body::date(const char* field) {
  Field<Date> out;
  const auto* value = impl_->find(field, out.given);
  if (value == nullptr) return out;
  const auto date = value->IsString() ? parse_date(view(*value)) : std::nullopt;
  if (!date) {
    impl_->refuse(field, "This must be a valid date in the form YYYY-MM-DD.");
  } else if (!is_expiry_date(*date, date_of(now()))) {
    impl_->refuse(field, std::string{explain_expiry_date()});
  } else {
    out.value = date;
  }
  return out;
}

Field<Instant> Body::instant(const char* field) {
  Field<Instant> out;
  const auto* value = impl_->find(field, out.given);
  if (value == nullptr) return out;
  out.value = value->IsString() ? parse_instant(view(*value)) : std::nullopt;
  if (!out.value) {
    impl_->refuse(field,
                  "This must be a date and time with a UTC offset, such as 2026-11-24T09:30:00Z.");
  }
  return out;
}

Field<Gtin> Body::gtin(const char* field) {
  Field<Gtin> out;
  const auto* value = impl_->find(field, out.given);
  if (value == nullptr) return out;
  // A number has no leading zeros; a GTIN that needs them has the wrong length and is refused.
  const auto number = whole_number(*value);
  if (!value->IsString() && !number) {
    impl_->refuse(field, "This must be a GTIN as a string.");
    return out;
  }
  const auto gtin = Gtin::parse(number ? std::to_string(*number) : std::string{view(*value)});
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
  } else {
    impl_->refuse(field, "This must be one of: " + listed({words.begin(), words.size()}) + ".");
  }
  return out;
}

Field<bool> Body::flag(const char* field) {
  Field<bool> out;
  const auto* value = impl_->find(field, out.given);
  if (value == nullptr) return out;
  if (value->IsBool()) {
    out.value = value->GetBool();
  } else {
    impl_->refuse(field, "This must be true or false.");
  }
  return out;
}

Field<std::vector<Body>> Body::objects(const char* field, std::size_t count_max) {
  Field<std::vector<Body>> out;
  const auto* value = impl_->find(field, out.given);
  if (value == nullptr) return out;
  const auto is_object = [](const Value& item) { return item.IsObject(); };
  if (!value->IsArray() || value->Size() > count_max ||
      !std::all_of(value->Begin(), value->End(), is_object)) {
    impl_->refuse(field,
                  "This must be a list of at most " + std::to_string(count_max) + " objects.");
    return out;
  }
  out.value.emplace();
  out.value->reserve(value->Size());
  for (const auto& item : value->GetArray()) {
    auto impl = std::make_unique<Impl>();
    impl->object = &item;
    out.value->push_back(Body{std::move(impl)});
  }
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
      const auto number = lenient_number(item);
      if (!number || *number < min || *number > max) {
        right = false;
        break;
      }
      numbers.push_back(*number);
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

Field<std::vector<std::string>> Body::texts(const char* field, std::size_t count_max,
                                            std::size_t bytes_max) {
  Field<std::vector<std::string>> out;
  const auto* value = impl_->find(field, out.given);
  if (value == nullptr) return out;
  const auto is_short = [&](const Value& item) {
    return item.IsString() && item.GetStringLength() <= bytes_max;
  };
  if (value->IsArray() && !value->Empty() && value->Size() <= count_max &&
      std::all_of(value->Begin(), value->End(), is_short)) {
    out.value.emplace();
    for (const auto& item : value->GetArray()) out.value->emplace_back(view(item));
  } else {
    impl_->refuse(field, "This must be a list of 1 to " + std::to_string(count_max) +
                             " strings of at most " + std::to_string(bytes_max) + " bytes each.");
  }
  return out;
}

Field<std::map<std::string, Body>> Body::objects_by_name(const char* field, std::size_t count_max) {
  Field<std::map<std::string, Body>> out;
  const auto* value = impl_->find(field, out.given);
  if (value == nullptr) return out;
  const auto is_object = [](const auto& member) { return member.value.IsObject(); };
  if (!value->IsObject() || value->MemberCount() > count_max ||
      !std::all_of(value->MemberBegin(), value->MemberEnd(), is_object)) {
    impl_->refuse(field,
                  "This must be an object of at most " + std::to_string(count_max) + " objects.");
    return out;
  }
  out.value.emplace();
  for (const auto& member : value->GetObject()) {
    const auto name = trim(view(member.name));
    if (const auto refusal = refuse_name(name)) {
      impl_->refuse(field, "\"" + shown_field(name) + "\": " + std::string{explain(*refusal)});
      continue;
    }
    auto impl = std::make_unique<Impl>();
    impl->object = &member.value;
    if (!out.value->emplace(name, Body{std::move(impl)}).second)
      impl_->refuse(field, "\"" + shown_field(name) + "\": This name is repeated.");
  }
  return out;
}

void Body::read_only(std::initializer_list<const char*> fields) {
  for (const auto* field : fields) {
    impl_->sent_back.emplace_back(field);
    const auto* const value = impl_->member(field);
    if (value == nullptr) continue;
    if (const auto sentence = check_of(field)(*value); !sentence.empty())
      impl_->refuse(field, std::string{sentence});
  }
}

void Body::own_id(const char* field, std::int64_t id) {
  read_only({field});
  const auto* const value = impl_->member(field);
  if (value != nullptr && !refused(field) && lenient_number(*value) != id) refuse_identity(field);
}

void Body::refuse(const char* field, std::string sentence) {
  impl_->refuse(field, std::move(sentence));
}

void Body::refuse_identity(const char* field) {
  impl_->identity_errors[field].emplace_back("This differs from the address.");
}

void Body::refuse_empty() { impl_->may_be_empty = false; }

bool Body::refused(const char* field) const { return impl_->errors.contains(field); }

std::optional<Problem> Body::finish() {
  for (const auto& member : impl_->object->GetObject()) {
    const auto name = view(member.name);
    if (impl_->is_known(name)) continue;
    if (impl_->errors.size() >= kErrorsMax) break;
    impl_->errors[shown_field(name)].push_back(
        "Unknown field. Known fields: " + listed(impl_->known) + ".");
  }
  if (!impl_->errors.empty()) return bad_fields(impl_->errors);
  if (!impl_->may_be_empty && impl_->object->ObjectEmpty())
    return Problem{400, "bad-fields",
                   "Send at least one of these fields: " + listed(impl_->known) + "."};
  if (impl_->identity_errors.empty()) return std::nullopt;
  return Problem{
      422, "identity-is-fixed",
      "These fields identify the resource and cannot change. Create another resource instead.",
      impl_->identity_errors};
}

void Body::append_canonical(std::string& text) const {
  append_canonical_value(*impl_->object, text);
}

}  // namespace codasync::api
