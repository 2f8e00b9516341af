-- The role of whatever asks PostgreSQL for figures: it sees numbers and no rows. Run it as a superuser in the database codasync, as often as
-- you like. Where the server wants a password, give the role one: \password codasync_monitor
do $$
begin
  if not exists (select from pg_roles where rolname = 'codasync_monitor') then
    create role codasync_monitor login connection limit 5;
  end if;
end
$$;
grant pg_monitor to codasync_monitor;
grant connect on database codasync to codasync_monitor;
