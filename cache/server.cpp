#include "cache/server.hpp"

#include <utility>

#include "storage/failpoint.hpp"

namespace codasync::cache {
namespace {

// Marks a placeholder. Its bytes say nothing, but are no HTTP answer: Nginx takes them for a miss.
constexpr std::uint32_t kPlaceholder = 1;
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
  const Reply reply = (*connection)->get(keys, [&](std::size_t i, Entry entry) {
    if (entry.flags != kPlaceholder) *wanted[i].answer = {LookupState::hit, std::move(entry.bytes)};
  });
  note(reply, **connection);
  if (reply != Reply::yes && reply != Reply::no) return;
  for (const auto& one : wanted) {
    if (one.answer->state != LookupState::hit) one.answer->state = LookupState::miss;
  }
}

Lookup Server::find(const Key& key, Probe probe) {
  Lookup found{};
  const Wanted wanted{&key, &found};
  find({&wanted, 1}, probe);
  return found;
}

bool Server::put(const Key& key, std::string_view bytes) {
  if (bytes.size() > kValueBytesMax || !rest_.well()) return false;
  const auto connection = lookups_.acquire(options_.answer_timeout);
  if (!connection) return false;
  const Reply reply = (*connection)->set(key, bytes, options_.entry_ttl);
  note(reply, **connection);
  return reply == Reply::yes;
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

bool Server::Lease::store(std::string_view bytes) {
  if (!connection_ || bytes.size() > kValueBytesMax) return false;
  const Reply reply = failpoint::broken("set-without-lease")
                          ? (*connection_)->set(key_, bytes, server_->options_.entry_ttl)
                          : (*connection_)->replace(key_, bytes, server_->options_.entry_ttl, cas_);
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
