#pragma once

#include <rapidjson/document.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/model/barcode/barcode.hpp"
#include "storage/model/time.hpp"

namespace codasync::test {

using Json = rapidjson::Value;
using ElementTexts = std::vector<std::pair<std::string, std::string>>;

/// Calls `visit` with each JSON object of a file that has one in each line.
/// Throws: std::runtime_error for a line that is no JSON.
inline void for_each_line(const std::filesystem::path& file,
                          const std::function<void(const Json&)>& visit) {
  std::ifstream in{file};
  for (std::string line; std::getline(in, line);) {
    rapidjson::Document document;
    document.Parse(line.data(), line.size());
    if (document.HasParseError()) throw std::runtime_error{"not JSON: " + line};
    visit(document);
  }
}

/// Returns: a string member; empty without it.
inline std::string text_of(const Json& object, const char* name) {
  if (!object.HasMember(name)) return {};
  return {object[name].GetString(), object[name].GetStringLength()};
}

inline bool flag_of(const Json& object, const char* name) {
  return object.HasMember(name) && object[name].GetBool();
}

/// Returns: the elements of a member such as `[["01", "09521234543213"]]`.
inline ElementTexts elements_of(const Json& object, const char* name) {
  ElementTexts elements;
  if (!object.HasMember(name)) return elements;
  for (const auto& pair : object[name].GetArray())
    elements.emplace_back(pair[0].GetString(), pair[1].GetString());
  return elements;
}

inline ElementTexts texts_of(const std::vector<barcode::Element>& elements) {
  ElementTexts texts;
  for (const auto& element : elements) texts.emplace_back(element.ai, element.value);
  return texts;
}

inline const Date kToday = *parse_date("2026-11-29");

}  // namespace codasync::test
