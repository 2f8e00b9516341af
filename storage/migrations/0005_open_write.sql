-- The first message of a write as one function: with begin_write() inside begin_stock_write() it took 0.3 ms of a lone write
-- before it came to the rows. The time limits are set in here too, because three statements `set local` cost as
-- much as the locks. Those of the first message itself: lock_timeout holds from here on; for the statement as a whole the
-- role's limit does, and the service gives the connection up.
--
-- Takes the advisory locks one by one in the order of the arrays. Then, in statements of their own and so with snapshots
-- taken under the locks, says: the state of each Memcached slot that has a row, 0 up, 1 waiting, 2 down; in how many slots
-- everybody agrees; which of the tokens are valid; and what lock_stock_readings() does.
create function open_write(lock_timeout text, statement_timeout text, locks bigint[], exclusive boolean[],
                           tokens bigint[], shops bigint[], gtins bigint[])
returns table (about text, number bigint, state integer, shop_id bigint, gtin bigint, expiry_date integer,
               date_kind text, balance bigint, removed boolean, version bigint, observed_at bigint, updated_at bigint,
               folded_at bigint, checked_at bigint, counted_at bigint, received_at bigint, name text,
               product_version bigint)
language plpgsql set plan_cache_mode = force_generic_plan
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
           null::boolean, null::bigint, null::bigint, null::bigint, null::bigint, null::bigint, null::bigint,
           null::bigint, null::text, null::bigint
      from (select 'slot', s.slot::bigint, array_position('{up,waiting,down}', s.state) - 1 from cache_slots s
            union all
            select 'slots', c.slots::bigint, null from cache_settings c where c.slots is not null
            union all
            select 'token', t.id, null from tokens t
             where t.id = any(tokens) and t.revoked_at is null
               and (t.expires_at is null or t.expires_at > clock_timestamp())) as told (about, number, state);
  if cardinality(shops) > 0 then
    return query select * from lock_stock_readings(shops, gtins);
  end if;
end $$;
