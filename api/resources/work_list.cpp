#include <algorithm>

#include "api/resources/handlers.hpp"
#include "api/responses.hpp"
#include "storage/model/number.hpp"

// The handlers of a shop's work list and of its thresholds.

namespace codasync::api::work_list {
namespace {

constexpr char kSeparator = '|';

// The ranges of both thresholds, in queries and in bodies.
constexpr std::int64_t kDaysMin = 0;
constexpr std::int64_t kStaleDaysMin = 1;

constexpr int kErrorsMax = 20;  // of `categories`: limits the size of the response

/// Part, day and id.
std::string write_cursor(const storage::WorkCursor& last) {
  return make_cursor(std::to_string(static_cast<int>(last.part)) + kSeparator +
                     std::to_string(last.day) + kSeparator + std::to_string(last.id.value()));
}

std::optional<storage::WorkCursor> parse_cursor(std::string_view text) {
  const auto next = [&text]() -> std::optional<std::int64_t> {
    const auto end = std::min(text.find(kSeparator), text.size());
    const auto number = parse_integer(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    return number;
  };
  const auto part = next();
  const auto day = next();
  const auto id = next();
  constexpr auto kLast = static_cast<std::int64_t>(storage::WorkPart::stale);
  constexpr std::int64_t kDayMax = 1'000'000;  // beyond every date
  if (!part || *part < 0 || *part > kLast || !day || *day < -kDayMax || *day > kDayMax || !id ||
      *id < 1 || !text.empty())
    return std::nullopt;
  return storage::WorkCursor{static_cast<storage::WorkPart>(*part), *day, ReadingId{*id}};
}

std::string stored_response(const storage::ShopThresholds& thresholds, bool) {
  return serialise({200, version_tag(thresholds.version), {}, to_json(thresholds)});
}

Field<std::int64_t> read_days(Body& fields) {
  return fields.integer("days", kDaysMin, storage::kThresholdDaysMax);
}
Field<std::int64_t> read_stale_days(Body& fields) {
  return fields.integer("stale_days", kStaleDaysMin, storage::kThresholdDaysMax);
}

/// The thresholds of categories. An error in one of them is an error of `categories`.
std::map<std::string, storage::CategoryThresholds> read_categories(Body& fields) {
  std::map<std::string, storage::CategoryThresholds> read;
  auto categories = fields.objects_by_name("categories", storage::kThresholdCategoriesMax);
  fields.not_null("categories", categories, "Send {} for none.");
  if (!categories.value) return read;
  int errors = 0;
  for (auto& [name, own] : *categories.value) {
    storage::CategoryThresholds thresholds{read_days(own).value, read_stale_days(own).value};
    if (const auto problem = own.finish()) {
      for (const auto& [field, sentences] : problem->errors) {
        if (++errors <= kErrorsMax)
          fields.refuse("categories",
                        "\"" + shown_field(name) + "\": " + field + ": " + sentences.front());
      }
    }
    read.emplace(name, thresholds);
  }
  return read;
}

}  // namespace

Result list(storage::Reader& reader, const Call& call) {
  Parameters parameters{call.query};
  const auto limit = parameters.limit();
  storage::WorkFilter filter{.shop = ShopId{call.path.id}};
  filter.days = parameters.number("days", kDaysMin, storage::kThresholdDaysMax);
  filter.stale_days = parameters.number("stale_days", kStaleDaysMin, storage::kThresholdDaysMax);
  filter.category = parameters.text("category");
  if (const auto cursor = parameters.cursor()) {
    filter.after = parse_cursor(*cursor);
    if (!filter.after) parameters.refuse_cursor();
  }
  if (auto problem = parameters.finish()) return *problem;
  const auto page = reader.work_list(filter, limit);
  if (!page) return not_found(Subject::shop);
  auto response = ok_by_body(to_json(page->rows));
  if (page->next)
    response.headers.push_back(
        parameters.next_page(canonical_path(call.request.path), write_cursor(*page->next)));
  return response;
}

Result thresholds(storage::Reader& reader, const Call& call) {
  const ShopId shop{call.path.id};
  const auto found = reader.thresholds(shop);
  if (!found) return not_found(Subject::thresholds);
  return ok(to_json(*found), version_tag(found->version));
}

Result put_thresholds(Service& service, const Call& call) {
  auto body = read_body(call.request);
  if (!body) return body.error();
  auto fields = std::move(body).value();
  const auto context = write_context(call, &fields);
  if (!context) return context.error();
  const auto days = read_days(fields);
  const auto stale_days = read_stale_days(fields);
  fields.require("days", days);
  fields.require("stale_days", stale_days);
  storage::ShopThresholds thresholds;
  thresholds.categories = read_categories(fields);
  fields.read_only({"version"});
  if (auto problem = fields.finish()) return *problem;
  thresholds.days = *days.value;
  thresholds.stale_days = *stale_days.value;
  return to_result(Subject::thresholds,
                   service.catalogue.put_thresholds(ShopId{call.path.id}, thresholds, *context,
                                                    &stored_response));
}

}  // namespace codasync::api::work_list
