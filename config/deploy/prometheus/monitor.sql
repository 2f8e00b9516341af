-- The role of PostgreSQL's exporter: it can read statistics and no rows. Run this as a superuser in the database codasync; it may be
-- repeated. If the server requires a password: \password codasync_monitor
do $$
begin
  if not exists (select from pg_roles where rolname = 'codasync_monitor') then
    create role codasync_monitor login connection limit 5;
  end if;
end
$$;
grant pg_monitor to codasync_monitor;
grant connect on database codasync to codasync_monitor;
