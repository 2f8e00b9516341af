#include "api/answers.hpp"
#include "api/resources/handlers.hpp"
#include "storage/model/text.hpp"

// Reading stock readings; api/stock_writes.cpp writes them.

namespace codasync::api::readings {
namespace {

constexpr std::string_view kPath = "/api/v1/stock-readings";

struct Ordering {
  std::string_view name;
  storage::ReadingOrder order;
};
constexpr Ordering kOrderings[] = {
    {"id", storage::ReadingOrder::id},
    {"expiry_date", storage::ReadingOrder::expiry_date},
    {"-expiry_date", storage::ReadingOrder::expiry_date_descending},
    {"name", storage::ReadingOrder::name},
    {"-updated_at", storage::ReadingOrder::updated_at_descending},
};

// A cursor of this list: ordering, id, then the sort key; a null key has no last part.
constexpr char kSeparator = '|';

std::string_view name_of(storage::ReadingOrder order) {
  for (const auto& known : kOrderings) {
    if (known.order == order) return known.name;
  }
  __builtin_unreachable();
}

std::string write_cursor(storage::ReadingOrder order, const Reading& last) {
  auto text = std::string{name_of(order)} + kSeparator + std::to_string(last.id.value());
  switch (order) {
    case storage::ReadingOrder::id:
      break;
    case storage::ReadingOrder::expiry_date:
    case storage::ReadingOrder::expiry_date_descending:
      if (last.date) text += kSeparator + to_string(last.date->date);
      break;
    case storage::ReadingOrder::name:
      text += kSeparator + last.name;
      break;
    case storage::ReadingOrder::updated_at_descending:
      text += kSeparator + to_string(last.updated_at);
      break;
  }
  return make_cursor(text);
}

/// Cursors come from clients: everything that reaches a query is what write_cursor() writes.
bool fits(storage::ReadingOrder order, const std::optional<std::string>& key) {
  switch (order) {
    case storage::ReadingOrder::id:
      return !key;
    case storage::ReadingOrder::expiry_date:
    case storage::ReadingOrder::expiry_date_descending:
      return !key || (parse_date(*key) && to_string(*parse_date(*key)) == *key);
    case storage::ReadingOrder::name:
      return key && !refuse_name(*key);
    case storage::ReadingOrder::updated_at_descending: {
      const auto instant = key ? parse_instant(*key) : std::nullopt;
      return instant && to_string(*instant) == *key;
    }
  }
  __builtin_unreachable();
}

std::optional<storage::ReadingCursor> parse_cursor(storage::ReadingOrder order,
                                                   const std::string& text) {
  const auto first = text.find(kSeparator);
  if (first == std::string::npos || text.substr(0, first) != name_of(order)) return std::nullopt;
  const auto second = text.find(kSeparator, first + 1);
  const auto id = text.substr(first + 1, second == std::string::npos ? second : second - first - 1);
  if (id.empty() || id.size() > 18 || id.find_first_not_of("0123456789") != std::string::npos)
    return std::nullopt;
  std::optional<std::string> key;
  if (second != std::string::npos) key = text.substr(second + 1);
  if (!fits(order, key)) return std::nullopt;
  return storage::ReadingCursor{key, ReadingId{std::stoll(id)}};
}

storage::ReadingOrder read_ordering(Parameters& parameters) {
  const auto text = parameters.text("ordering");
  if (!text) return storage::ReadingOrder::id;
  std::vector<std::string_view> names;
  for (const auto& known : kOrderings) {
    if (known.name == *text) return known.order;
    names.push_back(known.name);
  }
  parameters.refuse("ordering", "This must be one of: " + listed(names) + ".");
  return storage::ReadingOrder::id;
}

/// Requires: the filter has its order.
void read_cursor(Parameters& parameters, storage::ReadingFilter& filter) {
  const auto cursor = parameters.cursor();
  if (!cursor) return;
  filter.after = parse_cursor(filter.order, *cursor);
  if (!filter.after) parameters.refuse_cursor();
}

std::string write_history_cursor(const Event& last) {
  return make_cursor(to_string(last.observed_at) + kSeparator + to_string(last.id));
}

std::optional<storage::HistoryCursor> parse_history_cursor(const std::string& text) {
  const auto end = std::min(text.find(kSeparator), text.size());
  const auto observed_at = parse_instant(std::string_view{text}.substr(0, end));
  const auto event = Uuid::parse(std::string_view{text}.substr(std::min(end + 1, text.size())));
  if (!observed_at || !event) return std::nullopt;
  return storage::HistoryCursor{*observed_at, *event};
}

/// What is asked of a list of readings.
struct Wanted {
  storage::ReadingFilter filter;
  std::size_t limit;
};

Outcome<Wanted, Problem> read_filter(const Query& query) {
  Parameters parameters{query};
  storage::ReadingFilter filter;
  const auto limit = parameters.limit();
  if (const auto shop = parameters.id("shop")) filter.shop = ShopId{*shop};
  filter.gtin = parameters.gtin("GTIN");
  filter.category = parameters.text("category");
  filter.expires_before = parameters.date("expires_before");
  filter.expires_after = parameters.date("expires_after");
  filter.expired = parameters.flag("expired");
  filter.not_checked_since = parameters.instant("not_checked_since");
  filter.in_stock = parameters.flag("in_stock");
  filter.order = read_ordering(parameters);
  if (filter.order == storage::ReadingOrder::updated_at_descending && !filter.shop)
    parameters.refuse("ordering", "-updated_at needs `shop` too.");
  read_cursor(parameters, filter);
  if (auto problem = parameters.finish()) return *problem;
  return Wanted{filter, limit};
}

/// A page of readings at `path`.
Result answer_page(storage::Reader& reader, const Wanted& wanted, std::string_view path,
                   const Query& query) {
  const auto page = reader.readings(wanted.filter, wanted.limit);
  auto response = ok_by_body(to_json(page.rows));
  if (page.more) {
    response.headers.push_back(
        next_page(path, query, write_cursor(wanted.filter.order, page.rows.back())));
  }
  return response;
}

Result answer_one(const std::optional<Reading>& reading) {
  if (!reading) return not_found("There is no such stock reading, or it was removed.");
  return ok(to_json(*reading), reading_tag(reading->version, reading->product_version));
}

}  // namespace

Result list(storage::Reader& reader, const Call& call) {
  const auto wanted = read_filter(call.query);
  if (!wanted) return wanted.error();
  return answer_page(reader, *wanted, kPath, call.query);
}

std::optional<ListEntry> list_entry(const Call& call) {
  const auto read = read_filter(call.query);
  if (!read) return std::nullopt;
  const auto& filter = read->filter;
  // One shop's lists have a generation. Left out is what changes without a write to the shop's
  // readings: the categories of products, and the day.
  if (!filter.shop || filter.category || filter.expired) return std::nullopt;
  return ListEntry{cache::shop_generation(*filter.shop),
                   {{storage::shop_lock(*filter.shop), storage::LockMode::exclusive}},
                   call.request.query};
}

Result one(storage::Reader& reader, const Call& call) {
  const auto reading = reader.reading(ReadingId{call.path.id});
  const auto& key = *call.path.reading;  // the locks of a fill are made of it
  if (reading && (reading->shop != key.shop || reading->gtin != key.gtin)) throw StaleKey{};
  return answer_one(reading);
}

Result one_in_shop(storage::Reader& reader, const Call& call) {
  return answer_one(reader.reading(ShopId{call.path.id}, *call.path.gtin));
}

Result in_all_shops(storage::Reader& reader, const Call& call) {
  Parameters parameters{call.query};
  Wanted wanted{{.gtin = call.path.gtin}, parameters.limit()};
  wanted.filter.in_stock = parameters.flag("in_stock");
  read_cursor(parameters, wanted.filter);
  if (auto problem = parameters.finish()) return *problem;
  if (!reader.product(*call.path.gtin)) return not_found(Subject::product);
  return answer_page(reader, wanted, "/api/v1/products/" + call.path.gtin->canonical() + "/stock",
                     call.query);
}

Result history(storage::Reader& reader, const Call& call) {
  Parameters parameters{call.query};
  const auto limit = parameters.limit();
  std::optional<storage::HistoryCursor> before;
  if (const auto cursor = parameters.cursor()) {
    before = parse_history_cursor(*cursor);
    if (!before) parameters.refuse_cursor();
  }
  if (auto problem = parameters.finish()) return *problem;
  if (!covers(*call.actor, call.path.reading->shop))
    return forbidden("This access token is for other shops.");
  const auto page = reader.history(ReadingId{call.path.id}, before, limit);
  auto response = ok_by_body(to_json(page.rows));
  if (page.more) {
    response.headers.push_back(next_page(canonical_path(call.request.path), call.query,
                                         write_history_cursor(page.rows.back().event)));
  }
  // What was observed before is part of the reading, but no longer of its history.
  if (page.begins_at) response.headers.push_back({"History-Begins", to_string(*page.begins_at)});
  return response;
}

}  // namespace codasync::api::readings
