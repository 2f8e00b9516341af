#include "api/resources/handlers.hpp"
#include "api/responses.hpp"

namespace codasync::api::shops {
namespace {

constexpr std::string_view kPath = "/api/v1/shops";

std::string stored_response(const Shop& shop, bool created) {
  return serialise(
      {created ? 201 : 200, version_tag(shop.version),
       created ? std::string{kPath} + "/" + std::to_string(shop.id.value()) : std::string{},
       to_json(shop)});
}

enum class Operation { create, replace, change };

/// Reads the fields of a shop. The time zone is looked up in PostgreSQL only when all other fields
/// are valid.
Outcome<storage::ShopDraft, Problem> read_draft(Service& service, const Call& call,
                                                Operation operation, Body& fields) {
  const auto name = fields.name("name");
  const auto time_zone = fields.name("time_zone");
  if (operation != Operation::create) {
    fields.own("id", fields.own_id("id"), call.path.id);
    fields.read_only({"version", "updated_at"});
  }
  if (operation == Operation::change) {
    fields.not_null("name", name, "Omit it to keep the name.");
    fields.refuse_empty();
  } else {
    fields.require("name", name);
  }
  fields.not_null(
      "time_zone", time_zone,
      operation == Operation::create ? "Omit it for UTC." : "Omit it to keep the time zone.");
  if (auto problem = fields.finish()) return *problem;
  if (time_zone.value && !service.database.read()->has_time_zone(*time_zone.value)) {
    return bad_fields({{"time_zone", {"This must be an IANA time zone, such as Europe/Zurich."}}});
  }
  return storage::ShopDraft{name.value, time_zone.value};
}

using Write = storage::CatalogueStore::Result (*)(Service&, const Call&, const storage::ShopDraft&,
                                                  const storage::WriteContext&);

Result write(Service& service, const Call& call, Operation operation, Write perform) {
  auto body = read_body(call.request);
  if (!body) return body.error();
  auto fields = std::move(body).value();
  const auto context = write_context(call, &fields);
  if (!context) return context.error();
  const auto draft = read_draft(service, call, operation, fields);
  if (!draft) return draft.error();
  return to_result(Subject::shop, perform(service, call, *draft, *context));
}

storage::CatalogueStore::Result update(Service& service, const Call& call,
                                       const storage::ShopDraft& draft,
                                       const storage::WriteContext& context) {
  return service.catalogue.update_shop(ShopId{call.path.id}, draft, context, &stored_response);
}

}  // namespace

Result list(storage::Reader& reader, const Call& call) {
  Parameters parameters{call.query};
  const auto limit = parameters.limit();
  const bool counts = parameters.counts();
  storage::ShopFilter filter;
  if (const auto after = parameters.id_cursor()) filter.after = ShopId{*after};
  if (auto problem = parameters.finish()) return *problem;
  const auto page = reader.shops(filter, limit);
  auto response = page_response(page, kPath, parameters,
                                [](const auto& shop) { return make_cursor(shop.id.value()); });
  if (counts) add_total(response, reader.count_shops());
  return response;
}

std::optional<ListEntry> list_entry(const Call& call) {
  Parameters parameters{call.query};
  parameters.limit();
  parameters.counts();
  parameters.id_cursor();
  if (parameters.finish()) return std::nullopt;
  return ListEntry{cache::shops_generation(),
                   {storage::exclusive(storage::shops_lock())},
                   parameters.address(kPath)};
}

storage::RowKeys keys(const Arguments& path) { return {.shops = {ShopId{path.id}}}; }

std::optional<Result> one(const Arguments& path, const storage::Rows& rows) {
  const auto found = rows.shops.find(ShopId{path.id});
  if (found == rows.shops.end()) return not_found(Subject::shop);
  return ok(to_json(found->second), version_tag(found->second.version));
}

Result create(Service& service, const Call& call) {
  return write(service, call, Operation::create,
               [](auto& s, const auto&, const auto& draft, const auto& context) {
                 return s.catalogue.create_shop(draft, context, &stored_response);
               });
}

Result replace(Service& service, const Call& call) {
  return write(service, call, Operation::replace, &update);
}

Result change(Service& service, const Call& call) {
  return write(service, call, Operation::change, &update);
}

Result remove(Service& service, const Call& call) {
  Parameters parameters{call.query};
  const auto readings = parameters.flag("cascade").value_or(false) ? storage::ShopReadings::remove
                                                                   : storage::ShopReadings::refuse;
  if (auto problem = parameters.finish()) return *problem;
  const auto context = write_context(call);
  if (!context) return context.error();
  return to_result(Subject::shop,
                   service.catalogue.delete_shop(ShopId{call.path.id}, readings, *context));
}

}  // namespace codasync::api::shops
