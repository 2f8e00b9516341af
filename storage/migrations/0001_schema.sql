-- The schema of the first release. Later migrations add; a column or table that a program no longer uses is dropped one
-- version later, so that the previous program can run beside the new one (storage/README.md, "A new migration").

create extension pg_trgm schema public;   -- search by parts of words; trusted: the owner of the database may create it
create extension unaccent schema public;  -- search without accents; trusted too

-- ---------------------------------------------------------------------------------------------------------------- helpers

-- Text for search and sort order: without case and accents. It begins with a blank, so that `% word%` finds the beginning
-- of every word. Immutable, because the call names the dictionary with its schema, and as long as the dictionary does not
-- change.
create function folded(words text) returns text language sql immutable parallel safe strict
  return ' ' || lower(public.unaccent('public.unaccent'::regdictionary, words));

-- Microseconds since 1970, exact until 2106: a double has 53 bits, and rounding corrects the error of date_part().
-- extract() computes with numerics and costs six times as much.
create function micros_of(moment timestamptz) returns bigint language sql stable parallel safe strict
  return (date_part('epoch', moment) * 1000000)::bigint;

-- The inverse of micros_of(), exact in the same range.
create function moment_of(micros bigint) returns timestamptz language sql immutable parallel safe strict
  return to_timestamp(micros / 1000000::float8);

-- The day of a moment in a time zone, and the first moment after a day. An unknown zone counts as UTC: if an upgrade of
-- the system's zones removes the zone of one shop, lists over all shops must still work. Not parallel safe, because a
-- block with an exception handler is a subtransaction.
create function day_in(zone text, moment timestamptz) returns date language plpgsql stable strict as $$
begin
  return (moment at time zone zone)::date;
exception when invalid_parameter_value then
  return (moment at time zone 'UTC')::date;
end $$;
create function end_of_day(day date, zone text) returns timestamptz language plpgsql stable strict as $$
declare
  midnight timestamptz := (day + 1)::timestamp at time zone 'UTC';
begin
  midnight := (day + 1)::timestamp at time zone zone;
  -- Where the clocks go back from one o'clock to midnight, this is the second midnight of that day.
  if ((midnight - interval '1 hour') at time zone zone)::date > day then
    midnight := midnight - interval '1 hour';
  end if;
  return midnight;
exception when invalid_parameter_value then
  return midnight;
end $$;

-- --------------------------------------------------------------------------------------------------------------- catalogue

create table shops (
  id          bigint generated always as identity primary key,
  name        text not null check (char_length(name) between 1 and 255),
  time_zone   text not null default 'UTC',
  version     bigint not null default 1,
  updated_at  timestamptz not null default clock_timestamp(),
  removed_at  timestamptz                       -- the row stays: readings and the change feed refer to it
);
create unique index shops_name on shops (name) where removed_at is null;

-- When a reading of a shop is on its work list (storage/work_list.hpp). A shop without a row has the defaults, in version 1.
create table shop_thresholds (
  shop_id     bigint primary key references shops,
  days        integer not null check (days between 0 and 365),
  stale_days  integer not null check (stale_days between 1 and 365),
  categories  jsonb not null default '{}',      -- by name: {days, stale_days}; absent: as in the shop
  version     bigint not null default 2
);

create table products (
  gtin        bigint primary key check (gtin between 1 and 99999999999999),
  name        text not null check (char_length(name) between 1 and 255),
  brand       text check (char_length(brand) between 1 and 255),
  category    text check (char_length(category) between 1 and 255),
  version     bigint not null default 1,
  updated_at  timestamptz not null default clock_timestamp(),
  removed_at  timestamptz,
  sort_name   text collate "C" not null generated always as (folded(name)) stored,
  search      text not null generated always as
                (folded(name || coalesce(' ' || brand, '') || coalesce(' ' || category, ''))) stored
);
create index products_name on products (sort_name, gtin);
create index products_category on products (category, gtin) where removed_at is null;
create index products_category_name on products (category, sort_name, gtin) where removed_at is null;
create index products_brand on products (brand, gtin) where removed_at is null;
create index products_brand_name on products (brand, sort_name, gtin) where removed_at is null;
create index products_search on products using gin (search gin_trgm_ops);

-- How many products each brand and each category has. Counting them for each request would read the whole catalogue.
create table product_groups (
  kind       text not null check (kind in ('brand', 'category')),
  name       text not null,
  products   bigint not null,
  sort_name  text collate "C" not null generated always as (folded(name)) stored,
  primary key (kind, name)
);
create index product_groups_name on product_groups (kind, sort_name, name collate "C");

-- One statement changes its rows in one order, so two statements rarely wait for each other in a circle. If they do,
-- PostgreSQL ends one of them, and its write is repeated. Products are never deleted, only removed.
create function count_product_groups() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into product_groups as g (kind, name, products)
    select k.kind, k.name, count(*)
      from new_products p cross join lateral (values ('brand', p.brand), ('category', p.category)) k (kind, name)
     where p.removed_at is null and k.name is not null
     group by k.kind, k.name order by k.kind, k.name
    on conflict (kind, name) do update set products = g.products + excluded.products;
  else
    insert into product_groups as g (kind, name, products)
    select k.kind, k.name, sum(k.products)
      from old_products o join new_products n using (gtin)
     cross join lateral (values ('brand', o.brand, -1, o.removed_at), ('category', o.category, -1, o.removed_at),
                                ('brand', n.brand, 1, n.removed_at), ('category', n.category, 1, n.removed_at))
                        k (kind, name, products, removed_at)
     where k.removed_at is null and k.name is not null
     group by k.kind, k.name having sum(k.products) <> 0 order by k.kind, k.name
    on conflict (kind, name) do update set products = g.products + excluded.products;
  end if;
  return null;
end $$;
create trigger products_inserted after insert on products referencing new table as new_products
  for each statement execute function count_product_groups();
create trigger products_updated after update on products referencing old table as old_products new table as new_products
  for each statement execute function count_product_groups();

-- ---------------------------------------------------------------------------------------------------------- stock readings

-- One row per shop and product: the fold of its events, written under the row lock. A null timestamp: never.
--
-- Most writes adjust a quantity. No column that an adjustment changes is in an index or in an index's condition, so such
-- an update stays on its page and changes no index (HOT). Days and flags are stored columns, because PostgreSQL compares
-- columns for this, not expressions; only the first change of a reading on a day changes `updated_on`.
create table stock_readings (
  id              bigint generated always as identity primary key,
  shop_id         bigint not null references shops,
  gtin            bigint not null references products,
  version         bigint not null,              -- incremented with each change of a shown field
  observed_at     timestamptz not null,         -- of the event that changed it last
  updated_at      timestamptz not null,         -- arrival of that event
  received_at     timestamptz not null,         -- newest arrival
  newest_at       timestamptz,                  -- observed_at of the newest event that is not a void
  sealed_until    timestamptz,                  -- end of the newest segment
  tail            integer not null default 0,   -- events after it
  looked_at       timestamptz,                  -- newest sighting, check or count
  dates_since     timestamptz,                  -- newest check or removal: older dates do not count
  quantity_since  timestamptz,                  -- the newest statement of the quantity
  quantity        bigint check (quantity >= 0), -- null: never counted
  plain           bigint,                       -- the quantity without stopping at zero
  lowest          bigint,                       -- lower bound of the quantity since the statement; -1: it stopped at zero
  expiry_date     date,
  date_kind       "char" check (date_kind in ('u', 's', 'b')),  -- use_by, sell_by, best_before
  present         boolean not null,             -- false: removed, 404 for readers
  looked_on       date generated always as ((looked_at at time zone 'UTC')::date) stored,
  updated_on      date not null generated always as ((updated_at at time zone 'UTC')::date) stored,
  sold_out        boolean not null generated always as (coalesce(quantity = 0, false)) stored,
  miscounted      boolean not null generated always as (coalesce(quantity > plain, false)) stored,
  unique (shop_id, gtin),
  check ((quantity is null) = (plain is null)),
  check ((quantity is null) = (lowest is null))
) with (fillfactor = 80);
create index stock_readings_product on stock_readings (gtin, shop_id) include (id) where present;
create index stock_readings_shop on stock_readings (shop_id, id) where present;
create index stock_readings_shop_expiry on stock_readings (shop_id, expiry_date, id) where present;
create index stock_readings_expiry on stock_readings (expiry_date, id) where present;
create index stock_readings_shop_looked on stock_readings (shop_id, looked_on, id) where present;
create index stock_readings_looked on stock_readings (looked_on, id) where present;
create index stock_readings_shop_updated on stock_readings (shop_id, updated_on, id) where present;
create index stock_readings_sold_out on stock_readings (id) where present and sold_out;
create index stock_readings_shop_sold_out on stock_readings (shop_id, id) where present and sold_out;
create index stock_readings_miscounted on stock_readings (shop_id, id) where present and miscounted;

-- ------------------------------------------------------------------------------------------------------------- the ledger

-- Append only. Partitioned by month of observed_at: the order of the fold is the order of the primary key, late reads
-- touch few partitions, and the floor of the ledger is a partition's bound. Ids of version 7 contain their observed_at,
-- those of version 8 are names (stock_operations), so every event is found by the primary key.
create table stock_events (
  reading_id   bigint not null,
  observed_at  timestamptz not null,
  id           uuid not null,
  received_at  timestamptz not null,
  token_id     bigint not null,
  version      bigint not null,                 -- of the reading after it
  delta        bigint,                          -- of an adjustment
  quantity     bigint,
  expiry_date  date,
  kind         "char" not null check (kind in ('s', 'c', 'q', 'a', 'r', 'v')),  -- sighting, check, count, adjust, remove, void
  date_kind    "char" check (date_kind in ('u', 's', 'b')),
  outcome      "char" not null check (outcome in ('a', 'k')),                   -- applied, kept
  voids        uuid,                            -- of a void: its target
  actor        text not null,
  reason       text,
  primary key (reading_id, observed_at, id)
) partition by range (observed_at);

-- The names of operations. A repeated operation is found here, however late it arrives. The name is the event's id.
create table stock_operations (
  name         uuid primary key,
  reading_id   bigint not null,
  observed_at  timestamptz not null
);

-- The voided events.
create table stock_voids (
  reading_id   bigint not null,
  target       uuid not null,
  id           uuid not null,                   -- of the void
  observed_at  timestamptz not null,            -- of the void
  primary key (reading_id, target)
);
create index stock_voids_target on stock_voids (target);  -- a void can arrive before the operation that it names

-- The devices that send operations. Their clocks differ from this one by `clock_offset`.
create table devices (
  id            uuid primary key,
  clock_offset  bigint not null,                -- microseconds to add to the times of the device
  seen_at       timestamptz not null default clock_timestamp()
);

-- The summaries of sealed runs of events (storage/model/shelf.hpp, Summary), so that old events are not read again. Null:
-- unchanged. With `quantity_since` the quantity is a statement, without it a sum of adjustments.
create table stock_segments (
  reading_id      bigint not null,
  until           timestamptz not null,         -- observed_at of its last event; events with equal ones are in one segment
  events          integer not null,
  is_base         boolean not null,             -- the fold of all events before the floor of the ledger
  present         boolean,
  dates_since     timestamptz,
  expiry_date     date,
  date_kind       "char" check (date_kind in ('u', 's', 'b')),
  looked_at       timestamptz,
  quantity_since  timestamptz,
  quantity        bigint,
  plain           bigint,                       -- or the sum of the adjustments
  lowest          bigint,                       -- or the lowest value of their running sum
  primary key (reading_id, until)
);

-- What retention has deleted from the ledger and the change feed; one row.
create table ledger_settings (
  id             boolean primary key default true check (id),
  ledger_floor   timestamptz not null default '2000-01-01 00:00+00',  -- older events are deleted, and refused
  feed_epoch     uuid not null default gen_random_uuid(),             -- of cursors; changes with a restore from a dump
  purged_below   xid8 not null default '0'                            -- cursors below this are too old
);
insert into ledger_settings default values;

-- Creates the ledger's partition of a month, if it is missing. Attaching a table does not wait for writers; `create table
-- … partition of` would.
create function create_ledger_partition(month date) returns void language plpgsql as $$
declare
  name text := 'stock_events_' || to_char(month, 'YYYY_MM');
begin
  if to_regclass(name) is not null then
    return;
  end if;
  execute format('create table %I (like stock_events including defaults including constraints)', name);
  execute format('alter table stock_events attach partition %I for values from (%L) to (%L)', name,
                 month::timestamp at time zone 'UTC', (month + interval '1 month') at time zone 'UTC');
end $$;

-- Creates missing partitions for this month and the next two. The service calls it, because its role may not change the
-- schema.
create function keep_ledger_partitions() returns void language plpgsql security definer
set search_path = public, pg_temp as $$
declare
  this_month date := date_trunc('month', clock_timestamp() at time zone 'UTC');
begin
  perform pg_advisory_xact_lock(2);  -- no class in storage/locks.cpp has this number
  for i in 0 .. 2 loop
    perform create_ledger_partition((this_month + i * interval '1 month')::date);
  end loop;
end $$;

-- One partition has everything before the month of installation.
do $$
begin
  execute format('create table stock_events_before partition of stock_events for values from (%L) to (%L)',
                 timestamptz '2000-01-01 00:00+00', date_trunc('month', clock_timestamp() at time zone 'UTC') at time zone 'UTC');
  perform keep_ledger_partitions();
end $$;

-- ---------------------------------------------------------------------------------------------------------- the change feed

-- The readings that each transaction changed visibly. The feed reads up to the oldest running transaction, so it loses
-- nothing (storage/README.md, "The change feed").
create table changes (
  shop_id     bigint not null,
  xid         xid8 not null default pg_current_xact_id(),
  reading_id  bigint not null,
  primary key (shop_id, xid, reading_id)
);

-- The position of the feed on each day, so that old changes can be deleted although they have no timestamp.
create table change_marks (
  day  date primary key,
  xid  xid8 not null
);

-- ------------------------------------------------------------------------------------------------- access, keys, the audit

create table tokens (
  id          bigint generated always as identity primary key,
  name        text not null check (char_length(name) between 1 and 255),
  role        text not null check (role in ('staff', 'admin')),
  shops       bigint[] check (cardinality(shops) > 0),  -- null: all
  hash        bytea not null unique check (octet_length(hash) = 32),
  created_at  timestamptz not null default clock_timestamp(),
  expires_at  timestamptz,
  revoked_at  timestamptz
);

-- Stored responses, by the name of the idempotency key.
create table idempotency_keys (
  name         uuid primary key,                -- of token and key (storage/operation_name.hpp)
  fingerprint  bytea not null,                  -- of the request
  answer       text,                            -- the response; null: the transaction has not ended
  created_at   timestamptz not null default clock_timestamp()
);
create index idempotency_keys_created on idempotency_keys (created_at);

-- Who changed what, written in the transaction of the change. Readings have the ledger; only voids are also here.
create table audit (
  id          bigint generated always as identity primary key,
  at          timestamptz not null default clock_timestamp(),
  token_id    bigint not null,
  actor       text not null,
  action      text not null check (action in ('create', 'change', 'delete', 'revoke', 'void')),
  subject     text not null check (subject in ('shop', 'product', 'token', 'reading', 'thresholds')),
  subject_id  bigint not null,
  before      jsonb,
  after       jsonb
);
-- Rows as the audit shows them; null: no row.
create function audited_shop(name text, time_zone text) returns jsonb language sql immutable parallel safe
  return case when name is not null then jsonb_build_object('name', name, 'time_zone', time_zone) end;
create function audited_product(name text, brand text, category text) returns jsonb language sql immutable parallel safe
  return case when name is not null then jsonb_build_object('name', name, 'brand', brand, 'category', category) end;
create function audited_token(name text, role text, shops bigint[], expires_at timestamptz) returns jsonb language sql
stable parallel safe
  return jsonb_build_object('name', name, 'role', role, 'shops', shops, 'expires_at', expires_at);
create index audit_at on audit (at, id);
create index audit_subject on audit (subject, at, id);
create index audit_row on audit (subject, subject_id, at, id);
create index audit_actor on audit (token_id, at, id);

-- --------------------------------------------------------------------------------------------------------------- the cache

-- Memcached slots (cache/README.md); a slot without a row was never used.
create table cache_slots (
  slot      integer primary key check (slot >= 0),
  state     text not null check (state in ('up', 'waiting', 'down')),
  since     timestamptz not null default clock_timestamp(),
  database  text not null default '',           -- cluster and database at the last time it was emptied
  timeline  text not null default ''            -- and the timeline: it changes with each failover and restore
);

-- Settings that must be equal in all processes that use the cache; one row.
create table cache_settings (
  id          boolean primary key default true check (id),
  fills       boolean not null default true,    -- false: `codasync cache off`
  since       timestamptz not null default clock_timestamp(),
  slots       integer check (slots >= 0),       -- null: the first process sets it
  entry_life  integer not null default 0        -- seconds; the longest entry_ttl + lease_ttl of all processes
);
insert into cache_settings default values;

-- ------------------------------------------------------------------------------------------------------- the locked write
--
-- The first and the second message of a write are functions: PL/pgSQL caches plans for a session, and behind PgBouncer
-- only PL/pgSQL does. Called by storage/postgres/write_transaction.cpp and stock_tables.cpp, which read the columns by
-- name. In a function every statement has a snapshot of its own, so the statements after the locks see everything that
-- committed before.
--
-- The plans are made once and must stay good while the tables grow: sequential scans are disabled, so the plans use
-- indexes. The small tables of slots can only be scanned; the scan's high cost would start the JIT compiler, so JIT is
-- off.

-- The shops, products and readings with these keys, for entries of the cache: each row has the columns of one of the three
-- tables. As text of the program this query took three times as long to plan as to run. A table without a key is not read,
-- so a lock on it does not delay reads of the others.
create function rows_of(shops bigint[], gtins bigint[], reading_shops bigint[], reading_gtins bigint[])
returns table (shop_id bigint, shop_name text, shop_zone text, shop_version bigint, shop_updated_at bigint,
               product_gtin bigint, product_name text, brand text, category text, product_version bigint,
               product_updated_at bigint,
               id bigint, of_shop bigint, of_gtin bigint, expiry_date integer, date_kind "char", quantity bigint,
               version bigint, observed_at bigint, updated_at bigint, looked_at bigint, counted_at bigint,
               expires_at bigint, read_at bigint)
language plpgsql stable
set plan_cache_mode = force_generic_plan set jit = off
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
begin
  if cardinality(shops) > 0 then  -- an empty loop would lock its table, too
    for shop_id, shop_name, shop_zone, shop_version, shop_updated_at in
      select s.id, s.name, s.time_zone, s.version, micros_of(s.updated_at)
        from unnest(shops) wanted join shops s on s.id = wanted and s.removed_at is null
    loop
      return next;
    end loop;
    shop_id := null;
  end if;
  if cardinality(gtins) > 0 then
    for product_gtin, product_name, brand, category, product_version, product_updated_at in
      select p.gtin, p.name, p.brand, p.category, p.version, micros_of(p.updated_at)
        from unnest(gtins) wanted join products p on p.gtin = wanted and p.removed_at is null
    loop
      return next;
    end loop;
    product_gtin := null;
  end if;
  if cardinality(reading_shops) = 0 then return; end if;
  for id, of_shop, of_gtin, expiry_date, date_kind, quantity, version, observed_at, updated_at, looked_at,
      counted_at, expires_at, read_at in
    select r.id, r.shop_id, r.gtin, r.expiry_date - date '1970-01-01', r.date_kind, r.quantity, r.version,
           micros_of(r.observed_at), micros_of(r.updated_at), micros_of(r.looked_at),
           case when r.quantity is not null then micros_of(r.quantity_since) end,
           micros_of(end_of_day(r.expiry_date, (select s.time_zone from shops s where s.id = r.shop_id))),
           micros_of(now())
      from unnest(reading_shops, reading_gtins) wanted (shop, gtin)
      join stock_readings r on r.shop_id = wanted.shop and r.gtin = wanted.gtin and r.present
  loop
    return next;
  end loop;
end $$;

-- Sets the time limits, takes the advisory locks one by one in the order of the arrays, and returns, by the column `about`:
--   `write`      one row: the clock, the floor of the ledger, the slots, the valid ones of the tokens
--   `reading`    the readings of these shops and products, their rows locked FOR UPDATE in their order
--   `place`      shop and product of those that have no row
--   `answer`     the stored responses with these names
--   `operation`  the operations and events with these names
--   `void`       the voids of events with these names, by reading
create function begin_write(lock_timeout text, statement_timeout text, locks bigint[], exclusive boolean[], tokens bigint[],
                            names uuid[], shops bigint[], gtins bigint[])
returns table (about text, clock bigint, ledger_floor bigint, slots integer, slot_states text, valid_tokens text,
               name uuid, fingerprint text, answer text,
               id bigint, shop_id bigint, gtin bigint, version bigint, observed_at bigint, updated_at bigint,
               received_at bigint, newest_at bigint, sealed_until bigint, tail integer, looked_at bigint, dates_since bigint,
               quantity_since bigint, quantity bigint, plain bigint, lowest bigint, expiry_date integer, date_kind "char",
               present boolean, shop_exists boolean, product_name text, product_version bigint, today integer,
               kind "char", delta bigint, voids uuid, voided boolean, row_ctid tid)
language plpgsql
set plan_cache_mode = force_generic_plan set jit = off
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  done boolean;  -- assignments need no executor: a tenth of the cost of `perform`
  found_rows bigint;
begin
  done := set_config('lock_timeout', lock_timeout, true) is null;
  done := set_config('statement_timeout', statement_timeout, true) is null;
  done := set_config('idle_in_transaction_session_timeout', statement_timeout, true) is null;
  for i in 1 .. cardinality(locks) loop
    done := case when exclusive[i] then pg_advisory_xact_lock(locks[i])
                 else pg_advisory_xact_lock_shared(locks[i]) end is null;
  end loop;

  return query
    select 'write', micros_of(clock_timestamp()), micros_of(l.ledger_floor), c.slots,
           (select string_agg(s.slot || '=' || s.state, ',') from cache_slots s),
           (select string_agg(t.id::text, ',') from tokens t
             where t.id = any(tokens) and t.revoked_at is null
               and (t.expires_at is null or t.expires_at > clock_timestamp())),
           null::uuid, null::text, null::text,
           null::bigint, null::bigint, null::bigint, null::bigint, null::bigint, null::bigint, null::bigint, null::bigint,
           null::bigint, null::integer, null::bigint, null::bigint, null::bigint, null::bigint, null::bigint, null::bigint,
           null::integer, null::"char", null::boolean, null::boolean, null::text, null::bigint, null::integer,
           null::"char", null::bigint, null::uuid, null::boolean, null::tid
      from ledger_settings l, cache_settings c;

  if cardinality(shops) > 0 then
    -- LockRows is above the sort in the plan, so the locks are taken in this order. The clock for `today` is read after
    -- them, because the query around it is above LockRows.
    return query
      select 'reading', null::bigint, null::bigint, null::integer, null::text, null::text, null::uuid, null::text, null::text,
             r.id, r.shop_id, r.gtin, r.version, micros_of(r.observed_at), micros_of(r.updated_at),
             micros_of(r.received_at), micros_of(r.newest_at), micros_of(r.sealed_until), r.tail, micros_of(r.looked_at),
             micros_of(r.dates_since), micros_of(r.quantity_since), r.quantity, r.plain, r.lowest,
             r.expiry_date - date '1970-01-01', r.date_kind, r.present,
             r.present or exists (select from shops s where s.id = r.shop_id and s.removed_at is null),
             r.name, r.product_version,
             day_in((select s.time_zone from shops s where s.id = r.shop_id), clock_timestamp()) - date '1970-01-01',
             null::"char", null::bigint, null::uuid, null::boolean, r.row_ctid
        from (select r.*, r.ctid as row_ctid, case when p.removed_at is null then p.name end as name,
                     p.version as product_version
                from unnest(shops, gtins) as wanted (shop_id, gtin)
                join stock_readings r on r.shop_id = wanted.shop_id and r.gtin = wanted.gtin
                join products p on p.gtin = r.gtin
               order by r.shop_id, r.gtin
                 for update of r) r;
    get diagnostics found_rows = row_count;
    if found_rows < cardinality(shops) then
      return query
        select 'place', null::bigint, null::bigint, null::integer, null::text, null::text, null::uuid, null::text, null::text,
               null::bigint, wanted.shop_id, wanted.gtin, null::bigint, null::bigint, null::bigint,
               null::bigint, null::bigint, null::bigint, null::integer, null::bigint,
               null::bigint, null::bigint, null::bigint, null::bigint, null::bigint,
               null::integer, null::"char", null::boolean,
               exists (select from shops s where s.id = wanted.shop_id and s.removed_at is null),
               p.name, p.version,
               day_in((select s.time_zone from shops s where s.id = wanted.shop_id), clock_timestamp()) - date '1970-01-01',
               null::"char", null::bigint, null::uuid, null::boolean, null::tid
          from unnest(shops, gtins) as wanted (shop_id, gtin)
          left join products p on p.gtin = wanted.gtin and p.removed_at is null
         where not exists (select from stock_readings r where r.shop_id = wanted.shop_id and r.gtin = wanted.gtin);
    end if;
  end if;

  -- After the rows are locked: the previous holder of the locks may have used the name.
  if cardinality(names) > 0 then
    return query
      select 'answer', null::bigint, null::bigint, null::integer, null::text, null::text,
             k.name, encode(k.fingerprint, 'hex'), k.answer,
             null::bigint, null::bigint, null::bigint, null::bigint, null::bigint, null::bigint, null::bigint, null::bigint,
             null::bigint, null::integer, null::bigint, null::bigint, null::bigint, null::bigint, null::bigint, null::bigint,
             null::integer, null::"char", null::boolean, null::boolean, null::text, null::bigint, null::integer,
             null::"char", null::bigint, null::uuid, null::boolean, null::tid
        from idempotency_keys k where k.name = any(names);
    return query
      select 'operation', null::bigint, null::bigint, null::integer, null::text, null::text,
             o.name, null::text, null::text,
             o.reading_id, null::bigint, null::bigint, e.version, micros_of(o.observed_at), null::bigint, null::bigint, null::bigint,
             null::bigint, null::integer, null::bigint, null::bigint, null::bigint, e.quantity, null::bigint, null::bigint,
             e.expiry_date - date '1970-01-01', e.date_kind, null::boolean, null::boolean, null::text, null::bigint,
             null::integer, e.kind, e.delta, e.voids,
             -- Not `exists`: in a plan made for empty tables it reads all of stock_voids into a hash table.
             coalesce((select true from stock_voids v where v.reading_id = o.reading_id and v.target = o.name), false),
             null::tid
        from stock_operations o
        left join stock_events e on e.reading_id = o.reading_id and e.observed_at = o.observed_at and e.id = o.name
       where o.name = any(names);
    return query
      select 'void', null::bigint, null::bigint, null::integer, null::text, null::text,
             v.target, null::text, null::text,
             v.reading_id, null::bigint, null::bigint, null::bigint, null::bigint, null::bigint, null::bigint, null::bigint,
             null::bigint, null::integer, null::bigint, null::bigint, null::bigint, null::bigint, null::bigint, null::bigint,
             null::integer, null::"char", null::boolean, null::boolean, null::text, null::bigint, null::integer,
             null::"char", null::bigint, null::uuid, null::boolean, null::tid
        from stock_voids v where v.target = any(names);
  end if;
end $$;

-- The events of several readings, each with after < observed_at <= until, in order of observed_at, without voids.
-- `place`: the number of the range. A function, because planning over all partitions takes longer than reading one of
-- them. Called by storage/postgres/stock_tables.cpp.
create function ledger_events(readings bigint[], after timestamptz[], until timestamptz[])
returns table (place bigint, id uuid, kind "char", expiry_date integer, date_kind "char", quantity bigint, delta bigint,
               voids uuid, observed_at bigint, voided boolean)
language plpgsql stable
set plan_cache_mode = force_generic_plan set jit = off
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
begin
  return query
    select w.place, e.id, e.kind, e.expiry_date - date '1970-01-01', e.date_kind, e.quantity, coalesce(e.delta, 0), e.voids,
           micros_of(e.observed_at),
          -- Not `exists`: see begin_write().
          coalesce((select true from stock_voids v where v.reading_id = e.reading_id and v.target = e.id), false)
      from unnest(readings, after, until) with ordinality as w (reading_id, after, until, place)
     cross join lateral (select * from stock_events e
                          where e.reading_id = w.reading_id and e.observed_at > w.after and e.observed_at <= w.until
                            and e.kind <> 'v' order by e.observed_at) e
     order by w.place, e.observed_at;
end $$;

-- The rows of a batch, as the service sends them. Times are microseconds since 1970, because PostgreSQL reads a number much
-- faster than a timestamp.
create type reading_row as (
  id bigint, shop_id bigint, gtin bigint, version bigint, observed_at bigint, updated_at bigint,
  received_at bigint, newest_at bigint, sealed_until bigint, tail integer, looked_at bigint,
  dates_since bigint, quantity_since bigint, quantity bigint, plain bigint, lowest bigint, expiry_date date,
  date_kind "char", present boolean, looks_different boolean, row_ctid tid);
create type event_row as (
  reading_id bigint, observed_at bigint, id uuid, received_at bigint, token_id bigint, version bigint,
  delta bigint, quantity bigint, expiry_date date, kind "char", date_kind "char", outcome "char", voids uuid, actor text,
  reason text, named boolean);
create type segment_row as (
  reading_id bigint, until bigint, events integer, is_base boolean, present boolean, dates_since bigint,
  expiry_date date, date_kind "char", looked_at bigint, quantity_since bigint, quantity bigint, plain bigint,
  lowest bigint);
create type answer_row as (name uuid, fingerprint bytea, answer text);

-- Writes a batch. `dropped`: segments to delete; only reading and end are set. `renamed`: this transaction has changed the name
-- of a product, which can have put the same readings into the feed.
-- Requires: the updated rows are locked by begin_write() in this transaction, which did not change them since: `row_ctid` is
-- where they are.
create function write_stock(updated reading_row[], inserted reading_row[], events event_row[], segments segment_row[],
                            dropped segment_row[], answers answer_row[], renamed boolean)
returns void
language plpgsql
set plan_cache_mode = force_generic_plan set jit = off
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  written bigint;
begin
  if cardinality(updated) > 0 then
    update stock_readings r
       set version = n.version, observed_at = moment_of(n.observed_at), updated_at = moment_of(n.updated_at),
           received_at = moment_of(n.received_at), newest_at = moment_of(n.newest_at),
           sealed_until = moment_of(n.sealed_until), tail = n.tail, looked_at = moment_of(n.looked_at),
           dates_since = moment_of(n.dates_since), quantity_since = moment_of(n.quantity_since),
           quantity = n.quantity, plain = n.plain, lowest = n.lowest, expiry_date = n.expiry_date,
           date_kind = n.date_kind, present = n.present
      from unnest(updated) as n
     where r.ctid = n.row_ctid;
    get diagnostics written = row_count;
    if written <> cardinality(updated) then
      raise 'only % of % readings are where they were when they were locked', written, cardinality(updated);
    end if;
  end if;
  if cardinality(inserted) > 0 then
    insert into stock_readings (id, shop_id, gtin, version, observed_at, updated_at, received_at, newest_at, sealed_until,
                                tail, looked_at, dates_since, quantity_since, quantity, plain, lowest, expiry_date,
                                date_kind, present)
    overriding system value
    select n.id, n.shop_id, n.gtin, n.version, moment_of(n.observed_at), moment_of(n.updated_at),
           moment_of(n.received_at), moment_of(n.newest_at), moment_of(n.sealed_until), n.tail, moment_of(n.looked_at),
           moment_of(n.dates_since), moment_of(n.quantity_since), n.quantity, n.plain, n.lowest, n.expiry_date,
           n.date_kind, n.present
      from unnest(inserted) as n;
  end if;
  insert into changes (shop_id, reading_id)
  select n.shop_id, n.id from unnest(updated || inserted) as n
   where n.looks_different
     and not (renamed and exists (select from changes c where c.shop_id = n.shop_id and c.xid = pg_current_xact_id()
                                     and c.reading_id = n.id));
  if cardinality(events) > 0 then
    insert into stock_events (reading_id, observed_at, id, received_at, token_id, version, delta, quantity, expiry_date,
                              kind, date_kind, outcome, voids, actor, reason)
    select n.reading_id, moment_of(n.observed_at), n.id, moment_of(n.received_at), n.token_id, n.version, n.delta,
           n.quantity, n.expiry_date, n.kind, n.date_kind, n.outcome, n.voids, n.actor, n.reason
      from unnest(events) as n;
    if exists (select from unnest(events) as n where n.named) then
      insert into stock_operations (name, reading_id, observed_at)
      select n.id, n.reading_id, moment_of(n.observed_at) from unnest(events) as n where n.named;
    end if;
    if exists (select from unnest(events) as n where n.kind = 'v') then
      insert into stock_voids (reading_id, target, id, observed_at)
      select n.reading_id, n.voids, n.id, moment_of(n.observed_at) from unnest(events) as n where n.kind = 'v'
      on conflict do nothing;
      insert into audit (token_id, actor, action, subject, subject_id, after)
      select n.token_id, n.actor, 'void', 'reading', n.reading_id,
             jsonb_strip_nulls(jsonb_build_object('event', n.voids, 'reason', n.reason))
        from unnest(events) as n where n.kind = 'v';
    end if;
  end if;
  if cardinality(dropped) > 0 then
    delete from stock_segments s using unnest(dropped) as n
     where s.reading_id = n.reading_id and s.until = moment_of(n.until);
  end if;
  if cardinality(segments) > 0 then
    insert into stock_segments as s (reading_id, until, events, is_base, present, dates_since, expiry_date, date_kind,
                                     looked_at, quantity_since, quantity, plain, lowest)
    select n.reading_id, moment_of(n.until), n.events, n.is_base, n.present, moment_of(n.dates_since), n.expiry_date,
           n.date_kind, moment_of(n.looked_at), moment_of(n.quantity_since), n.quantity, n.plain, n.lowest
      from unnest(segments) as n
    on conflict (reading_id, until) do update
       set events = excluded.events, is_base = excluded.is_base, present = excluded.present,
           dates_since = excluded.dates_since, expiry_date = excluded.expiry_date, date_kind = excluded.date_kind,
           looked_at = excluded.looked_at, quantity_since = excluded.quantity_since, quantity = excluded.quantity,
           plain = excluded.plain, lowest = excluded.lowest;
  end if;
  if cardinality(answers) > 0 then
    insert into idempotency_keys (name, fingerprint, answer)
    select n.name, n.fingerprint, n.answer from unnest(answers) as n;
  end if;
end $$;
