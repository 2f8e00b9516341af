-- The rights of the service role: it may read and write rows, but neither change the schema nor delete history.
-- `codasync migrate` runs this after each success; if the role does not exist (a laptop, a test), this does nothing.
do $$
begin
  if not exists (select from pg_roles where rolname = 'codasync_service') then
    return;
  end if;
  grant usage on schema public to codasync_service;
  grant select on schema_migrations to codasync_service;
  grant select, insert, update on shops, shop_thresholds, products, product_groups, stock_readings, imports, cache_slots, cache_settings
    to codasync_service;
  grant select, update on ledger_settings to codasync_service;
  grant usage on sequence stock_readings_id_seq to codasync_service;
  grant select, insert on stock_events, stock_operations, stock_voids, audit to codasync_service;  -- append only
  grant select, insert, update, delete on devices to codasync_service;           -- a deleted one is measured again
  grant select, insert, update, delete on stock_segments to codasync_service;    -- can be computed again from the events
  grant select, insert, delete on changes, change_marks to codasync_service;     -- kept for 30 days
  grant select, insert, update, delete on idempotency_keys to codasync_service;  -- kept for 7 days

  -- Of tokens neither the hash nor the role, and no session of a token without its hash: migrations/0004_tokens.sql.
  revoke all on tokens, sessions from codasync_service;
  grant select (id, name, role, shops, created_at, expires_at, revoked_at, person, last_used_at),
    update (revoked_at, last_used_at) on tokens to codasync_service;
  grant select, update (seen_at), delete on sessions to codasync_service;
  grant execute on function tokens_with_hashes, create_token, start_session to codasync_service;
end
$$;
