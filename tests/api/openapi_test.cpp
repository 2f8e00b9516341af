#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidjson/document.h>

#include <algorithm>
#include <set>

#include "api/openapi/document.hpp"
#include "api/routes.hpp"

// tests/openapi compares the document with the responses of a running service.

namespace codasync::api {
namespace {

rapidjson::Document described(bool public_reads = true) {
  rapidjson::Document document;
  const auto response = openapi::describe(public_reads);
  document.Parse(response.body.data(), response.body.size());
  return document;
}

/// Returns: the methods and addresses, such as `get /api/v1/shops`.
std::set<std::string> operations_of(const rapidjson::Document& document) {
  std::set<std::string> found;
  for (const auto& [path, methods] : document["paths"].GetObject()) {
    for (const auto& [method, operation] : methods.GetObject())
      found.insert(std::string{method.GetString()} + " " + path.GetString());
  }
  return found;
}

TEST(Description, is_json_with_an_entity_tag) {
  const auto response = openapi::describe(true);
  EXPECT_EQ(response.status, 200);
  EXPECT_TRUE(std::ranges::any_of(response.headers,
                                  [](const Header& header) { return header.name == "ETag"; }));
  EXPECT_FALSE(described().HasParseError());
}

TEST(Description, has_the_operations_of_the_route_table_and_no_others) {
  std::set<std::string> expected;
  for (const auto& route : routes()) {
    std::string method{name_of(route.method)};
    std::ranges::transform(method, method.begin(), [](unsigned char c) { return std::tolower(c); });
    expected.insert(method + " " + std::string{route.pattern});
  }
  EXPECT_EQ(operations_of(described()), expected);
}

TEST(Description, has_the_parameters_that_a_route_accepts_and_no_others) {
  const auto document = described();
  for (const auto& route : routes()) {
    if (route.method != Method::get) continue;
    std::set<std::string> found;
    const auto& operation = document["paths"][std::string{route.pattern}.c_str()]["get"];
    for (const auto& parameter : operation["parameters"].GetArray()) {
      if (parameter.HasMember("in") && std::string{parameter["in"].GetString()} == "query")
        found.insert(parameter["name"].GetString());
    }
    EXPECT_EQ(found, std::set<std::string>(route.parameters.begin(), route.parameters.end()))
        << route.pattern;
  }
}

TEST(Description, says_which_operations_need_a_token) {
  const auto needs_token = [](const rapidjson::Document& document, const char* path) {
    return !document["paths"][path]["get"]["security"].GetArray().Empty();
  };
  EXPECT_FALSE(needs_token(described(true), "/api/v1/shops"));
  EXPECT_TRUE(needs_token(described(false), "/api/v1/shops"));
  EXPECT_TRUE(needs_token(described(true), "/api/v1/tokens"));
  EXPECT_FALSE(needs_token(described(false), "/healthz"));
}

}  // namespace
}  // namespace codasync::api
