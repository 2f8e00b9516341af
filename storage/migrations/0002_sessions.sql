-- Sessions of browsers (storage/sessions.hpp). A session is in force as long as its token is, so every statement that reads
-- one reads the token too.
create table sessions (
  secret_hash  bytea primary key check (octet_length(secret_hash) = 32),
  token_id     bigint not null references tokens,
  started_at   timestamptz not null default clock_timestamp(),
  seen_at      timestamptz not null default clock_timestamp()  -- of the newest request, at most a minute late
) with (fillfactor = 70);                                      -- room for HOT updates of seen_at, which has no index
create index sessions_token on sessions (token_id);

-- Who works with the token, as the operator names them: it stays the same when the token is replaced.
alter table tokens add column person text check (char_length(person) between 1 and 255);
