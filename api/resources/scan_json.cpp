#include "api/resources/scan_json.hpp"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "api/json.hpp"

namespace codasync::api::scan {
namespace {

class AnswerWriter {
 public:
  std::string write(const Answer& answer) {
    writer_.StartObject();
    key("parsed");
    writer_.StartArray();
    for (const auto& code : answer.parsed) parsed(code);
    writer_.EndArray();
    key("item");
    item(answer.item);
    key("reading");
    if (answer.reading != nullptr) {
      raw(api::to_json(*answer.reading), rapidjson::kObjectType);
    } else {
      writer_.Null();
    }
    field("outcome", answer.outcome ? std::optional{name_of(*answer.outcome)} : std::nullopt);
    key("became_shortest");
    writer_.Bool(answer.became_shortest);
    key("previous");
    previous(answer.previous);
    key("missing");
    writer_.StartArray();
    for (const auto name : answer.missing) text(name);
    writer_.EndArray();
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
  void raw(std::string_view json, rapidjson::Type type) {
    writer_.RawValue(json.data(), json.size(), type);
  }
  template <class Text>
  void field(std::string_view name, const std::optional<Text>& value) {
    key(name);
    if (value) {
      text(*value);
    } else {
      writer_.Null();
    }
  }
  void date_fields(const std::optional<ShelfDate>& date) {
    field("expiry_date", date ? std::optional{to_string(date->date)} : std::nullopt);
    field("date_kind", date && date->kind ? std::optional{name_of(*date->kind)} : std::nullopt);
  }
  static std::optional<std::string> canonical(const std::optional<Gtin>& gtin) {
    return gtin ? std::optional{gtin->canonical()} : std::nullopt;
  }

  void element(const barcode::Element& element) {
    writer_.StartObject();
    key("ai");
    text(element.ai);
    key("value");
    text(element.value);
    if (element.date) {
      key("date");
      text(to_string(*element.date));
    }
    if (const auto number = barcode::number_of(element)) {
      key("number");
      raw(*number, rapidjson::kNumberType);
    }
    writer_.EndObject();
  }

  /// The members of a meaning in the object that is being written.
  void meaning(const barcode::Meaning& meaning) {
    key("form");
    text(barcode::name_of(meaning.form));
    field("gtin", canonical(meaning.gtin));
    key("elements");
    writer_.StartArray();
    for (const auto& each : meaning.elements) element(each);
    writer_.EndArray();
  }

  void parsed(const barcode::ParsedCode& code) {
    writer_.StartObject();
    field("symbology",
          code.symbology.empty() ? std::nullopt : std::optional<std::string_view>{code.symbology});
    meaning(code);
    if (!code.alternatives.empty()) {
      key("alternatives");
      writer_.StartArray();
      for (const auto& other : code.alternatives) {
        writer_.StartObject();
        meaning(other);
        writer_.EndObject();
      }
      writer_.EndArray();
    }
    if (code.error) {
      key("error");
      writer_.StartObject();
      key("at");
      writer_.Uint64(code.error->at);
      key("detail");
      text(code.error->detail);
      writer_.EndObject();
    }
    writer_.EndObject();
  }

  void item(const barcode::ScannedItem& item) {
    writer_.StartObject();
    field("GTIN", canonical(item.gtin));
    date_fields(item.date);
    field("lot", item.lot);
    field("serial", item.serial);
    key("weight");
    if (item.weight) {
      raw(*item.weight, rapidjson::kNumberType);
    } else {
      writer_.Null();
    }
    key("restricted");
    if (item.gtin) {
      writer_.Bool(item.gtin->restricted());
    } else {
      writer_.Null();
    }
    writer_.EndObject();
  }

  void previous(const std::optional<storage::EarlierState>& state) {
    if (!state) {
      writer_.Null();
      return;
    }
    writer_.StartObject();
    date_fields(state->date);
    key("quantity");
    if (state->quantity) {
      writer_.Int64(*state->quantity);
    } else {
      writer_.Null();
    }
    writer_.EndObject();
  }

  rapidjson::StringBuffer buffer_;
  rapidjson::Writer<rapidjson::StringBuffer> writer_{buffer_};
};

}  // namespace

std::string to_json(const Answer& answer) { return AnswerWriter{}.write(answer); }

}  // namespace codasync::api::scan
