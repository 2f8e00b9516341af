-- The whole schema of the first release. Later migrations only add, so that the previous program runs beside them.

create table shops (
  id          bigint generated always as identity primary key,
  name        text not null check (char_length(name) between 1 and 255),
  time_zone   text not null default 'UTC',
  version     bigint not null default 1,
  updated_at  timestamptz not null default clock_timestamp(),
  removed_at  timestamptz                      -- kept: readings in the change feed still point here
);
create unique index shops_name on shops (name) where removed_at is null;

create table products (
  gtin        bigint primary key check (gtin between 0 and 99999999999999),
  name        text not null check (char_length(name) between 1 and 255),
  brand       text check (char_length(brand) between 1 and 255),
  category    text check (char_length(category) between 1 and 255),
  version     bigint not null default 1,
  updated_at  timestamptz not null default clock_timestamp(),
  removed_at  timestamptz
);
create index products_category on products (category, gtin) where removed_at is null;
create index products_brand on products (brand, gtin) where removed_at is null;

-- One row per product and shop: the fold of its events, kept up to date under the row lock.
create table stock_readings (
  id           bigint generated always as identity primary key,
  shop_id      bigint not null references shops,
  gtin         bigint not null references products,
  expiry_date  date,
  date_kind    text check (date_kind in ('use_by', 'sell_by', 'best_before')),
  balance      bigint,                         -- unclamped: a late count may put it below zero
  quantity     integer generated always as (least(greatest(balance, 0), 2147483647)::integer) stored,
  removed      boolean not null default false, -- a tombstone: 404 for readers, kept for the change feed
  version      bigint not null,
  observed_at  timestamptz not null,           -- of the event that changed it last
  updated_at   timestamptz not null,           -- arrival of that event
  folded_at    timestamptz not null,           -- observation of the newest event, shown or not
  checked_at   timestamptz,                    -- of the newest check or remove
  counted_at   timestamptz,                    -- of the newest count or remove
  received_at  timestamptz not null,           -- newest arrival; never goes back, whatever the clocks do
  change_xid   xid8 not null default pg_current_xact_id(),
  unique (shop_id, gtin)
) with (fillfactor = 80);
create index stock_readings_gtin on stock_readings (gtin);
create index stock_readings_shop_expiry on stock_readings (shop_id, expiry_date, id) where not removed;
create index stock_readings_expiry on stock_readings (expiry_date, id) where not removed;
create index stock_readings_change on stock_readings (change_xid, id);

-- The ledger. Append only; an event says what was observed and what came of it.
create table stock_events (
  id            uuid primary key,
  reading_id    bigint not null references stock_readings,
  kind          text not null check (kind in ('sighting', 'check', 'count', 'adjust', 'remove', 'void')),
  expiry_date   date,
  date_kind     text,
  quantity      integer,
  delta         bigint,
  voids         uuid,
  reason        text,
  observed_at   timestamptz not null,
  received_at   timestamptz not null,
  token_id      bigint not null,
  actor         text not null,
  outcome       text not null check (outcome in ('applied', 'kept')),
  -- the reading after it, as others saw it
  version           bigint not null,
  after_date        date,
  after_date_kind   text,
  after_quantity    integer,
  after_removed     boolean not null
);
create index stock_events_reading on stock_events (reading_id, observed_at, id);
create unique index stock_events_voids on stock_events (voids) where voids is not null;

create table tokens (
  id          bigint generated always as identity primary key,
  name        text not null check (char_length(name) between 1 and 255),
  role        text not null check (role in ('staff', 'admin')),
  shops       bigint[] not null default '{}',
  hash        bytea not null unique check (octet_length(hash) = 32),
  created_at  timestamptz not null default clock_timestamp(),
  expires_at  timestamptz,
  revoked_at  timestamptz
);

-- What clients were told, by their own name for the request.
create table idempotency_keys (
  token_id     bigint not null,
  key          text not null check (char_length(key) between 1 and 255),
  fingerprint  bytea not null,
  status       integer not null,
  etag         text not null,
  location     text not null,
  body         text not null,
  created_at   timestamptz not null default clock_timestamp(),
  primary key (token_id, key)
);
create index idempotency_keys_created on idempotency_keys (created_at);

-- Memcached slots that are not in use; a slot without a row is up.
create table cache_slots (
  slot   integer primary key check (slot >= 0),
  state  text not null check (state in ('up', 'down')),
  since  timestamptz not null default clock_timestamp()
);
