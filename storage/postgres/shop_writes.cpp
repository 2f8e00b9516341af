#include "storage/postgres/shop_writes.hpp"

#include "storage/postgres/arrays.hpp"
#include "storage/postgres/columns.hpp"

namespace codasync::storage::postgres {
namespace {

const std::string kAudit =
    " insert into audit (token_id, actor, action, subject, subject_id, before, after) select ";

}  // namespace

Shop create_shop(WriteTransaction& transaction, const ShopFields& fields, const Token& actor) {
  static const std::string kStatement =
      "with s as (insert into shops as s (name, time_zone) values ($1, $2) returning *), logged as "
      "(" +
      kAudit +
      "$3, $4, 'create', 'shop', s.id, null, audited_shop(s.name, s.time_zone) from s) select " +
      kShopColumns + " from s";
  return shop_of(transaction.exec_params(kStatement, fields.name, fields.time_zone,
                                         actor.id.value(), actor.name)[0]);
}

Shop change_shop(WriteTransaction& transaction, ShopId id, const ShopFields& fields,
                 const Token& actor) {
  static const std::string kStatement =
      "with old as (select * from shops where id = $1),"
      " s as (update shops s set name = $2, time_zone = $3, version = version + 1,"
      " updated_at = clock_timestamp() where id = $1 returning *), logged as (" +
      kAudit +
      "$4, $5, 'change', 'shop', s.id, audited_shop(old.name, old.time_zone),"
      " audited_shop(s.name, s.time_zone) from s, old) select " +
      kShopColumns + " from s";
  return shop_of(transaction.exec_params(kStatement, id.value(), fields.name, fields.time_zone,
                                         actor.id.value(), actor.name)[0]);
}

std::int64_t change_thresholds(WriteTransaction& transaction, ShopId id,
                               const ShopThresholds& thresholds, const Token& actor) {
  static const std::string kStatement =
      "with old as (select * from shop_thresholds where shop_id = $1),"
      " t as (insert into shop_thresholds as t (shop_id, days, stale_days, categories)"
      " select $1, $2, $3, coalesce(jsonb_object_agg(c.name, jsonb_strip_nulls("
      "jsonb_build_object('days', c.days, 'stale_days', c.stale_days))), '{}')"
      " from unnest($4::text[], $5::integer[], $6::integer[]) c (name, days, stale_days)"
      " on conflict (shop_id) do update set days = excluded.days,"
      " stale_days = excluded.stale_days, categories = excluded.categories,"
      " version = t.version + 1 returning *), logged as (" +
      kAudit +
      "$7, $8, 'change', 'thresholds', t.shop_id, to_jsonb(old) - 'shop_id' - 'version',"
      " to_jsonb(t) - 'shop_id' - 'version' from t left join old using (shop_id))"
      " select version from t";
  const auto number = [](const auto& value) { return value ? std::to_string(*value) : "null"; };
  const auto column = [&](const auto& element) { return array_of(thresholds.categories, element); };
  return transaction
      .exec_params(kStatement, id.value(), thresholds.days, thresholds.stale_days,
                   column([](const auto& rule) { return quoted(rule.first); }),
                   column([&](const auto& rule) { return number(rule.second.days); }),
                   column([&](const auto& rule) { return number(rule.second.stale_days); }),
                   actor.id.value(), actor.name)[0][0]
      .template as<std::int64_t>();
}

void remove_shop(WriteTransaction& transaction, ShopId id, const Token& actor) {
  static const std::string kStatement =
      "with s as (update shops set removed_at = clock_timestamp(), updated_at = clock_timestamp(),"
      " version = version + 1 where id = $1 returning *)" +
      kAudit + "$2, $3, 'delete', 'shop', s.id, audited_shop(s.name, s.time_zone), null from s";
  transaction.exec_params(kStatement, id.value(), actor.id.value(), actor.name);
}

}  // namespace codasync::storage::postgres
