-- Roles and database on an existing PostgreSQL server. Run it once as a superuser:
--   psql -v owner_password=… -v service_password=… -f storage/setup.sql
-- Then run `codasync migrate` with the URL of codasync_owner, and the service with the URL of codasync_service.

create role codasync_owner login password :'owner_password';      -- owns the tables; for migrations only
create role codasync_service login password :'service_password';  -- the role of the service

-- Each transaction of the service sets its own limits. These apply to statements outside a transaction and to manual sessions.
alter role codasync_service set statement_timeout = '10s';
alter role codasync_service set idle_in_transaction_session_timeout = '10s';

create database codasync owner codasync_owner;
revoke all on database codasync from public;
grant connect on database codasync to codasync_service;

\connect codasync
revoke create on schema public from public;
grant create, usage on schema public to codasync_owner;
-- Large objects are not used, and every role could fill the disk with them.
revoke execute on function lo_create(oid), lo_creat(integer), lo_from_bytea(oid, bytea) from public;
