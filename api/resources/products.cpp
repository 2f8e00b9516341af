#include <algorithm>

#include "api/resources/handlers.hpp"
#include "api/responses.hpp"
#include "storage/model/text.hpp"

namespace codasync::api::products {
namespace {

constexpr std::string_view kPath = "/api/v1/products";
constexpr std::string_view kCategoriesPath = "/api/v1/categories";
constexpr std::string_view kBrandsPath = "/api/v1/brands";
constexpr std::size_t kSearchWordsMax = 10;
constexpr std::string_view kOrderings[] = {"GTIN", "name"};  // as storage::ProductOrder

std::string stored_response(const Product& product, bool created) {
  return serialise({created ? 201 : 200, version_tag(product.version),
                    created ? std::string{kPath} + "/" + product.gtin.canonical() : std::string{},
                    to_json(product)});
}

struct SentProduct {
  std::optional<Gtin> gtin;
  storage::ProductDraft draft;
};

using Nullable = std::optional<std::optional<std::string>>;

/// Returns: nothing when the field is absent; an inner nothing when it is null. The type is
/// explicit, because `std::optional{field.value}` copies the optional instead of wrapping it.
Nullable nullable(const Field<std::string>& field) {
  return field.given ? Nullable{field.value} : std::nullopt;
}

enum class Operation { create, replace, change };

/// Reads the fields of a product. The GTIN is required when the path has none; otherwise it must be
/// that of the path.
Outcome<SentProduct, Problem> read_product(const Call& call, Operation operation, Body& fields) {
  const auto gtin = fields.gtin("GTIN");
  const auto name = fields.name("name");
  const auto brand = fields.name("brand");
  const auto category = fields.name("category");
  if (operation == Operation::create) {
    fields.require("GTIN", gtin);
  } else {
    fields.not_null("GTIN", gtin);
    fields.own("GTIN", gtin, *call.path.gtin);
    fields.read_only({"restricted", "version", "updated_at"});
  }
  if (operation == Operation::change) {
    fields.not_null("name", name, "Omit it to keep the name.");
    fields.refuse_empty();
  } else {
    fields.require("name", name);
  }
  if (auto problem = fields.finish()) return *problem;
  return SentProduct{gtin.value, {name.value, nullable(brand), nullable(category)}};
}

using Write = storage::CatalogueStore::Result (*)(Service&, const Call&, const SentProduct&,
                                                  const storage::WriteContext&);

Result write(Service& service, const Call& call, Operation operation, Write perform) {
  auto body = read_body(call.request);
  if (!body) return body.error();
  auto fields = std::move(body).value();
  const auto context = write_context(call, &fields);
  if (!context) return context.error();
  const auto sent = read_product(call, operation, fields);
  if (!sent) return sent.error();
  return to_result(Subject::product, perform(service, call, *sent, *context));
}

// A cursor of products contains the GTIN, and the name in the order of names.

std::string write_cursor(storage::ProductOrder order, const Product& last) {
  auto text = last.gtin.canonical();
  if (order == storage::ProductOrder::name) text += "|" + last.name;
  return make_cursor(text);
}

std::optional<storage::ProductCursor> parse_cursor(storage::ProductOrder order,
                                                   const std::string& text) {
  const auto end = std::min(text.find('|'), text.size());
  const auto gtin = Gtin::parse(std::string_view{text}.substr(0, end));
  const bool has_name = end < text.size();
  if (!gtin || has_name != (order == storage::ProductOrder::name)) return std::nullopt;
  if (!has_name) return storage::ProductCursor{*gtin};
  auto name = text.substr(end + 1);
  if (refuse_name(name)) return std::nullopt;
  return storage::ProductCursor{*gtin, std::move(name)};
}

/// The query of a list.
struct ListQuery {
  storage::ProductFilter filter{};
  std::size_t limit{0};
  bool counts{false};
};

ListQuery read_list(Parameters& parameters) {
  ListQuery query{.limit = parameters.limit(), .counts = parameters.counts()};
  auto& filter = query.filter;
  filter.words = parameters.words("search");
  if (filter.words.size() > kSearchWordsMax)
    parameters.refuse("search", "At most 10 words are allowed.");
  filter.gtins = parameters.gtins("GTIN");
  filter.category = parameters.text("category");
  filter.brand = parameters.text("brand");
  filter.order =
      static_cast<storage::ProductOrder>(parameters.one_of("ordering", kOrderings).value_or(0));
  if (filter.order == storage::ProductOrder::gtin) parameters.spell("ordering", "");
  if (const auto cursor = parameters.cursor()) {
    filter.after = parse_cursor(filter.order, *cursor);
    if (!filter.after) parameters.refuse_cursor();
  }
  return query;
}

/// The same for a list of groups.
struct GroupQuery {
  std::optional<std::string> after;
  std::size_t limit;
  bool counts;
};

GroupQuery read_groups(Parameters& parameters) {
  GroupQuery query{parameters.cursor(), parameters.limit(), parameters.counts()};
  if (query.after && refuse_name(*query.after)) parameters.refuse_cursor();
  return query;
}

std::optional<ListEntry> entry_of(const Parameters& parameters, std::string_view path) {
  if (parameters.finish()) return std::nullopt;
  return ListEntry{cache::catalogue_generation(),
                   {storage::exclusive(storage::catalogue_lock())},
                   parameters.address(path)};
}

std::optional<ListEntry> groups_entry(const Call& call, std::string_view path) {
  Parameters parameters{call.query};
  read_groups(parameters);
  return entry_of(parameters, path);
}

Result groups(storage::Reader& reader, const Call& call, storage::ProductGroupKind kind,
              std::string_view path) {
  Parameters parameters{call.query};
  const auto query = read_groups(parameters);
  if (auto problem = parameters.finish()) return *problem;
  auto response =
      page_response(reader.product_groups(kind, query.after, query.limit), path, parameters,
                    [](const auto& group) { return make_cursor(group.name); });
  if (query.counts) add_total(response, reader.count_groups(kind));
  return response;
}

}  // namespace

Result list(storage::Reader& reader, const Call& call) {
  Parameters parameters{call.query};
  const auto query = read_list(parameters);
  if (auto problem = parameters.finish()) return *problem;
  auto response =
      page_response(reader.products(query.filter, query.limit), kPath, parameters,
                    [&](const auto& last) { return write_cursor(query.filter.order, last); });
  if (query.counts) add_total(response, reader.count_products(query.filter));
  return response;
}

Result categories(storage::Reader& reader, const Call& call) {
  return groups(reader, call, storage::ProductGroupKind::category, kCategoriesPath);
}

Result brands(storage::Reader& reader, const Call& call) {
  return groups(reader, call, storage::ProductGroupKind::brand, kBrandsPath);
}

std::optional<ListEntry> list_entry(const Call& call) {
  Parameters parameters{call.query};
  read_list(parameters);
  return entry_of(parameters, kPath);
}

std::optional<ListEntry> categories_entry(const Call& call) {
  return groups_entry(call, kCategoriesPath);
}

std::optional<ListEntry> brands_entry(const Call& call) { return groups_entry(call, kBrandsPath); }

const ReadRows* list_rows(const Call& call) {
  static constexpr ReadRows kRows{[](const Call& of) -> Outcome<storage::RowKeys, Problem> {
                                    Parameters parameters{of.query};
                                    storage::RowKeys keys{.products = parameters.gtins("GTIN")};
                                    if (auto problem = parameters.finish()) return *problem;
                                    return keys;
                                  },
                                  [](const Call&, const storage::Rows& rows) -> Result {
                                    std::vector<Product> products;  // in the order of the list
                                    for (const auto& [gtin, product] : rows.products)
                                      products.push_back(product);
                                    return ok_by_body(to_json(products));
                                  }};
  const bool only_gtins = call.query.size() == 1 && call.query[0].first == "GTIN";
  return only_gtins ? &kRows : nullptr;
}

storage::RowKeys keys(const Arguments& path) { return {.products = {*path.gtin}}; }

std::optional<Result> one(const Arguments& path, const storage::Rows& rows) {
  const auto found = rows.products.find(*path.gtin);
  if (found == rows.products.end()) return not_found(Subject::product);
  return ok(to_json(found->second), version_tag(found->second.version));
}

Result create(Service& service, const Call& call) {
  return write(service, call, Operation::create,
               [](auto& s, const auto&, const auto& sent, const auto& context) {
                 return s.catalogue.create_product(*sent.gtin, sent.draft, context,
                                                   &stored_response);
               });
}

Result replace(Service& service, const Call& call) {
  return write(service, call, Operation::replace,
               [](auto& s, const auto& c, const auto& sent, const auto& context) {
                 return s.catalogue.put_product(*c.path.gtin, sent.draft, context,
                                                &stored_response);
               });
}

Result change(Service& service, const Call& call) {
  return write(service, call, Operation::change,
               [](auto& s, const auto& c, const auto& sent, const auto& context) {
                 return s.catalogue.update_product(*c.path.gtin, sent.draft, context,
                                                   &stored_response);
               });
}

Result remove(Service& service, const Call& call) {
  const auto context = write_context(call);
  if (!context) return context.error();
  return to_result(Subject::product, service.catalogue.delete_product(*call.path.gtin, *context));
}

}  // namespace codasync::api::products
