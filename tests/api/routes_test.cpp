#include "api/routes.hpp"

#include <gtest/gtest.h>

#include <set>

namespace codasync::api {
namespace {

TEST(Routes, match_a_path_and_read_its_arguments) {
  const auto found = match(Method::get, "/api/v1/shops/7/stock/4006381333931");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->route->pattern, "/api/v1/shops/{id}/stock/{gtin}");
  EXPECT_EQ(found->arguments.id, 7);
  EXPECT_EQ(found->arguments.gtin->number(), 4006381333931);
}

TEST(Routes, match_head_like_get) {
  const auto found = match(Method::head, "/api/v1/shops");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->route->method, Method::get);
}

TEST(Routes, list_the_allowed_methods_of_an_address_in_405) {
  const auto found = match(Method::post, "/api/v1/shops/7");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().status, 405);
  ASSERT_EQ(found.error().headers.size(), 1U);
  EXPECT_EQ(found.error().headers[0].value, "GET, HEAD, PUT, PATCH, DELETE, OPTIONS");
}

TEST(Routes, return_404_for_unknown_addresses_and_malformed_ids) {
  for (const auto* path :
       {"/", "/api/v1", "/api/v1/shop", "/api/v1/shops/0", "/api/v1/shops/-1", "/api/v1/shops/abc",
        "/api/v1/shops/9223372036854775808", "/api/v1/shops/1/2", "/api/v1/shops//1",
        "/api/v1/stock-readings/1/history/not-a-uuid-at-all"}) {
    const auto found =
        match(std::string_view{path}.ends_with("all") ? Method::del : Method::get, path);
    ASSERT_FALSE(found) << path;
    EXPECT_EQ(found.error().status, 404) << path;
  }
}

TEST(Routes, decode_escapes_but_not_an_escaped_slash_as_a_separator) {
  EXPECT_TRUE(match(Method::get, "/api/v1/%73hops/%37"));
  for (const auto* path : {"/api/v1/shops%2F7", "/api/v1%2fshops", "/api/v1/shops/7%2Fstock",
                           "/api/v1/shops/7%00", "/api/v1/shops/%", "/api/v1/shops/7/..",
                           "/api/v1/x/../shops", "/api/v1/./shops", "api/v1/shops", "*", ""}) {
    const auto found = match(Method::get, path);
    ASSERT_FALSE(found) << path;
    EXPECT_EQ(found.error().status, 404) << path;
  }
}

TEST(Routes, list_the_methods_of_known_addresses_only) {
  EXPECT_EQ(allowed_methods("/api/v1/products/x/stock"), "GET, HEAD, OPTIONS");
  EXPECT_EQ(allowed_methods("/api/v1/nothing"), "");
  EXPECT_EQ(allowed_methods("/api/v1/tokens/7"), "GET, HEAD, DELETE, OPTIONS");
  EXPECT_EQ(allowed_methods("/api/v1/tokens/self"), "GET, HEAD, OPTIONS");
}

TEST(Routes, explain_a_gtin_with_a_wrong_check_digit) {
  const auto found = match(Method::get, "/api/v1/products/4006381333930");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().status, 400);
  EXPECT_TRUE(found.error().errors.contains("GTIN"));
}

TEST(Routes, are_unique) {
  std::set<std::pair<Method, std::string_view>> seen;
  for (const auto& route : routes())
    EXPECT_TRUE(seen.emplace(route.method, route.pattern).second) << route.pattern;
}

TEST(Routes, require_a_token_for_every_write) {
  for (const auto& route : routes()) {
    if (route.method == Method::get) continue;
    if (route.pattern == "/api/v1/session") continue;  // it reads the token or session itself
    EXPECT_TRUE(route.needs.access == Access::staff || route.needs.access == Access::admin)
        << route.pattern;
  }
}

TEST(Routes, for_staff_name_the_shop_that_their_token_must_be_for) {
  for (const auto& route : routes()) {
    const auto& [access, scope, resolve, credential] = route.needs;
    const bool own = route.pattern == "/api/v1/tokens/self" || route.pattern == "/api/v1/session";
    EXPECT_TRUE(credential != Credential::token || access == Access::admin) << route.pattern;
    if (!own) {
      EXPECT_EQ(access == Access::staff, scope != Scope::none) << route.pattern;
    }
    EXPECT_TRUE(scope != Scope::path || route.pattern.starts_with("/api/v1/shops/{id}"))
        << route.pattern;
    EXPECT_TRUE(scope != Scope::reading || resolve == Resolve::reading) << route.pattern;
    const bool writes_stock = std::holds_alternative<StockWrite>(route.action) ||
                              std::holds_alternative<PlannedWrite>(route.action) ||
                              std::holds_alternative<StockWrites>(route.action);
    const bool names_shop = scope == Scope::reading || scope == Scope::path;
    EXPECT_EQ(writes_stock,
              scope == Scope::operations || (names_shop && route.method != Method::get))
        << route.pattern;
  }
}

TEST(Routes, cache_only_public_reads) {
  for (const auto& route : routes()) {
    const auto* read = std::get_if<Read>(&route.action);
    if (read == nullptr || std::holds_alternative<std::monostate>(read->caching)) continue;
    EXPECT_EQ(route.needs.access, Access::reader) << route.pattern;
  }
}

TEST(Routes, refuse_unknown_parameters) {
  for (const auto& route : routes()) {
    const auto problem = refuse_unknown_parameters(route, {{"bogus", "1"}});
    ASSERT_TRUE(problem) << route.pattern;
    EXPECT_EQ(problem->status, 400);
    EXPECT_EQ(problem->type, "bad-query");
    const auto& sentence = problem->errors.at("bogus").at(0);
    if (route.parameters.empty()) {
      EXPECT_EQ(sentence, "Unknown parameter. This address takes no parameters.");
    } else {
      EXPECT_EQ(sentence, "Unknown parameter. Known parameters: " + listed(route.parameters) + ".");
    }
    Query known;
    for (const auto name : route.parameters) known.emplace_back(name, "x");
    EXPECT_FALSE(refuse_unknown_parameters(route, known)) << route.pattern;
  }
}

TEST(Routes, report_unknown_parameters_as_valid_text_and_a_bounded_number_of_them) {
  Query unknown{{std::string(300, 'x'), "1"}, {"caf\xE9", "1"}, {"", "1"}};
  for (int i = 0; i < 1000; ++i) unknown.emplace_back("p" + std::to_string(i), "");
  const auto problem = refuse_unknown_parameters(routes().front(), unknown);
  ASSERT_TRUE(problem);
  EXPECT_TRUE(problem->errors.contains(std::string(100, 'x')));
  EXPECT_TRUE(problem->errors.contains("caf\uFFFD"));
  EXPECT_TRUE(problem->errors.contains(""));
  EXPECT_LE(problem->errors.size(), 20U);
}

}  // namespace
}  // namespace codasync::api
