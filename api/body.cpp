#include "api/body.hpp"

#include <rapidjson/document.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <cmath>
#include <cstddef>

#include "storage/model/number.hpp"
#include "storage/model/reading.hpp"
#include "storage/model/text.hpp"

namespace codasync::api {
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

/// The same, also for a number in a string, which may have white space around it.
std::optional<std::int64_t> lenient_number(const Value& value) {
  return value.IsString() ? parse_whole_number(trim(view(value))) : whole_number(value);
}

Problem not_json(std::size_t at) {
  return bad_json("The body is not valid JSON (error at byte " + std::to_string(at) + ").");
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
  std::vector<std::string> other_identity;  // fields with another value than the address
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
  // RapidJSON takes a NUL for the end of the text, and what follows it would be ignored.
  if (const auto nul = text.find('\0'); nul != std::string::npos) return not_json(nul);
  auto impl = std::make_unique<Impl>();
  auto& document = impl->document;
  // Iterative: nested brackets would overflow the stack of a recursive parser. Not with full
  // precision: for numbers of many digits with an exponent RapidJSON 1.1 reads after its table of
  // powers (found by tests/fuzz), and no field is a fraction.
  document.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(
      text.data(), text.size());
  if (document.HasParseError()) {
    return not_json(document.GetErrorOffset());
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
  const auto gtin = Gtin::parse(number ? std::to_string(*number) : std::string{trim(view(*value))});
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

Field<std::int64_t> Body::own_id(const char* field) {
  read_only({field});
  const auto* const value = impl_->member(field);
  if (value == nullptr || refused(field)) return {value != nullptr, std::nullopt};
  return {true, lenient_number(*value)};
}

void Body::refuse(const char* field, std::string sentence) {
  impl_->refuse(field, std::move(sentence));
}

void Body::refuse_identity(const char* field) { impl_->other_identity.emplace_back(field); }

void Body::refuse_empty() { impl_->may_be_empty = false; }

bool Body::refused(const char* field) const { return impl_->errors.contains(field); }

std::optional<Problem> Body::finish() {
  for (const auto& member : impl_->object->GetObject()) {
    const auto name = view(member.name);
    if (impl_->is_known(name)) continue;
    if (impl_->errors.size() >= kErrorsMax) break;
    impl_->errors[shown_field(name)].push_back(
        impl_->known.empty() ? "Unknown field. This request has no fields."
                             : "Unknown field. Known fields: " + listed(impl_->known) + ".");
  }
  if (!impl_->errors.empty()) return bad_fields(impl_->errors);
  if (!impl_->may_be_empty && impl_->object->ObjectEmpty())
    return Problem{400, "bad-fields",
                   "Send at least one of these fields: " + listed(impl_->known) + "."};
  if (impl_->other_identity.empty()) return std::nullopt;
  return identity_is_fixed(impl_->other_identity);
}

void Body::append_canonical(std::string& text) const {
  append_canonical_value(*impl_->object, text);
}

}  // namespace codasync::api
