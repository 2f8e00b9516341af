#include "api/exports.hpp"

#include "api/resources/handlers.hpp"
#include "api/responses.hpp"

// The handlers of /export/….

namespace codasync::api::exports {
namespace {

Problem not_acceptable() {
  return {406, "not-acceptable",
          "An export is text/csv or application/x-ndjson: send one of them in Accept, or the "
          "parameter format=csv or format=ndjson."};
}

Outcome<ExportStart, Problem> open(Service& service, const Call& call, storage::ExportKind kind) {
  constexpr std::array<std::string_view, 2> kFormats{"csv", "ndjson"};
  Parameters parameters{call.query};
  const auto named = parameters.one_of("format", kFormats);
  storage::ExportFilter filter;
  if (kind != storage::ExportKind::products) filter.shops = parameters.shops("shop");
  if (auto problem = parameters.finish()) return *problem;
  if (kind == storage::ExportKind::events) {
    auto shops = shops_of(*call.actor, std::move(filter.shops));
    if (!shops) return shops.error();
    filter.shops = std::move(shops).value();
  }
  const auto format =
      named ? parse_export_format(kFormats.at(*named)) : format_of_accept(call.request.accept);
  if (!format) return not_acceptable();
  auto records = service.exports.begin(kind, filter);
  if (!records) return too_many_exports();
  const std::string name{storage::name_of(kind)};
  return ExportStart{{200,
                      {{"Content-Type", std::string{media_type_of(*format)}},
                       {"Content-Disposition", "attachment; filename=\"" + name + "." +
                                                   std::string{name_of(*format)} + "\""},
                       {"Cache-Control", "no-store"},
                       {"Vary", "Accept"},
                       {"X-Accel-Buffering", "no"}},  // Nginx passes each piece on at once
                      {}},
                     ExportText{std::move(records), kind, *format}};
}

}  // namespace

Outcome<ExportStart, Problem> products(Service& service, const Call& call) {
  return open(service, call, storage::ExportKind::products);
}

Outcome<ExportStart, Problem> stock_readings(Service& service, const Call& call) {
  return open(service, call, storage::ExportKind::stock_readings);
}

Outcome<ExportStart, Problem> events(Service& service, const Call& call) {
  return open(service, call, storage::ExportKind::events);
}

}  // namespace codasync::api::exports
