-- The imports that began to write, with what became of their rows. What an import wrote is found by the actor of its
-- events and of its entries in the audit (storage/import_trail.hpp), so this table is a list for people.
create table imports (
  id          uuid primary key,                 -- of version 7, so ids are in the order of time
  kind        text not null check (kind in ('products', 'stock-readings')),
  token_id    bigint not null,
  actor       text not null,
  started_at  timestamptz not null default clock_timestamp(),
  ended_at    timestamptz,                      -- null: it runs, or its process ended before it
  outcome     text check (outcome in ('done', 'stopped', 'cancelled', 'failed')),
  rows        bigint not null default 0,        -- at its end, as all that follow
  refused     bigint not null default 0,
  created     bigint not null default 0,
  changed     bigint not null default 0,
  unchanged   bigint not null default 0,
  undone_at   timestamptz,
  check ((ended_at is null) = (outcome is null))
);
