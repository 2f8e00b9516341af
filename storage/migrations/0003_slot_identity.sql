-- Which process is behind a slot: a text that is stored in the server when it is emptied (cache/README.md). Empty: a version
-- before this migration emptied it. asked_at: a process found a server without that text, and asks whether another process
-- still has a connection to the one with it; one that has sets it to null.
alter table cache_slots add column identity text not null default '', add column asked_at timestamptz;
