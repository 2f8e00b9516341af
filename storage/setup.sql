-- For people with a PostgreSQL server of their own: run it once as a superuser,
--   psql -v owner_password=… -v service_password=… -f storage/setup.sql
-- then `codasync migrate` with the owner's URL, and the service with the other role's.

create role codasync_owner login password :'owner_password';      -- owns the tables; only for migrations
create role codasync_service login password :'service_password';  -- what the service logs in as

-- Each transaction of the service sets its own limits. These hold where it has none and for people who borrow the role.
alter role codasync_service set statement_timeout = '10s';
alter role codasync_service set idle_in_transaction_session_timeout = '10s';

create database codasync owner codasync_owner;
revoke all on database codasync from public;
grant connect on database codasync to codasync_service;

\connect codasync
revoke create on schema public from public;
grant create, usage on schema public to codasync_owner;
