-- The two messages of a write once more, cheaper for a batch of many rows. Rows are sent in PostgreSQL's binary format, as they
-- are to stand in the tables: reading numbers and moments out of texts was a sixth of what a line of the ledger cost. Moments
-- are told as the eight bytes of timestamptz_send(), in hexadecimal digits so that no setting matters; extract() computes with
-- numerics and took half a microsecond each. The first message is one function without another inside, and tells where each
-- row lies, so that the second one need not look for it in an index.

-- What a batch made of a reading, whose row lies at `at` if it is there already; and the lines of the ledger. Kept answers are
-- sent as `kept_answer`.
create type reading_row as (
  id bigint, shop_id bigint, gtin bigint, expiry_date date, date_kind text, balance bigint, removed boolean,
  version bigint, observed_at timestamptz, updated_at timestamptz, folded_at timestamptz, checked_at timestamptz,
  counted_at timestamptz, received_at timestamptz, changed boolean, at tid);
create type event_row as (
  id uuid, reading_id bigint, kind text, expiry_date date, date_kind text, quantity bigint, delta bigint, voids uuid,
  reason text, observed_at timestamptz, received_at timestamptz, token_id bigint, actor text, outcome text,
  version bigint, after_date date, after_date_kind text, after_quantity bigint, after_removed boolean);

-- Takes the advisory locks one by one in the order of the arrays. Then, in statements of their own and so with snapshots
-- taken under the locks, says: the state of each Memcached slot that has a row, 0 up, 1 waiting, 2 down; in how many slots
-- everybody agrees; which of the tokens are valid; the numbers of the types, 0 reading_row, 1 kept_answer, 2 event_row.
-- Locks the readings of these shops and products that exist FOR UPDATE, in their order, and says what is in them; the number
-- is the id. The time limits hold from here on, lock_timeout also in here.
--
-- The plans are made once and must be good for ever: by index, whatever the tables held at that moment, so scans are priced
-- out. There is no other way to read the small tables of slots, and at that price PostgreSQL would compile the query.
create function lock_for_write(lock_timeout text, statement_timeout text, locks bigint[], exclusive boolean[],
                               tokens bigint[], shops bigint[], gtins bigint[])
returns table (about text, number bigint, state integer, shop_id bigint, gtin bigint, expiry_date integer,
               date_kind text, balance bigint, removed boolean, version bigint, observed_at text, updated_at text,
               folded_at text, checked_at text, counted_at text, received_at text, name text,
               product_version bigint, at tid)
language plpgsql
set plan_cache_mode = force_generic_plan set jit = off
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  done boolean;  -- assignments are evaluated without the executor, a tenth of the cost of `perform`
begin
  done := set_config('lock_timeout', lock_timeout, true) is null;
  done := set_config('statement_timeout', statement_timeout, true) is null;
  done := set_config('idle_in_transaction_session_timeout', statement_timeout, true) is null;
  for i in 1 .. cardinality(locks) loop
    done := case when exclusive[i] then pg_advisory_xact_lock(locks[i])
                 else pg_advisory_xact_lock_shared(locks[i]) end is null;
  end loop;
  return query
    select told.about, told.number, told.state, null::bigint, null::bigint, null::integer, null::text, null::bigint,
           null::boolean, null::bigint, null::text, null::text, null::text, null::text, null::text, null::text,
           null::text, null::bigint, null::tid
      from (select 'slot', s.slot::bigint, array_position('{up,waiting,down}', s.state) - 1 from cache_slots s
            union all
            select 'slots', c.slots::bigint, null from cache_settings c where c.slots is not null
            union all
            select 'token', t.id, null from tokens t
             where t.id = any(tokens) and t.revoked_at is null
               and (t.expires_at is null or t.expires_at > clock_timestamp())
            union all
            select 'type', types.number::bigint, types.state
              from (values ('reading_row'::regtype::oid, 0), ('kept_answer'::regtype::oid, 1),
                           ('event_row'::regtype::oid, 2)) as types (number, state)
           ) as told (about, number, state);
  if cardinality(shops) > 0 then
    -- LockRows stands above the sort, so the locks are taken in this order.
    return query
      select 'reading', r.id, null::integer, r.shop_id, r.gtin, r.expiry_date - date '1970-01-01', r.date_kind,
             r.balance, r.removed, r.version, encode(timestamptz_send(r.observed_at), 'hex'),
             encode(timestamptz_send(r.updated_at), 'hex'), encode(timestamptz_send(r.folded_at), 'hex'),
             encode(timestamptz_send(r.checked_at), 'hex'), encode(timestamptz_send(r.counted_at), 'hex'),
             encode(timestamptz_send(r.received_at), 'hex'), p.name, p.version, r.ctid
        from unnest(shops, gtins) as wanted (shop_id, gtin)
        join stock_readings r on r.shop_id = wanted.shop_id and r.gtin = wanted.gtin
        join products p on p.gtin = r.gtin
       order by r.shop_id, r.gtin
         for update of r;
  end if;
end $$;

-- Writes a batch. Requires: lock_for_write() told of the updated rows in this transaction, which wrote none of them since;
-- a locked row stays where it is.
create function write_rows(updated reading_row[], inserted reading_row[], answers kept_answer[], events event_row[])
returns void
language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  found_rows bigint;
begin
  if cardinality(updated) > 0 then
    update stock_readings r
       set expiry_date = n.expiry_date, date_kind = n.date_kind, balance = n.balance, removed = n.removed,
           version = n.version, observed_at = n.observed_at, updated_at = n.updated_at, folded_at = n.folded_at,
           checked_at = n.checked_at, counted_at = n.counted_at, received_at = n.received_at,
           change_xid = case when n.changed then pg_current_xact_id() else r.change_xid end
      from unnest(updated) as n
     where r.ctid = n.at;
    get diagnostics found_rows = row_count;
    if found_rows <> cardinality(updated) then
      raise 'only % of % rows are where they were when they were locked', found_rows, cardinality(updated);
    end if;
  end if;
  if cardinality(inserted) > 0 then
    insert into stock_readings (id, shop_id, gtin, expiry_date, date_kind, balance, removed, version, observed_at,
                                updated_at, folded_at, checked_at, counted_at, received_at)
    overriding system value
    select n.id, n.shop_id, n.gtin, n.expiry_date, n.date_kind, n.balance, n.removed, n.version, n.observed_at,
           n.updated_at, n.folded_at, n.checked_at, n.counted_at, n.received_at
      from unnest(inserted) as n;
  end if;
  if cardinality(answers) > 0 then
    insert into idempotency_keys (token_id, key, fingerprint, status, etag, location, body)
    select n.token_id, n.key, n.fingerprint, n.status, n.etag, n.location, n.body
      from unnest(answers) as n;
  end if;
  if cardinality(events) > 0 then
    insert into stock_events (id, reading_id, kind, expiry_date, date_kind, quantity, delta, voids, reason,
                              observed_at, received_at, token_id, actor, outcome, version, after_date,
                              after_date_kind, after_quantity, after_removed)
    select n.id, n.reading_id, n.kind, n.expiry_date, n.date_kind, n.quantity, n.delta, n.voids, n.reason,
           n.observed_at, n.received_at, n.token_id, n.actor, n.outcome, n.version, n.after_date, n.after_date_kind,
           n.after_quantity, n.after_removed
      from unnest(events) as n;
  end if;
end $$;
