-- Access tokens: what the token of an admin is, when a token was used, and who may make one.

-- An admin has all shops. Only the stock of other shops was refused to an admin with shops, so such a token gets the role that
-- its shops were meant for.
update tokens set role = 'staff' where role = 'admin' and shops is not null;
alter table tokens add constraint tokens_shops_of_staff check (role = 'staff' or shops is null);

alter table tokens add column last_used_at timestamptz;  -- the hour of the newest use; null: never used

-- The role of the service can neither read a hash nor write a role (grants.sql), so that statements which an attacker sends
-- with this role cannot make an admin. It has these functions, which run with the rights of the owner.

-- The tokens with these hashes, also revoked and expired ones.
create function tokens_with_hashes(hashes bytea[]) returns setof tokens
language plpgsql stable security definer
set search_path = pg_catalog, public, pg_temp
as $$
begin
  return query select t.* from tokens t where t.hash = any(hashes);
end $$;

-- Makes a token. `proof`: the hash of the secret of a valid admin, which the service has only while it answers that admin.
-- The first token of an admin needs no proof. Returns: the token; no row without the proof.
create function create_token(proof bytea, name text, role text, shops bigint[], expires_at timestamptz, hash bytea, person text)
returns setof tokens
language plpgsql security definer
set search_path = pg_catalog, public, pg_temp
as $$
#variable_conflict use_column
begin
  if exists (select from tokens t
              where t.hash = create_token.proof and t.role = 'admin' and t.revoked_at is null
                and (t.expires_at is null or t.expires_at > clock_timestamp()))
     or (create_token.role = 'admin' and not exists (select from tokens t where t.role = 'admin')) then
    return query
      insert into tokens as t (name, role, shops, expires_at, hash, person)
      values (create_token.name, create_token.role, create_token.shops, create_token.expires_at, create_token.hash,
              create_token.person)
      returning t.*;
  end if;
end $$;

-- Starts a session of the token with this hash. Returns: the token; no row when it is not valid.
create function start_session(token_hash bytea, session_hash bytea) returns setof tokens
language plpgsql security definer
set search_path = pg_catalog, public, pg_temp
as $$
begin
  return query
    with valid as (select t.* from tokens t
                    where t.hash = token_hash and t.revoked_at is null
                      and (t.expires_at is null or t.expires_at > clock_timestamp())),
         started as (insert into sessions (secret_hash, token_id) select session_hash, v.id from valid v)
    select v.* from valid v;
end $$;

revoke execute on function tokens_with_hashes, create_token, start_session from public;
