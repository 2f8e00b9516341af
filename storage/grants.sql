-- What the service may do: read and write rows, but neither change the schema nor take history away.
-- `codasync migrate` runs this each time it succeeds; without the role (a laptop, a test) it does nothing.
do $$
begin
  if not exists (select from pg_roles where rolname = 'codasync_service') then
    return;
  end if;
  grant usage on schema public to codasync_service;
  grant select on schema_migrations to codasync_service;
  grant select, insert, update on shops, products, stock_readings, tokens, cache_slots,
    cache_settings to codasync_service;
  grant select, update on ledger_settings to codasync_service;
  grant usage on sequence stock_readings_id_seq to codasync_service;
  grant select, insert on stock_events, stock_operations, stock_voids, audit to codasync_service;  -- append only
  grant select, insert, update, delete on stock_segments to codasync_service;    -- can be made again from the events
  grant select, insert, delete on changes, change_marks to codasync_service;     -- kept for 30 days
  grant select, insert, update, delete on idempotency_keys to codasync_service;  -- kept for 7 days
end
$$;
