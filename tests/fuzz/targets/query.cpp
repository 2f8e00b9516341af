// Addresses: percent escapes, query parameters of every kind, and cursors of pages.

#include <array>

#include "api/parameters.hpp"
#include "api/uri.hpp"
#include "tests/fuzz/targets/check.hpp"

namespace {

using namespace codasync;
using api::Parameters;
using fuzz::check;

constexpr std::array<std::string_view, 3> kOrders{"id", "name", "-updated_at"};

/// Returns: the canonical query; nothing when it is refused.
std::optional<std::string> canonical(const api::Query& query) {
  Parameters parameters{query};
  parameters.text("search");
  check(parameters.shops("shop").size() <= api::kValuesMax, "a list has at most so many ids");
  check(parameters.gtins("GTIN").size() <= api::kValuesMax, "and GTINs");
  if (const auto date = parameters.date("expires_before")) check(date->ok(), "a date exists");
  parameters.instant("from");
  parameters.cursor();
  parameters.flag("expired");
  if (const auto days = parameters.number("days", 0, 365))
    check(*days >= 0 && *days <= 365, "a number is in its range");
  check(parameters.limit() >= 1, "a page has a row");
  parameters.counts();
  if (const auto order = parameters.one_of("ordering", kOrders))
    check(*order < kOrders.size(), "an order is one of the list");
  if (const auto problem = parameters.finish()) {
    check(problem->status == 400 && !problem->errors.empty(), "a bad query is 400 and says why");
    return std::nullopt;
  }
  const auto next = parameters.next_page("/x", api::make_cursor(7));
  check(next.value.find_first_of("\r\n") == std::string::npos, "a Link is one line");
  return parameters.canonical();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text_of(data, size);
  if (const auto path = api::decode_path(text))
    check(api::decode_path(api::encode(*path)) == path, "a path is read as it was written");
  if (const auto cursor = api::read_cursor(text))
    check(api::read_cursor(api::make_cursor(*cursor)) == cursor, "and so is a cursor");
  check(api::read_cursor(api::make_cursor(text)) == text, "every text can be in a cursor");
  const auto query = api::parse_query(text);
  if (!query) return 0;
  const auto once = canonical(*query);
  if (!once) return 0;
  const auto again = api::parse_query(*once);
  check(again && canonical(*again) == once, "the canonical query is canonical");
  return 0;
}
