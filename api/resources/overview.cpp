#include "api/resources/handlers.hpp"
#include "api/responses.hpp"

// The handler of /overview.

namespace codasync::api::overview {
namespace {

constexpr std::string_view kPath = "/api/v1/overview";
constexpr std::int64_t kDaysMax = 365;

Outcome<storage::OverviewFilter, Problem> read_filter(Parameters& parameters) {
  storage::OverviewFilter filter;
  const auto shops = parameters.shops("shop");
  if (shops.size() > 1) parameters.refuse("shop", "This must be one shop; omit it for all.");
  if (!shops.empty()) filter.shop = shops[0];
  const auto read = [&](const char* name, std::int64_t min, std::int64_t& value) {
    const auto given = parameters.number(name, min, kDaysMax);
    if (given == value) parameters.spell(name, {});  // the default
    value = given.value_or(value);
  };
  read("days", 1, filter.days);
  read("due_days", 0, filter.due_days);
  read("stale_days", 1, filter.stale_days);
  if (auto problem = parameters.finish()) return *problem;
  return filter;
}

}  // namespace

std::optional<ListEntry> entry(const Call& call) {
  Parameters parameters{call.query};
  const auto filter = read_filter(parameters);
  if (!filter || !filter->shop) return std::nullopt;
  return ListEntry{cache::shop_generation(*filter->shop),
                   {storage::exclusive(storage::shop_lock(*filter->shop))},
                   parameters.address(kPath)};
}

Result read(storage::Reader& reader, const Call& call) {
  Parameters parameters{call.query};
  const auto filter = read_filter(parameters);
  if (!filter) return filter.error();
  const auto found = reader.overview(*filter);
  if (!found) {
    if (found.error() == storage::OverviewRefusal::unknown_shop) return not_found(Subject::shop);
    return Problem{422, "too-many-readings",
                   "An overview counts at most " + std::to_string(storage::kOverviewReadingsMax) +
                       " readings. " + (filter->shop ? "Use the work list." : "Choose a shop.")};
  }
  auto response = ok_by_body(to_json(*found, filter->days));
  if (filter->shop) response.changes_at = reader.day_ends_at(*filter->shop);
  return response;
}

}  // namespace codasync::api::overview
