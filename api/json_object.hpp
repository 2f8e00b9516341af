#pragma once

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/model/ids.hpp"
#include "storage/model/reading.hpp"
#include "storage/model/time.hpp"

namespace codasync::api {

/// A JSON object under construction.
class JsonObject {
 public:
  JsonObject() { writer_.StartObject(); }

  JsonObject& add(std::string_view name, std::string_view value) {
    key(name);
    writer_.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
    return *this;
  }
  JsonObject& add(std::string_view name, const std::string& value) {
    return add(name, std::string_view{value});
  }
  JsonObject& add(std::string_view name, const char* value) = delete;
  JsonObject& add(std::string_view name, std::int64_t value) {
    key(name);
    writer_.Int64(value);
    return *this;
  }
  JsonObject& add(std::string_view name, bool value) {
    key(name);
    writer_.Bool(value);
    return *this;
  }
  JsonObject& add(std::string_view name, const std::vector<ShopId>& ids) {
    key(name);
    writer_.StartArray();
    for (const auto id : ids) writer_.Int64(id.value());
    writer_.EndArray();
    return *this;
  }
  template <class T>
  JsonObject& add(std::string_view name, const std::optional<T>& value) {
    if (value) return add(name, *value);
    key(name);
    writer_.Null();
    return *this;
  }
  JsonObject& add(std::string_view name, Date value) { return add(name, to_string(value)); }
  JsonObject& add(std::string_view name, Instant value) { return add(name, to_string(value)); }

  JsonObject& add(std::string_view name, std::size_t value) {
    key(name);
    writer_.Uint64(value);
    return *this;
  }
  template <class Text>
  JsonObject& add_texts(std::string_view name, const std::vector<Text>& texts) {
    key(name);
    writer_.StartArray();
    for (const std::string_view text : texts)
      writer_.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
    writer_.EndArray();
    return *this;
  }

  /// Adds a value that is JSON already.
  JsonObject& add_json(std::string_view name, const std::string& json) {
    key(name);
    writer_.RawValue(json.data(), json.size(), rapidjson::kObjectType);
    return *this;
  }

  JsonObject& add(const std::optional<ShelfDate>& date) {
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

}  // namespace codasync::api
