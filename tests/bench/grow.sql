-- Fills one shop with readings and three events each, in the state that writers leave: `codasync check --deep` finds no difference.
-- The products are those of the table grow_products. psql variables: shop, size (readings of the shop), products (in the catalogue), first (id of its first reading).
-- Of a hundred readings ten were never counted, eight are sold out and two removed. The last looks are spread over 400 days.
set session_replication_role = replica;  -- the referenced rows exist
set synchronous_commit = off;

create temporary table grown as
select i + :first as id, p.gtin,
       case when i % 100 < 2 then 'removed' when i % 100 < 10 then 'sold out' when i % 100 < 20 then 'uncounted' else 'counted' end as state,
       case when i % 100 between 2 and 9 then 2 else 1 + i % 40 end as quantity,
       current_date - 10 + (i * 7 % 90)::integer as expires,
       t, t + interval '1 hour' as t2, t + interval '2 hours' as t3
  from generate_series(0::bigint, :size - 1) i
  join grow_products p on p.number = (:shop * 7919 + i * 49999) % :products
 cross join lateral (values (date_trunc('day', now()) - interval '1 day' - (i * 37 % 400) * interval '1 day' + i % 70000 * interval '1 s' + i % 1000 * interval '1 us')) v (t);

insert into stock_readings (id, shop_id, gtin, version, observed_at, updated_at, received_at, newest_at, tail, looked_at, dates_since,
                            quantity_since, quantity, plain, lowest, expiry_date, date_kind, present)
overriding system value
select id, :shop, gtin, 3, t3, t3, t3, t3, 3, case when state in ('sold out', 'uncounted') then t3 else t end,
       case state when 'uncounted' then null when 'removed' then t3 else t end,
       case state when 'uncounted' then null when 'removed' then t3 else t end,
       case state when 'counted' then quantity + 1 when 'sold out' then 0 end,
       case state when 'counted' then quantity + 1 when 'sold out' then 0 end,
       case state when 'counted' then quantity - 1 when 'sold out' then 0 end,
       case when state <> 'removed' then expires end, case when state <> 'removed' then 'b'::"char" end, state <> 'removed'
  from grown;

insert into stock_events (reading_id, observed_at, id, received_at, token_id, version, delta, quantity, expiry_date, kind, date_kind, outcome, actor)
select id, e.at, grow_event((date_part('epoch', e.at) * 1000000)::bigint, id), e.at, 1, e.version, e.delta, e.quantity, e.expires, e.kind::"char",
       case when e.expires is not null then 'b'::"char" end, e.outcome::"char", 'grow'
  from grown g,
       lateral (values
         (t, 1, null::bigint, case when state <> 'uncounted' then g.quantity end, case state when 'uncounted' then expires + 5 else expires end,
          case state when 'uncounted' then 's' else 'c' end, 'a'),
         (t2, 2, case state when 'uncounted' then null when 'sold out' then -2 else -1 end, null,
          case state when 'uncounted' then expires + 2 end, case state when 'uncounted' then 's' else 'a' end, 'a'),
         (t3, 3, case state when 'counted' then 2 end, null, case when state in ('sold out', 'uncounted') then expires end,
          case state when 'counted' then 'a' when 'removed' then 'r' else 's' end, case state when 'sold out' then 'k' else 'a' end)
       ) e (at, version, delta, quantity, expires, kind, outcome);
drop table grown;
