#include "storage/postgres/product_writes.hpp"

#include "storage/postgres/columns.hpp"

namespace codasync::storage::postgres {

Product save_product(WriteTransaction& transaction, Gtin gtin, const ProductColumns& fields,
                     OtherFields others, const Token& actor) {
  static const std::string kStatement =
      "with old as (select * from products where gtin = $1 and removed_at is null),"
      " p as ("
      "  insert into products as p (gtin, name, brand, category) values ($1, $2, $3, $4)"
      "  on conflict (gtin) do update set name = excluded.name,"
      "   brand = case when $5::boolean and p.removed_at is null then p.brand else excluded.brand "
      "end,"
      "   category = case when $5 and p.removed_at is null then p.category else excluded.category "
      "end,"
      "   version = p.version + 1, updated_at = clock_timestamp(), removed_at = null"
      "  returning *),"
      " fed as ("
      "  insert into changes (shop_id, reading_id)"
      "  select r.shop_id, r.id from stock_readings r join old on r.gtin = old.gtin join p on true"
      "   where r.present and old.name <> p.name"
      "  on conflict do nothing),"
      " logged as ("
      "  insert into audit (token_id, actor, action, subject, subject_id, before, after)"
      "  select $6, $7, case when old.gtin is null then 'create' else 'change' end, 'product', "
      "p.gtin,"
      "   audited_product(old.name, old.brand, old.category),"
      "   audited_product(p.name, p.brand, p.category) from p left join old on true)"
      " select " +
      kProductColumns + " from p";
  const auto saved =
      transaction.exec_params(kStatement, gtin.number(), fields.name, fields.brand, fields.category,
                              others == OtherFields::kept, actor.id.value(), actor.name);
  return product_of(saved[0]);
}

void remove_product(WriteTransaction& transaction, Gtin gtin, const Token& actor) {
  transaction.exec_params(
      "with p as (update products set removed_at = clock_timestamp(), updated_at ="
      " clock_timestamp(), version = version + 1 where gtin = $1 returning *)"
      " insert into audit (token_id, actor, action, subject, subject_id, before, after)"
      " select $2, $3, 'delete', 'product', p.gtin, audited_product(p.name, p.brand, p.category),"
      " null from p",
      gtin.number(), actor.id.value(), actor.name);
}

}  // namespace codasync::storage::postgres
