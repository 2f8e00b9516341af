-- The statements of a locked write, as functions: PL/pgSQL keeps their plans for the session, also behind PgBouncer, where
-- prepared statements do not last; planning them anew was most of a lone write's time. A function is
-- never changed, because the previous program calls it too: what differs is a new one under another name.
--
-- Moments travel as microseconds since 1970, dates as days since 1970: exact, free of settings, and cheap to read. The
-- plans are made once and must be good for ever: by index, whatever the tables held at that moment.

-- Stable, as what they call: only then PostgreSQL puts them in place instead of calling them, a tenth of the cost.
create function instant_of(micros bigint) returns timestamptz language sql stable
  return timestamptz 'epoch' + micros * interval '1 microsecond';

create function micros_of(instant timestamptz) returns bigint language sql stable
  return (extract(epoch from instant) * 1000000)::bigint;

create function day_of(days integer) returns date language sql stable
  return date '1970-01-01' + days;

-- Takes the advisory locks one by one in the order of the arrays. Then, in statements of their own and so with snapshots
-- taken under the locks, says of each Memcached slot that has a row: 0 up, 1 lost and perhaps alive, 2 lost for longer than
-- any entry lives; and which of the tokens are valid.
create function begin_write(locks bigint[], exclusive boolean[], tokens bigint[], entry_life interval)
returns table (about text, number bigint, state integer)
language plpgsql set plan_cache_mode = force_generic_plan
as $$
begin
  perform case when l.exclusive then pg_advisory_xact_lock(l.number) else pg_advisory_xact_lock_shared(l.number) end
     from unnest(begin_write.locks, begin_write.exclusive) as l (number, exclusive);
  return query
    select 'slot', s.slot::bigint,
           case when s.state = 'up' then 0 when clock_timestamp() < s.since + entry_life then 1 else 2 end
      from cache_slots s;
  return query
    select 'token', t.id, null::integer from tokens t
     where t.id = any(begin_write.tokens) and t.revoked_at is null
       and (t.expires_at is null or t.expires_at > clock_timestamp());
end $$;

-- Locks the readings of these shops and products that exist FOR UPDATE, in their order, and returns them about 'reading':
-- the number is the id.
create function lock_stock_readings(shops bigint[], gtins bigint[])
returns table (about text, number bigint, state integer, shop_id bigint, gtin bigint, expiry_date integer,
               date_kind text, balance bigint, removed boolean, version bigint, observed_at bigint, updated_at bigint,
               folded_at bigint, checked_at bigint, counted_at bigint, received_at bigint, name text,
               product_version bigint)
language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
begin
  -- LockRows stands above the sort, so the locks are taken in this order.
  return query
    select 'reading', r.id, null::integer, r.shop_id, r.gtin, r.expiry_date - date '1970-01-01', r.date_kind,
           r.balance, r.removed, r.version, micros_of(r.observed_at), micros_of(r.updated_at),
           micros_of(r.folded_at), micros_of(r.checked_at), micros_of(r.counted_at), micros_of(r.received_at), p.name,
           p.version
      from unnest(shops, gtins) as wanted (shop_id, gtin)
      join stock_readings r on r.shop_id = wanted.shop_id and r.gtin = wanted.gtin
      join products p on p.gtin = r.gtin
     order by r.shop_id, r.gtin
       for update of r;
end $$;

-- Both in one round trip, for writes of stock.
create function begin_stock_write(locks bigint[], exclusive boolean[], tokens bigint[], entry_life interval,
                                  shops bigint[], gtins bigint[])
returns table (about text, number bigint, state integer, shop_id bigint, gtin bigint, expiry_date integer,
               date_kind text, balance bigint, removed boolean, version bigint, observed_at bigint, updated_at bigint,
               folded_at bigint, checked_at bigint, counted_at bigint, received_at bigint, name text,
               product_version bigint)
language plpgsql set plan_cache_mode = force_generic_plan
as $$
begin
  return query
    select w.about, w.number, w.state, null::bigint, null::bigint, null::integer, null::text, null::bigint,
           null::boolean, null::bigint, null::bigint, null::bigint, null::bigint, null::bigint, null::bigint,
           null::bigint, null::text, null::bigint
      from begin_write(locks, exclusive, tokens, entry_life) w;
  return query select * from lock_stock_readings(shops, gtins);
end $$;

-- What a batch made of a reading, the answers kept under clients' keys, the lines of the ledger.
create type folded_reading as (
  id bigint, shop_id bigint, gtin bigint, expiry_date integer, date_kind text, balance bigint, removed boolean,
  version bigint, observed_at bigint, updated_at bigint, folded_at bigint, checked_at bigint, counted_at bigint,
  received_at bigint, changed boolean);
create type kept_answer as (
  token_id bigint, key text, fingerprint bytea, status integer, etag text, location text, body text);
create type ledger_line as (
  id uuid, reading_id bigint, kind text, expiry_date integer, date_kind text, quantity integer, delta bigint,
  voids uuid, reason text, observed_at bigint, received_at bigint, token_id bigint, actor text, outcome text,
  version bigint, after_date integer, after_date_kind text, after_quantity integer, after_removed boolean);

-- Writes a batch. Arrays of rows: a scan for each of 53 columns' arrays took a quarter longer.
create function write_stock(updated folded_reading[], inserted folded_reading[], answers kept_answer[],
                            lines ledger_line[])
returns void
language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  if cardinality(updated) > 0 then
    update stock_readings r
       set expiry_date = day_of(n.expiry_date), date_kind = n.date_kind, balance = n.balance, removed = n.removed,
           version = n.version, observed_at = instant_of(n.observed_at), updated_at = instant_of(n.updated_at),
           folded_at = instant_of(n.folded_at), checked_at = instant_of(n.checked_at),
           counted_at = instant_of(n.counted_at), received_at = instant_of(n.received_at),
           change_xid = case when n.changed then pg_current_xact_id() else r.change_xid end
      from unnest(updated) as n
     where r.id = n.id;
  end if;
  if cardinality(inserted) > 0 then
    insert into stock_readings (id, shop_id, gtin, expiry_date, date_kind, balance, removed, version, observed_at,
                                updated_at, folded_at, checked_at, counted_at, received_at)
    overriding system value
    select n.id, n.shop_id, n.gtin, day_of(n.expiry_date), n.date_kind, n.balance, n.removed, n.version,
           instant_of(n.observed_at), instant_of(n.updated_at), instant_of(n.folded_at), instant_of(n.checked_at),
           instant_of(n.counted_at), instant_of(n.received_at)
      from unnest(inserted) as n;
  end if;
  if cardinality(answers) > 0 then
    insert into idempotency_keys (token_id, key, fingerprint, status, etag, location, body)
    select n.token_id, n.key, n.fingerprint, n.status, n.etag, n.location, n.body
      from unnest(answers) as n;
  end if;
  insert into stock_events (id, reading_id, kind, expiry_date, date_kind, quantity, delta, voids, reason, observed_at,
                            received_at, token_id, actor, outcome, version, after_date, after_date_kind,
                            after_quantity, after_removed)
  select n.id, n.reading_id, n.kind, day_of(n.expiry_date), n.date_kind, n.quantity, n.delta, n.voids, n.reason,
         instant_of(n.observed_at), instant_of(n.received_at), n.token_id, n.actor, n.outcome, n.version,
         day_of(n.after_date), n.after_date_kind, n.after_quantity, n.after_removed
    from unnest(lines) as n;
end $$;

-- Checking it took 20 of the 60 µs that a line of the ledger cost. It cannot fail: the reading's row is locked by the same
-- transaction, and nobody may delete one.
alter table stock_events drop constraint stock_events_reading_id_fkey;

-- It made each write enter a row into every index of the table; without it an adjustment touches none of them (HOT).
-- Nobody reads it: a change feed can follow the ledger, which only grows.
drop index stock_readings_change;
