#include "storage/catalogue/undo_import.hpp"

#include <cassert>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "storage/import_trail.hpp"
#include "storage/postgres/arrays.hpp"
#include "storage/postgres/columns.hpp"
#include "storage/postgres/product_changes.hpp"
#include "storage/postgres/product_writes.hpp"
#include "storage/reader.hpp"

namespace codasync::storage {
namespace {

using postgres::ProductColumns;
using postgres::WriteTransaction;
using UndoCounts = CatalogueStore::UndoCounts;

constexpr std::size_t kProductsMax = 100;  // in a transaction: each reading may show another name

/// The values of a product; nullopt: it does not exist.
using State = std::optional<ProductColumns>;

bool same(const State& a, const State& b) {
  if (!a || !b) return a.has_value() == b.has_value();
  return a->name == b->name && a->brand == b->brand && a->category == b->category;
}

State state_of(const pqxx::row& row, int first) {
  if (row[first].is_null()) return std::nullopt;
  return ProductColumns{row[first].as<std::string>(), postgres::optional_text(row[first + 1]),
                        postgres::optional_text(row[first + 2])};
}

struct Entry {
  std::string actor;
  State after;
};

/// A product's entries in the audit, the oldest first, and what it is now.
struct History {
  std::vector<Entry> entries;
  State now;
};

std::map<std::int64_t, History> histories(WriteTransaction& transaction, const std::string& gtins) {
  std::map<std::int64_t, History> found;
  for (const pqxx::row& row :
       transaction.exec_params("select gtin, name, brand, category from products"
                               " where gtin = any($1::bigint[]) and removed_at is null",
                               gtins)) {
    found[row[0].as<std::int64_t>()].now = state_of(row, 1);
  }
  for (const pqxx::row& row :
       transaction.exec_params("select subject_id, actor, after->>'name', after->>'brand', "
                               "after->>'category' from audit"
                               " where subject = 'product' and subject_id = any($1::bigint[])"
                               " order by subject_id, at, id",
                               gtins)) {
    found[row[0].as<std::int64_t>()].entries.push_back(
        {row[1].as<std::string>(), state_of(row, 2)});
  }
  return found;
}

/// What a product has to become.
struct Target {
  State state;
  State if_in_use{};          // where `state` is absent and a shop has a reading of the product
  bool changed_since{false};  // the state is of an entry after those of the import
  bool own{false};            // the import wrote the product
  bool noted{false};          // the audit has an entry of an earlier undo of the import
};

Target target_of(const History& history, const Uuid& import) {
  std::set<Uuid> undone{import};
  Target target;
  for (const auto& entry : history.entries) {
    const auto taken_back = undone_by_actor(entry.actor);
    if (!taken_back) continue;
    target.noted = target.noted || taken_back == import;
    undone.insert(*taken_back);
  }
  for (const auto& entry : history.entries) {
    const auto own = import_of_actor(entry.actor);
    if (own == import) {
      target.own = true;
      target.changed_since = false;
    } else if (!undone_by_actor(entry.actor) && entry.after) {
      target.if_in_use = entry.after;
    }
    if (undone_by_actor(entry.actor) || (own && undone.contains(*own))) continue;
    target.state = entry.after;
    target.changed_since = true;
  }
  return target;
}

/// Writes an entry that says that the import was taken back and the product stays as it is: the
/// undo of another import needs to know.
void note(WriteTransaction& transaction, std::int64_t gtin, const Token& actor) {
  transaction.exec_params(
      "insert into audit (token_id, actor, action, subject, subject_id, before, after)"
      " select $2, $3, 'change', 'product', gtin, audited_product(name, brand, category),"
      " audited_product(name, brand, category) from products"
      " where gtin = $1 and removed_at is null",
      gtin, actor.id.value(), actor.name);
}

bool on_a_shelf(WriteTransaction& transaction, std::int64_t gtin) {
  return !transaction
              .exec_params("select from stock_readings where gtin = $1 and present limit 1", gtin)
              .empty();
}

UndoCounts undo_page(WriteTransaction& transaction, const Uuid& import, const std::string& gtins,
                     const Token& actor) {
  UndoCounts counts;
  for (const auto& [gtin, history] : histories(transaction, gtins)) {
    auto target = target_of(history, import);
    const bool in_use = !target.state && history.now && on_a_shelf(transaction, gtin);
    if (in_use) target.state = target.if_in_use ? target.if_in_use : history.now;
    if (same(target.state, history.now)) {
      if (!target.own) continue;
      if (in_use) {
        ++counts.in_use;
      } else if (target.changed_since) {
        ++counts.changed_since;
      }
      if (!target.noted) note(transaction, gtin, actor);
    } else if (target.state) {
      postgres::save_product(transaction, Gtin::from_number(gtin), *target.state,
                             postgres::OtherFields::replaced, actor);
      ++counts.restored;
    } else {
      postgres::remove_product(transaction, Gtin::from_number(gtin), actor);
      ++counts.removed;
    }
  }
  return counts;
}

}  // namespace

CatalogueStore::UndoCounts& CatalogueStore::UndoCounts::operator+=(const UndoCounts& other) {
  restored += other.restored;
  removed += other.removed;
  changed_since += other.changed_since;
  in_use += other.in_use;
  token_revoked = token_revoked || other.token_revoked;
  return *this;
}

UndoCounts undo_import(CatalogueWriter& writer, const Uuid& import,
                       const std::vector<Gtin>& products, const Token& actor) {
  assert(products.size() <= kPageMax);
  UndoCounts counts;
  for (std::size_t from = 0; from < products.size(); from += kProductsMax) {
    const auto end = std::min(from + kProductsMax, products.size());
    const std::vector<Gtin> page{products.begin() + static_cast<std::ptrdiff_t>(from),
                                 products.begin() + static_cast<std::ptrdiff_t>(end)};
    std::vector<Lock> locks{shared(catalogue_lock())};
    for (const auto gtin : page) locks.push_back(exclusive(product_lock(gtin)));
    const auto gtins =
        postgres::array_of(page, [](Gtin gtin) { return std::to_string(gtin.number()); });
    UndoCounts written;
    const bool valid = writer.write(locks, actor.id, [&](WriteTransaction& transaction) {
      written = undo_page(transaction, import, gtins, actor);
      Changes changes = postgres::changes_of_products(transaction, page);
      transaction.lock(postgres::shop_locks(changes));
      return changes;
    });
    if (!valid) {
      counts.token_revoked = true;
      return counts;
    }
    counts += written;
  }
  return counts;
}

}  // namespace codasync::storage
