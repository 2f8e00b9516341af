#include "api/problem.hpp"

#include <gtest/gtest.h>

namespace codasync::api {
namespace {

std::string header(const Response& response, std::string_view name) {
  for (const auto& header : response.headers) {
    if (header.name == name) return header.value;
  }
  return {};
}

TEST(Problem, has_the_form_of_rfc_9457) {
  const auto response = to_response(not_found("There is no \"North\" shop."), "req-1");
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(header(response, "Content-Type"), "application/problem+json");
  EXPECT_EQ(response.body,
            R"({"type":"urn:codasync:problem:not-found","title":"Not Found","status":404,)"
            R"("detail":"There is no \"North\" shop.","instance":"req-1"})");
}

TEST(Problem, contains_the_errors_of_each_field) {
  const auto response = to_response(bad_fields({{"GTIN", {"One.", "Two."}}}), "r");
  EXPECT_NE(response.body.find(R"("errors":{"GTIN":["One.","Two."]})"), std::string::npos);
}

TEST(Problem, has_further_members_after_those_of_rfc_9457) {
  Problem problem{412, "precondition-failed", "Changed."};
  problem.members = {{"version", 7}};
  EXPECT_TRUE(to_response(problem, "r").body.ends_with(R"("instance":"r","version":7})"));
}

TEST(Problem, has_the_headers_of_its_status) {
  EXPECT_EQ(header(to_response(unavailable("Later.", 3), "r"), "Retry-After"), "3");
  EXPECT_EQ(header(to_response(unauthorized("No token."), "r"), "WWW-Authenticate"), "Bearer");
}

}  // namespace
}  // namespace codasync::api
