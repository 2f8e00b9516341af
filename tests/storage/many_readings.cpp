#include "tests/storage/many_readings.hpp"

#include <string>

namespace codasync::test {

// Indexes are created after the rows, foreign keys and triggers are off, and nothing is written to
// the log of the server: this takes a third of the time.
void add_many_readings(const TestDatabase& database) {
  const auto shops = std::to_string(kManyShops);
  const auto products = std::to_string(kManyProducts);
  database.run(R"sql(
    set session_replication_role = replica;
    set synchronous_commit = off;
    set maintenance_work_mem = '256MB';
    alter table stock_readings set unlogged;
    create temporary table later as
      select 'drop index ' || indexrelid::regclass as before, pg_get_indexdef(indexrelid) as after
        from pg_index where indrelid in ('stock_readings'::regclass, 'products'::regclass) and not indisunique
      union all
      select 'alter table stock_readings drop constraint ' || conname,
             'alter table stock_readings add ' || pg_get_constraintdef(oid)
        from pg_constraint where conrelid = 'stock_readings'::regclass and contype in ('p', 'u');
    do $$
    declare each record;
    begin
      for each in select * from later loop execute each.before; end loop;
    end $$;
    insert into shops (name, time_zone)
      select 'Shop ' || i, (array['UTC', 'Europe/Zurich', 'Pacific/Kiritimati', 'Pacific/Niue', 'America/New_York'])[1 + i % 5]
        from generate_series(1, )sql" +
               shops + R"sql() i;
    insert into products (gtin, name, brand, category)
      select 9500000000000 + i, (array['Tea', 'Milk', 'Rice', 'Bread', 'Äpfel', 'Vollmilch', 'Café', 'Cheese'])[1 + i % 8] ||
             ' ' || i * 7919::bigint % )sql" +
               products + R"sql( / 3, 'Brand ' || i % 500, 'Category ' || i % 40
        from generate_series(0, )sql" +
               products + R"sql( - 1) i;
    insert into stock_readings (shop_id, gtin, version, observed_at, updated_at, received_at, looked_at, quantity_since,
                                quantity, plain, lowest, expiry_date, present)
      select s, 9500000000000 + (s * 7919::bigint + i * 13) % )sql" +
               products + R"sql(, 1, t, t, t, t, case when q is not null then t end, q, q, q,
             case when i % 100 < 89 then current_date - 20 + h % 400 end, h % 50 > 0
        from generate_series(1, )sql" +
               shops + R"sql() s, generate_series(1, 49 + 99 * s / 2) i,
             lateral (select abs(hashint8(s * 100000::bigint + i))) hash (h),
             lateral (select now() - h % 5184000 * interval '1 s',
                             case when h % 10 = 0 then null when h % 100 < 9 then 0 else h % 40 + 1 end) values (t, q);
    do $$
    declare each record;
    begin
      for each in select * from later loop execute each.after; end loop;
    end $$;
    drop table later;)sql");
  database.run("vacuum analyze");
}

}  // namespace codasync::test
