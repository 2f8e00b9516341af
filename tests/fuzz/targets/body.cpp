// JSON bodies. Every field of every kind is read.

#include "api/body.hpp"

#include "tests/fuzz/targets/check.hpp"

namespace {

using namespace codasync;
using api::Body;
using fuzz::check;

constexpr std::int64_t kMost = 1000;

void read(Body& body) {
  if (const auto name = body.name("name").value)
    check(!name->empty() && name->size() <= 4 * 255, "a name has 1 to 255 characters");
  if (const auto number = body.integer("quantity", 0, kMost).value)
    check(*number >= 0 && *number <= kMost, "a number is in its range");
  if (const auto date = body.date("expiry_date").value) check(date->ok(), "a date exists");
  if (const auto gtin = body.gtin("GTIN").value)
    check(static_cast<bool>(Gtin::parse(gtin->canonical())), "a GTIN is one in its canonical form");
  body.require("observed_at", body.instant("observed_at"));
  body.not_null("kind", body.one_of("kind", {"sighting", "check", "count"}));
  body.flag("strict");
  if (const auto shops = body.integers("shops", 1, kMost, 10).value)
    check(shops->size() <= 10, "a list has at most so many numbers");
  if (const auto codes = body.texts("codes", 16, 100).value)
    check(!codes->empty() && codes->size() <= 16, "a list has 1 to so many texts");
  body.read_only({"version", "updated_at", "checked_at", "available", "outcome"});
  if (const auto id = body.own_id("id").value) check(*id >= 1, "an id is positive");
}

void check_problem(const std::optional<api::Problem>& problem) {
  if (!problem) return;
  check(problem->status == 400 || problem->status == 422, "a bad body is 400 or 422");
  check(!problem->type.empty() && (!problem->detail.empty() || !problem->errors.empty()),
        "a problem says what is wrong");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text{fuzz::text_of(data, size)};
  auto parsed = Body::parse(text);
  if (!parsed) {
    check_problem(parsed.error());
    return 0;
  }
  auto body = std::move(parsed).value();
  std::string canonical;
  body.append_canonical(canonical);
  std::string same;
  Body::parse(text).value().append_canonical(same);
  check(canonical == same, "the same text has the same canonical text");
  auto operations = body.objects("operations", 20);
  if (operations.value) {
    for (auto& operation : *operations.value) {
      read(operation);
      check_problem(operation.finish());
    }
  }
  auto categories = body.objects_by_name("categories", 20);
  if (categories.value) {
    for (auto& [name, category] : *categories.value) {
      read(category);
      check_problem(category.finish());
    }
  }
  read(body);
  check_problem(body.finish());
  return 0;
}
