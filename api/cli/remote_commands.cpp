#include "api/cli/remote_commands.hpp"

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <iostream>

#include "api/cli/commands.hpp"
#include "api/cli/http_client.hpp"
#include "api/cli/table.hpp"

namespace codasync::api::cli {
namespace {

using Kind = RemoteCommand::Kind;
using Json = rapidjson::Value;

const RemoteOption kSearch{"--search", "search", "TEXT",
                           "Words in the name, the brand or the category; or a GTIN"};
const RemoteOption kCategory{"--category", "category", "TEXT", "Only products of this category"};
const RemoteOption kBrand{"--brand", "brand", "TEXT", "Only products of this brand"};
const RemoteOption kReason{"--reason", "reason", "TEXT", "Why; it is shown in the history"};
const RemoteOption kObservedAt{"--observed-at", "observed_at", "TIME",
                               "When it was observed, such as 2026-11-24T09:15:00+01:00. Default: "
                               "now"};

const std::vector<std::string_view> kShopColumns{"id", "name", "time_zone", "updated_at"};
const std::vector<std::string_view> kProductColumns{"GTIN", "name", "brand", "category"};
const std::vector<std::string_view> kReadingColumns{"id",       "shop",        "GTIN",
                                                    "name",     "expiry_date", "date_kind",
                                                    "quantity", "available",   "checked_at"};
const std::vector<std::string_view> kWrittenColumns{
    "id",        "shop",     "GTIN",      "name",        "expiry_date",
    "date_kind", "quantity", "available", "observed_at", "outcome"};

const std::vector<RemoteCommand>& table() {
  static const std::vector<RemoteCommand> all{
      {"shop", "list", Kind::list, "List the shops", "GET", "/api/v1/shops", {}, kShopColumns},
      {"shop", "show", Kind::show, "Show a shop", "GET", "/api/v1/shops/{ID}", {}, {}},
      {"shop",
       "create",
       Kind::write,
       "Create a shop",
       "POST",
       "/api/v1/shops",
       {{"--name", "name", "TEXT", "Its name", true},
        {"--time-zone", "time_zone", "ZONE", "Its time zone, such as Europe/Berlin. Default: UTC"}},
       {}},
      {"shop",
       "change",
       Kind::write,
       "Change a shop",
       "PATCH",
       "/api/v1/shops/{ID}",
       {{"--name", "name", "TEXT", "Its new name"},
        {"--time-zone", "time_zone", "ZONE", "Its time zone, such as Europe/Berlin"}},
       {}},
      {"shop",
       "delete",
       Kind::write,
       "Delete a shop without readings",
       "DELETE",
       "/api/v1/shops/{ID}",
       {},
       {}},
      {"shop",
       "work-list",
       Kind::list,
       "List what to check today, the most urgent first",
       "GET",
       "/api/v1/shops/{ID}/work-list",
       {{"--days", "days", "N", "Readings whose date is within N days are due"},
        {"--stale-days", "stale_days", "N", "Readings not checked for N days are stale"},
        kCategory},
       {"reason", "id", "GTIN", "name", "expiry_date", "quantity", "checked_at"}},

      {"product",
       "list",
       Kind::list,
       "List the products",
       "GET",
       "/api/v1/products",
       {kSearch,
        kCategory,
        kBrand,
        {"--gtin", "GTIN", "GTIN", "Only these products; several with commas"},
        {"--ordering", "ordering", "{GTIN|name}", "The order. Default: GTIN"}},
       kProductColumns},
      {"product", "show", Kind::show, "Show a product", "GET", "/api/v1/products/{GTIN}", {}, {}},
      {"product",
       "stock",
       Kind::list,
       "List the readings of a product in all shops",
       "GET",
       "/api/v1/products/{GTIN}/stock",
       {{"--in-stock", "in_stock", "{true|false}", "Only readings with or without stock"}},
       kReadingColumns},
      {"product",
       "create",
       Kind::write,
       "Create a product",
       "POST",
       "/api/v1/products",
       {{"--gtin", "GTIN", "GTIN", "Its GTIN", true},
        {"--name", "name", "TEXT", "Its name", true},
        {"--brand", "brand", "TEXT", "Its brand"},
        {"--category", "category", "TEXT", "Its category"}},
       {}},
      {"product",
       "change",
       Kind::write,
       "Change a product",
       "PATCH",
       "/api/v1/products/{GTIN}",
       {{"--name", "name", "TEXT", "Its new name"},
        {"--brand", "brand", "TEXT", "Its brand; \"\" clears it", false, true},
        {"--category", "category", "TEXT", "Its category; \"\" clears it", false, true}},
       {}},
      {"product",
       "delete",
       Kind::write,
       "Delete a product without readings",
       "DELETE",
       "/api/v1/products/{GTIN}",
       {},
       {}},

      {"reading",
       "list",
       Kind::list,
       "List the stock readings",
       "GET",
       "/api/v1/stock-readings",
       {{"--shop", "shop", "ID", "Only these shops; several with commas"},
        {"--gtin", "GTIN", "GTIN", "Only these products; several with commas"},
        kCategory,
        {"--expires-before", "expires_before", "DATE", "Only dates before this day"},
        {"--expires-after", "expires_after", "DATE", "Only dates after this day"},
        {"--expired", "expired", "{true|false}", "Only dates before today, or all others"},
        {"--in-stock", "in_stock", "{true|false}", "Only readings with or without stock"},
        {"--available", "available", "{true|false}",
         "Only readings that are in stock and not expired, or all others"},
        {"--not-checked-since", "not_checked_since", "TIME", "Only readings not checked since"},
        {"--ordering", "ordering", "{id|expiry_date|-expiry_date|name|-updated_at}", "The order"}},
       kReadingColumns},
      {"reading",
       "show",
       Kind::show,
       "Show a stock reading",
       "GET",
       "/api/v1/stock-readings/{ID}",
       {},
       {}},
      {"reading",
       "history",
       Kind::list,
       "List the events of a reading, the newest first",
       "GET",
       "/api/v1/stock-readings/{ID}/history",
       {},
       {"observed_at", "kind", "expiry_date", "quantity", "delta", "actor", "outcome", "reason"}},
      {"reading",
       "record",
       Kind::write,
       "Record what is on a shelf",
       "POST",
       "/api/v1/stock-readings",
       {{"--shop", "shop", "ID", "The shop", true},
        {"--gtin", "GTIN", "GTIN", "The product", true},
        {"--name", "name", "TEXT", "The name, for a product that does not exist yet"},
        {"--date", "expiry_date", "DATE", "The shortest date that was seen"},
        {"--date-kind", "date_kind", "{use_by|sell_by|best_before}", "What the date means"},
        {"--quantity", "quantity", "N", "How many there are"},
        {"--kind", "kind", "{sighting|check|count}",
         "A check replaces the date; a sighting only makes it shorter. Default: sighting"},
        kObservedAt},
       kWrittenColumns},
      {"reading",
       "adjust",
       Kind::write,
       "Change the quantity of a reading",
       "POST",
       "/api/v1/stock-readings/{ID}/adjust",
       {{"--delta", "delta", "N", "What to add; negative: what to take away", true},
        kReason,
        kObservedAt},
       kWrittenColumns},
      {"reading",
       "remove",
       Kind::write,
       "Remove a reading",
       "DELETE",
       "/api/v1/stock-readings/{ID}",
       {kReason, kObservedAt},
       {}},

      {"import",
       "list",
       Kind::list,
       "List the imports with their ids, the newest first; by the API of a running service",
       "GET",
       "/api/v1/imports",
       {},
       {"id", "kind", "started_at", "outcome", "rows", "refused", "created", "changed",
        "undone_at"}},
  };
  return all;
}

std::string json_of(const Json& value) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer{buffer};
  value.Accept(writer);
  return {buffer.GetString(), buffer.GetSize()};
}

/// Returns: a value as a cell.
std::string text_of(const Json& value) {
  if (value.IsNull()) return "-";
  if (value.IsString()) return {value.GetString(), value.GetStringLength()};
  return json_of(value);
}

std::string field_of(const Json& object, std::string_view name) {
  const auto found = object.FindMember(std::string{name}.c_str());
  return found == object.MemberEnd() ? "-" : text_of(found->value);
}

/// Prints a problem of the service (RFC 9457). Returns: the exit status.
int explain(const HttpClient::Response& response, const HttpClient& client) {
  rapidjson::Document problem;
  problem.Parse(response.body.data(), response.body.size());
  if (problem.HasParseError() || !problem.IsObject() || !problem.HasMember("detail")) {
    std::cerr << "codasync: " << client.url() << " responded with status " << response.status
              << ", and not as CodaSync does. Is CODASYNC_URL the address of the service?\n";
    return kFailed;
  }
  std::cerr << "codasync: " << field_of(problem, "detail") << "\n";
  if (const auto errors = problem.FindMember("errors");
      errors != problem.MemberEnd() && errors->value.IsObject()) {
    for (const auto& field : errors->value.GetObject()) {
      if (!field.value.IsArray()) continue;
      for (const auto& sentence : field.value.GetArray())
        std::cerr << "  " << text_of(field.name) << ": " << text_of(sentence) << "\n";
    }
  }
  if (response.status == 401)
    std::cerr << "Set CODASYNC_TOKEN to a token of `codasync token create`.\n";
  return kFailed;
}

/// Returns: the path with its arguments and, for reads, the query.
std::string target_of(const RemoteCommand& command, const RemoteCall& call) {
  std::string target{command.path};
  for (const auto& name : arguments_of_path(command.path)) {
    const auto braces = "{" + name + "}";
    target.replace(target.find(braces), braces.size(), percent_encoded(call.values.at(name)));
  }
  if (command.kind == Kind::write) return target;
  std::string query;
  const auto add = [&](std::string_view name, const std::string& value) {
    query += (query.empty() ? "?" : "&") + std::string{name} + "=" + percent_encoded(value);
  };
  for (const auto& option : command.options) {
    const auto found = call.values.find(std::string{option.name});
    if (found != call.values.end()) add(option.name, found->second);
  }
  constexpr std::size_t kPageMax = 1000;
  if (command.kind == Kind::list)
    add("limit",
        std::to_string(call.all ? kPageMax : std::clamp<std::size_t>(call.limit, 1, kPageMax)));
  return target + query;
}

/// Returns: the body of a write. The API accepts numbers as texts.
std::string body_of(const RemoteCommand& command, const RemoteCall& call) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer{buffer};
  writer.StartObject();
  bool empty = true;
  for (const auto& option : command.options) {
    const auto found = call.values.find(std::string{option.name});
    if (found == call.values.end()) continue;
    empty = false;
    writer.Key(option.name.data(), static_cast<rapidjson::SizeType>(option.name.size()));
    if (option.clears && found->second.empty()) {
      writer.Null();
      continue;
    }
    writer.String(found->second.data(), static_cast<rapidjson::SizeType>(found->second.size()));
  }
  writer.EndObject();
  if (empty && command.method == "DELETE") return {};
  return {buffer.GetString(), buffer.GetSize()};
}

bool succeeded(const HttpClient::Response& response) {
  return response.status >= 200 && response.status < 300;
}

int list(HttpClient& client, const RemoteCommand& command, const RemoteCall& call) {
  Table rows{std::vector<std::string>(command.columns.begin(), command.columns.end())};
  std::size_t count = 0;
  std::string target = target_of(command, call);
  bool more = false;
  while (!target.empty()) {
    const auto response = client.send("GET", target);
    rapidjson::Document page;
    page.Parse(response.body.data(), response.body.size());
    if (!succeeded(response) || page.HasParseError() || !page.IsArray())
      return explain(response, client);
    for (const auto& row : page.GetArray()) {
      more = !call.all && count == call.limit;
      if (more || !row.IsObject()) break;
      ++count;
      if (call.json) {
        std::cout << (count > 1 ? ",\n" : "[\n") << json_of(row);
        continue;
      }
      std::vector<std::string> fields;
      for (const auto column : command.columns) fields.push_back(field_of(row, column));
      rows.add(std::move(fields));
    }
    more = more || (!call.all && count >= call.limit && !response.next_page.empty());
    target = more ? "" : response.next_page;
  }
  if (call.json) {
    std::cout << (count > 0 ? "\n]\n" : "[]\n") << std::flush;
  } else {
    rows.print();
  }
  if (more) std::cerr << "There are more rows: --limit N or --all shows them.\n";
  return kDone;
}

int print_object(const HttpClient::Response& response, const HttpClient& client,
                 const RemoteCommand& command, bool json) {
  if (!succeeded(response)) return explain(response, client);
  if (response.body.empty()) {
    std::cerr << "Done.\n";
    return kDone;
  }
  rapidjson::Document object;
  object.Parse(response.body.data(), response.body.size());
  if (object.HasParseError() || !object.IsObject()) return explain(response, client);
  if (json) {
    std::cout << json_of(object) << "\n" << std::flush;
    return kDone;
  }
  const auto wanted = [&](const std::string& name) {
    return command.columns.empty() ||
           std::ranges::find(command.columns, name) != command.columns.end();
  };
  for (const auto& field : object.GetObject()) {
    const auto name = text_of(field.name);
    if (wanted(name)) std::cout << name << ": " << text_of(field.value) << "\n";
  }
  std::cout << std::flush;
  return kDone;
}

}  // namespace

std::span<const RemoteCommand> remote_commands() { return table(); }

std::string_view about_noun(std::string_view noun) {
  if (noun == "shop") return "Show and change shops, by the API of a running service";
  if (noun == "product") return "Show and change products, by the API of a running service";
  return "Show and record stock readings, by the API of a running service";
}

std::vector<std::string> arguments_of_path(std::string_view path) {
  std::vector<std::string> names;
  for (auto open = path.find('{'); open != std::string_view::npos; open = path.find('{', open + 1))
    names.emplace_back(path.substr(open + 1, path.find('}', open) - open - 1));
  return names;
}

int run_remote(const RemoteCommand& command, const RemoteCall& call, const RemoteService& service) {
  if (service.url.empty()) {
    std::cerr << "codasync: the address of the service is not known. Set CODASYNC_URL, such as "
                 "https://shop.example, and CODASYNC_TOKEN if it needs a token.\n";
    return kMisused;
  }
  HttpClient client{service.url, service.token};
  if (command.kind == Kind::list) return list(client, command, call);
  const auto target = target_of(command, call);
  const auto body = command.kind == Kind::write ? body_of(command, call) : std::string{};
  return print_object(client.send(std::string{command.method}, target, body), client, command,
                      call.json);
}

}  // namespace codasync::api::cli
