#include "api/answers.hpp"
#include "api/resources/handlers.hpp"

namespace codasync::api::products {
namespace {

constexpr std::string_view kPath = "/api/v1/products";
constexpr std::size_t kSearchWordsMax = 10;

std::string answer(const Product& product, bool created) {
  return write_down({created ? 201 : 200, version_tag(product.version),
                     created ? std::string{kPath} + "/" + product.gtin.canonical() : std::string{},
                     to_json(product)});
}

struct Sent {
  std::optional<Gtin> gtin;
  storage::ProductDraft draft;
};

using Nullable = std::optional<std::optional<std::string>>;

/// Returns: nothing when the field is left out; an inner nothing when it is null. The type is
/// written out, because `std::optional{field.value}` copies the inner one and wraps nothing.
Nullable nullable(const Field<std::string>& field) {
  return field.given ? Nullable{field.value} : std::nullopt;
}

enum class Sending { created, replaced, changed };

/// Reads what a client says about a product. The GTIN is required where the path has none, and must
/// be the path's otherwise.
Outcome<Sent, Problem> read_sent(const Call& call, Sending sending, Body& fields) {
  const auto gtin = fields.gtin("GTIN");
  const auto name = fields.name("name");
  const auto brand = fields.name("brand");
  const auto category = fields.name("category");
  if (sending == Sending::created) {
    fields.require("GTIN", gtin);
  } else {
    fields.not_null("GTIN", gtin);
    fields.own("GTIN", gtin, *call.path.gtin);
    fields.read_only({"restricted", "version", "updated_at"});
  }
  if (sending == Sending::changed) {
    fields.not_null("name", name, "Leave it out to keep the name.");
    fields.refuse_empty();
  } else {
    fields.require("name", name);
  }
  if (auto problem = fields.finish()) return *problem;
  return Sent{gtin.value, {name.value, nullable(brand), nullable(category)}};
}

using Write = storage::CatalogueStore::Result (*)(Service&, const Call&, const Sent&,
                                                  const storage::WriteContext&);

Result write(Service& service, const Call& call, Sending sending, Write perform) {
  auto body = read_body(call.request);
  if (!body) return body.error();
  auto fields = std::move(body).value();
  const auto context = write_context(call, &fields);
  if (!context) return context.error();
  const auto sent = read_sent(call, sending, fields);
  if (!sent) return sent.error();
  return to_result(Subject::product, perform(service, call, *sent, *context));
}

std::vector<std::string> split_words(const std::string& text) {
  std::vector<std::string> words;
  std::size_t at = 0;
  while ((at = text.find_first_not_of(' ', at)) != std::string::npos) {
    const auto end = std::min(text.find(' ', at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

}  // namespace

Result list(storage::Reader& reader, const Call& call) {
  Parameters parameters{call.query};
  const auto limit = parameters.limit();
  storage::ProductFilter filter;
  if (const auto search = parameters.text("search")) {
    filter.words = split_words(*search);
    if (filter.words.size() > kSearchWordsMax)
      parameters.refuse("search", "At most 10 words are allowed.");
  }
  filter.category = parameters.text("category");
  filter.brand = parameters.text("brand");
  if (const auto cursor = parameters.cursor()) {
    const auto after = Gtin::parse(*cursor);
    if (after) {
      filter.after = *after;
    } else {
      parameters.refuse_cursor();
    }
  }
  if (auto problem = parameters.finish()) return *problem;
  const auto page = reader.products(filter, limit);
  auto response = ok_by_body(to_json(page.rows));
  if (page.more) {
    response.headers.push_back(
        next_page(kPath, call.query, make_cursor(page.rows.back().gtin.canonical())));
  }
  return response;
}

std::optional<ListEntry> list_entry(const Call& call) {
  return ListEntry{cache::catalogue_generation(),
                   {{storage::catalogue_lock(), storage::LockMode::exclusive}},
                   call.request.query};
}

Result one(storage::Reader& reader, const Call& call) {
  const auto product = reader.product(*call.path.gtin);
  if (!product) return not_found(Subject::product);
  return ok(to_json(*product), version_tag(product->version));
}

Result create(Service& service, const Call& call) {
  return write(service, call, Sending::created,
               [](auto& s, const auto&, const auto& sent, const auto& context) {
                 return s.catalogue.create_product(*sent.gtin, sent.draft, context, &answer);
               });
}

Result replace(Service& service, const Call& call) {
  return write(service, call, Sending::replaced,
               [](auto& s, const auto& c, const auto& sent, const auto& context) {
                 return s.catalogue.put_product(*c.path.gtin, sent.draft, context, &answer);
               });
}

Result change(Service& service, const Call& call) {
  return write(service, call, Sending::changed,
               [](auto& s, const auto& c, const auto& sent, const auto& context) {
                 return s.catalogue.update_product(*c.path.gtin, sent.draft, context, &answer);
               });
}

Result remove(Service& service, const Call& call) {
  const auto context = write_context(call, nullptr);
  if (!context) return context.error();
  return to_result(Subject::product, service.catalogue.delete_product(*call.path.gtin, *context));
}

}  // namespace codasync::api::products
