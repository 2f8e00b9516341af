#include "cache/server.hpp"

#include <utility>

#include "cache/entry_end.hpp"
#include "storage/failpoint.hpp"

namespace codasync::cache {
namespace {

// They say nothing, but are no HTTP answer: Nginx takes them for a miss.
constexpr std::string_view kPlaceholderBytes = "lease";

}  // namespace

Server::Server(std::size_t slot, const Address& address, const MemcachedOptions& options,
               Observer& observer)
    : slot_{slot},
      options_{options},
      observer_{observer},
      lookups_{options.connections_max,
               [=] { return std::make_unique<Connection>(address, options); }},
      leases_{options.connections_max,
              [=] { return std::make_unique<Connection>(address, options); }},
      rest_{options.rest_after_failure} {}

void Server::find(std::span<const Wanted> wanted, Probe probe) {
  for (const auto& one : wanted) *one.answer = {LookupState::unavailable, {}};
  if (probe == Probe::yes ? !rest_.may_try() : !rest_.well()) return;
  const auto connection = lookups_.acquire(options_.answer_timeout);
  if (!connection) return;
  std::vector<const Key*> keys;
  for (const auto& one : wanted) keys.push_back(one.key);
  std::vector<bool> over(wanted.size());
  const Instant asked_at = now();
  const Reply reply = (*connection)->get(keys, [&](std::size_t i, Entry entry) {
    if (entry.flags == kPlaceholder) return;
    over[i] = !lives(entry.flags, asked_at);
    if (!over[i]) *wanted[i].answer = {LookupState::hit, std::move(entry.bytes)};
  });
  note(reply, **connection);
  if (reply != Reply::yes && reply != Reply::no) return;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i].answer->state != LookupState::hit && !over[i])
      wanted[i].answer->state = LookupState::miss;
  }
}

Lookup Server::find(const Key& key, Probe probe) {
  Lookup found{};
  const Wanted wanted{&key, &found};
  find({&wanted, 1}, probe);
  return found;
}

bool Server::put(const Key& key, std::string_view bytes, Instant begun_at) {
  if (bytes.size() > kValueBytesMax || !rest_.well()) return false;
  const auto connection = lookups_.acquire(options_.answer_timeout);
  if (!connection) return false;
  const Reply reply = (*connection)->set(key, bytes, end_of(begun_at), options_.entry_ttl);
  note(reply, **connection);
  return reply == Reply::yes;
}

void Server::discard(const Key& key) {
  observer_.malformed(slot_);
  if (!rest_.well()) return;
  const auto connection = lookups_.acquire(options_.answer_timeout);
  if (connection) note((*connection)->remove(key), **connection);
}

std::optional<Server::Lease> Server::lease(const Key& key) {
  if (!rest_.well()) return std::nullopt;
  auto connection = leases_.acquire(std::chrono::milliseconds{0});
  if (!connection) return std::nullopt;  // that many fills under way: one more would not help
  const Reply added = (*connection)->add(key, kPlaceholderBytes, kPlaceholder, options_.lease_ttl);
  note(added, **connection);
  if (added != Reply::yes) return std::nullopt;

  Entry entry;
  const Reply read = (*connection)->get(key, entry);
  note(read, **connection);
  // Not the placeholder: ours was deleted, and somebody was quick.
  if (read != Reply::yes || entry.flags != kPlaceholder || entry.cas == 0) return std::nullopt;
  return Lease{*this, key, std::move(*connection), entry.cas};
}

std::uint32_t Server::end_of(Instant begun_at) const {
  return entry_end(begun_at, options_.entry_ttl, options_.lease_ttl);
}

void Server::note(Reply reply, const Connection& connection) {
  if (reply != Reply::silent) return rest_.succeeded();
  rest_.failed();
  lookups_.drop_idle();
  leases_.drop_idle();
  observer_.unavailable(slot_, connection.explain());
}

Server::Lease::Lease(Server& server, Key key, Pool<Connection>::Handle connection,
                     std::uint64_t cas)
    : server_{&server}, key_{std::move(key)}, connection_{std::move(connection)}, cas_{cas} {}

bool Server::Lease::store(std::string_view bytes, Instant begun_at) {
  if (!connection_ || bytes.size() > kValueBytesMax) return false;
  const std::uint32_t end = server_->end_of(begun_at);
  const std::chrono::seconds ttl = server_->options_.entry_ttl;
  const Reply reply = failpoint::broken("set-without-lease")
                          ? (*connection_)->set(key_, bytes, end, ttl)
                          : (*connection_)->replace(key_, bytes, end, ttl, cas_);
  server_->note(reply, **connection_);
  connection_.reset();
  return reply == Reply::yes;
}

void Server::Lease::drop() {
  if (!connection_) return;
  const Reply reply = (*connection_)->remove(key_, cas_);
  server_->note(reply, **connection_);
  connection_.reset();
}

}  // namespace codasync::cache
