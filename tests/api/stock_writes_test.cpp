#include <gtest/gtest.h>

#include "api/resources/handlers.hpp"

namespace codasync::api {
namespace {

Call call(std::string body, std::vector<ShopId> shops = {}) {
  Request request;
  request.method = Method::post;
  request.path = "/api/v1/stock-readings/";
  request.content_type = "application/json; charset=utf-8";
  request.body = std::move(body);
  Call made{std::move(request),
            {},
            {},
            storage::Token{TokenId{1}, "t", storage::Role::staff, std::move(shops), {}, {}}};
  made.path.id = 5;
  made.path.reading = storage::ReadingKey{ShopId{1}, Gtin::from_number(4006381333931)};
  return made;
}

storage::StockOperation operation(const readings::Operation& made) {
  EXPECT_TRUE(made) << (made ? "" : made.error().detail);
  return *made;
}

TEST(Record, of_a_date_is_a_sighting) {
  const auto made = operation(readings::record(call(
      R"({"shop":1,"GTIN":"4006381333931","expiry_date":"2026-12-24","date_kind":"use_by"})")));
  EXPECT_EQ(made.kind, EventKind::sighting);
  EXPECT_TRUE(made.may_create);
  EXPECT_EQ(made.date, (ShelfDate{*parse_date("2026-12-24"), DateKind::use_by}));
}

TEST(Record, of_a_quantity_without_a_date_is_a_count) {
  EXPECT_EQ(
      operation(readings::record(call(R"({"shop":1,"GTIN":"4006381333931","quantity":3})"))).kind,
      EventKind::count);
  const auto both = operation(readings::record(
      call(R"({"shop":1,"GTIN":"4006381333931","quantity":3,"expiry_date":"2026-12-24"})")));
  EXPECT_EQ(both.kind, EventKind::sighting);
  EXPECT_EQ(both.quantity, 3);
}

TEST(Record, of_an_empty_shelf_is_a_check_without_a_date) {
  const auto made = operation(readings::record(
      call(R"({"shop":1,"GTIN":"4006381333931","kind":"check","expiry_date":null})")));
  EXPECT_EQ(made.kind, EventKind::check);
  EXPECT_FALSE(made.date);
}

TEST(Record, requires_a_date_for_a_check_and_a_quantity_for_a_count) {
  EXPECT_FALSE(readings::record(call(R"({"shop":1,"GTIN":"4006381333931","kind":"check"})")));
  EXPECT_FALSE(readings::record(call(R"({"shop":1,"GTIN":"4006381333931","kind":"count"})")));
  EXPECT_FALSE(readings::record(
      call(R"({"shop":1,"GTIN":"4006381333931","quantity":1,"date_kind":"use_by"})")))
      << "date_kind without a date";
}

TEST(Record, says_once_what_is_wrong_with_a_field) {
  const auto errors = [](const std::string& fields) {
    return readings::record(call(R"({"shop":1,"GTIN":"4006381333931",)" + fields + "}"))
        .error()
        .errors;
  };
  const auto date = errors(R"("date_kind":"use_by","expiry_date":"2026-02-30")");
  EXPECT_EQ(date.size(), 1U) << "both were sent";
  EXPECT_TRUE(date.contains("expiry_date"));
  for (const auto* quantity : {"-1", "\"x\""}) {
    const auto count = errors(R"("kind":"count","quantity":)" + std::string{quantity});
    EXPECT_EQ(count.at("quantity").size(), 1U) << count.at("quantity").back();
  }
  EXPECT_EQ(errors(R"("kind":"count","quantity":null)").at("quantity").size(), 1U);
  EXPECT_EQ(errors(R"("date_kind":"use_by","expiry_date":null)").at("expiry_date").size(), 1U);
}

TEST(Change, of_no_field_is_refused) {
  EXPECT_EQ(readings::change(call("{}")).error().status, 400);
}

TEST(Change, without_fields_of_the_shelf_writes_no_event) {
  for (const auto* body : {R"({"name":"Tea"})", R"({"shop":1,"GTIN":"4006381333931"})",
                           R"({"version":3,"observed_at":"2026-11-24T10:00:00Z"})"}) {
    EXPECT_FALSE(operation(readings::change(call(body))).kind) << body;
  }
}

TEST(Change, refuses_a_null_that_would_change_nothing) {
  for (const auto* body :
       {R"({"quantity":null})", R"({"expiry_date":null})", R"({"kind":null,"quantity":1})",
        R"({"date_kind":null})", R"({"name":null})", R"({"observed_at":null,"quantity":1})"}) {
    const auto made = readings::change(call(body));
    ASSERT_FALSE(made) << body;
    EXPECT_EQ(made.error().status, 400);
  }
}

TEST(Change, accepts_the_fields_of_a_response) {
  const auto made = operation(readings::change(call(
      R"({"id":5,"shop":1,"GTIN":"04006381333931","name":"Tea","expiry_date":"2026-12-24","date_kind":null,"quantity":3,)"
      R"("version":3,"observed_at":"2026-11-24T10:00:00Z","updated_at":"2026-11-24T10:00:00Z"})")));
  EXPECT_TRUE(made.echoes) << "the ledger decides whether it is a new observation";
  EXPECT_EQ(made.product_name, "Tea");
}

TEST(Change, cannot_move_a_reading) {
  for (const auto* body : {R"({"shop":2})", R"({"GTIN":"96385074"})"}) {
    const auto made = readings::change(call(body));
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().status, 422);
  }
}

TEST(Replace, requires_the_fields_that_the_django_api_required) {
  const auto made = readings::replace(call("{}"));
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().status, 400);
  for (const auto* field : {"name", "GTIN", "shop", "expiry_date"})
    EXPECT_TRUE(made.error().errors.contains(field)) << field;
}

TEST(Remove, accepts_an_optional_body_with_reason_and_time) {
  EXPECT_FALSE(operation(readings::remove(call(""))).observed_at);
  const auto made = operation(
      readings::remove(call(R"({"reason":"recall","observed_at":"2026-11-24T10:00:00Z"})")));
  EXPECT_EQ(made.reason, "recall");
  EXPECT_EQ(made.observed_at, parse_instant("2026-11-24T10:00:00Z"));
  EXPECT_FALSE(readings::remove(call(R"({"quantity":1})")));
}

// After 503 nothing was changed; after 504 the client must repeat the request with its key.
TEST(Writes, that_may_have_taken_effect_get_504_not_503) {
  using enum storage::Failed::Kind;
  const auto of = [](storage::Failed::Kind kind) {
    return readings::to_result(storage::Failed{"postgres", "detail", kind}, &readings::written);
  };
  const auto refused = of(unavailable);
  const auto doubtful = of(in_doubt);
  EXPECT_EQ(of(bug).error().status, 500);
  EXPECT_EQ(refused.error().status, 503);
  EXPECT_EQ(doubtful.error().status, 504);
  EXPECT_EQ(doubtful.error().type, "in-doubt");
}

TEST(Writes, require_json) {
  auto form = call(R"({"quantity":1})");
  form.request.content_type = "application/x-www-form-urlencoded";
  EXPECT_EQ(readings::change(form).error().status, 415);
}

TEST(Writes, check_the_idempotency_key) {
  for (const auto& key :
       {std::string{}, std::string(256, 'a'), std::string{"a b"}, std::string{"caf\xc3\xa9"}}) {
    auto keyed = call(R"({"quantity":1})");
    keyed.request.idempotency_key = key;
    EXPECT_EQ(readings::change(keyed).error().status, 400) << key;
  }
  auto one = call(R"({"quantity":2})");
  one.request.idempotency_key = "k";
  auto other = call(R"({"quantity":1})");
  other.request.idempotency_key = "k";
  EXPECT_NE(operation(readings::change(one)).idempotency_key->fingerprint,
            operation(readings::change(other)).idempotency_key->fingerprint);
}

}  // namespace
}  // namespace codasync::api
