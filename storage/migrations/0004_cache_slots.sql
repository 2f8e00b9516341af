-- Slots that are lost and come back (cache/README.md). A slot is filled only if it is up, and was emptied for this very
-- database with this very past; without a row it never was.
alter table cache_slots
  drop constraint cache_slots_state_check,
  add constraint cache_slots_state_check check (state in ('up', 'waiting', 'down')),
  add column database text not null default '',  -- cluster and database that it was last emptied for
  add column timeline text not null default '';  -- and the timeline: another one after each failover and restore

-- What all processes that use the cache have to agree on; one row.
create table cache_settings (
  id          boolean primary key default true check (id),
  fills       boolean not null default true,     -- `codasync cache off` ends all fills
  since       timestamptz not null default clock_timestamp(),
  slots       integer check (slots >= 0),        -- nothing: the first process that comes says
  entry_life  integer not null default 0         -- the longest of anybody's entries, with its lease, in seconds
);
insert into cache_settings default values;

-- As before, without a life of entries, because nobody's clock decides here: the state of each slot that has a row, 0 up,
-- 1 waiting, 2 down; in how many slots everybody agrees; which of the tokens are valid.
create function begin_write(locks bigint[], exclusive boolean[], tokens bigint[])
returns table (about text, number bigint, state integer)
language plpgsql set plan_cache_mode = force_generic_plan
as $$
begin
  perform case when l.exclusive then pg_advisory_xact_lock(l.number) else pg_advisory_xact_lock_shared(l.number) end
     from unnest(begin_write.locks, begin_write.exclusive) as l (number, exclusive);
  return query
    select 'slot', s.slot::bigint, array_position('{up,waiting,down}', s.state) - 1 from cache_slots s;
  return query
    select 'slots', c.slots::bigint, null::integer from cache_settings c where c.slots is not null;
  return query
    select 'token', t.id, null::integer from tokens t
     where t.id = any(begin_write.tokens) and t.revoked_at is null
       and (t.expires_at is null or t.expires_at > clock_timestamp());
end $$;

create function begin_stock_write(locks bigint[], exclusive boolean[], tokens bigint[], shops bigint[], gtins bigint[])
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
      from begin_write(locks, exclusive, tokens) w;
  return query select * from lock_stock_readings(shops, gtins);
end $$;
