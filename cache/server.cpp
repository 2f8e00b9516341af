#include "cache/server.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace codasync::cache {
namespace {

// Any bytes that are not an HTTP response: for Nginx they are a miss.
constexpr std::string_view kPlaceholderBytes = "lease";

}  // namespace

Server::Server(std::size_t slot, const Address& address, const MemcachedOptions& options,
               Observer& observer, const SlotIdentities* identities)
    : slot_{slot},
      options_{options},
      seal_{options},
      observer_{observer},
      identities_{identities},
      lookups_{options.connections_max, [this, address] { return connect(address); }},
      leases_{options.connections_max, [this, address] { return connect(address); }},
      rows_{options.connections_max,
            [=, check = identities == nullptr
                            ? CheckConnection{}
                            : check_of_identity(*identities, slot, seal_, options.answer_timeout)] {
              return std::make_unique<TextConnection>(address, options.connect_timeout, check);
            }},
      circuit_{options.rest_after_failure} {}

std::unique_ptr<Connection> Server::connect(const Address& address) const {
  auto connection = std::make_unique<Connection>(address, options_);
  const auto expected = identities_ == nullptr ? std::string{} : identities_->get(slot_);
  if (expected.empty()) return connection;
  const auto key = slot_identity();
  Entry entry;
  const Reply reply = connection->get(key, entry);
  if (reply == Reply::no_response)
    throw TextFailure{Unreachable::no_response, connection->explain()};
  if (seal_.of_all_processes().open(key, entry.flags, entry.bytes) != expected)
    throw TextFailure{Unreachable::no_response, kAnotherProcess};
  return connection;
}

std::optional<Server::PendingLookup> Server::send_lookup(std::span<const Request> requests,
                                                         Probe probe, Time deadline) {
  for (const auto& request : requests) *request.result = {LookupState::unavailable, {}};
  if (probe == Probe::yes ? !circuit_.allows_attempt() : !circuit_.closed()) return std::nullopt;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
  auto connection = acquire(lookups_, std::max(left, std::chrono::milliseconds{0}));
  if (!connection) return std::nullopt;
  std::vector<const Key*> keys;
  for (const auto& request : requests) keys.push_back(request.key);
  if (const Reply sent = (*connection)->send_get(keys); sent != Reply::yes) {
    note(sent, **connection);
    return std::nullopt;
  }
  return PendingLookup{*this, requests, std::move(keys), std::move(*connection)};
}

Server::PendingLookup::PendingLookup(Server& server, std::span<const Request> requests,
                                     std::vector<const Key*> keys,
                                     Pool<Connection>::Handle connection)
    : server_{&server},
      requests_{requests},
      keys_{std::move(keys)},
      connection_{std::move(connection)},
      sent_at_{now()} {}

void Server::PendingLookup::finish(Time deadline) {
  std::vector<bool> expired(requests_.size());
  const auto found = [&](std::size_t i, Entry entry) {
    if (entry.flags == kPlaceholder) return;
    expired[i] = is_expired(entry.flags, sent_at_);
    if (expired[i]) return;
    const auto content = server_->seal_.open(*keys_[i], entry.flags, entry.bytes);
    entry.bytes.erase(0, entry.bytes.size() - content.size());
    *requests_[i].result = {LookupState::hit, std::move(entry.bytes)};
  };
  const Reply reply = connection_->receive(keys_, found, deadline);
  server_->note(reply, *connection_);
  if (reply != Reply::yes) return;
  for (std::size_t i = 0; i < requests_.size(); ++i) {
    if (requests_[i].result->state != LookupState::hit && !expired[i])
      requests_[i].result->state = LookupState::miss;
  }
}

std::pair<Lookup, Lookup> Server::find(const Key& first, const Key& second, Probe probe) {
  std::pair<Lookup, Lookup> found;
  const std::array requests{Request{&first, &found.first}, Request{&second, &found.second}};
  const auto deadline = Clock::now() + options_.answer_timeout;
  if (auto pending = send_lookup(requests, probe, deadline)) pending->finish(deadline);
  return found;
}

bool Server::put(const Key& key, const NewEntry& entry) {
  const auto life = life_of(entry);
  if (!life || !circuit_.closed()) return false;
  const auto connection = acquire(lookups_, options_.answer_timeout);
  if (!connection) return false;
  const auto sealed = seal_.close(key, life->expiry, entry.bytes);
  const Reply reply = (*connection)->set(key, sealed, life->expiry, life->ttl);
  note(reply, **connection);
  return reply == Reply::yes;
}

void Server::discard(const Key& key) {
  observer_.malformed(slot_);
  if (!circuit_.closed()) return;
  const auto connection = acquire(lookups_, options_.answer_timeout);
  if (connection) note((*connection)->remove(key), **connection);
}

std::optional<Server::Lease> Server::lease(const Key& key) {
  if (!circuit_.closed()) return std::nullopt;
  auto connection = acquire(leases_, std::chrono::milliseconds{0});
  if (!connection) return std::nullopt;  // too many fills at once: one more would not help
  const Reply added = (*connection)->add(key, kPlaceholderBytes, kPlaceholder, options_.lease_ttl);
  note(added, **connection);
  if (added != Reply::yes) return std::nullopt;

  Entry entry;
  const Reply read = (*connection)->get(key, entry);
  note(read, **connection);
  // Another entry: the placeholder was deleted, and another filler stored something.
  if (read != Reply::yes || entry.flags != kPlaceholder || entry.cas == 0) return std::nullopt;
  return Lease{*this, key, std::move(*connection), entry.cas};
}

std::optional<EntryLife> Server::life_of(const NewEntry& entry) const {
  if (entry.bytes.size() + EntrySeal::kBytes > kValueBytesMax) return std::nullopt;
  return life_of_entry(entry.begun_at, entry.changes_at, options_.entry_ttl, options_.lease_ttl);
}

std::optional<Pool<Connection>::Handle> Server::acquire(Pool<Connection>& pool,
                                                        std::chrono::milliseconds timeout) try {
  return pool.acquire(timeout);
} catch (const TextFailure& failure) {
  note_failure(failure.what());
  return std::nullopt;
}

void Server::note(Reply reply, const Connection& connection) {
  if (reply != Reply::no_response) return circuit_.record_success();
  note_failure(connection.explain());
}

void Server::note_failure(std::string_view log_detail) {
  circuit_.record_failure();
  lookups_.drop_idle();
  leases_.drop_idle();
  rows_.drop_idle();
  observer_.unavailable(slot_, log_detail);
}

std::optional<Server::RowConnection> Server::row_connection() {
  if (!circuit_.allows_attempt()) return std::nullopt;
  try {
    return rows_.acquire(options_.answer_timeout);
  } catch (const TextFailure& failure) {
    note_failure(failure.what());
    return std::nullopt;
  }
}

Server::Lease::Lease(Server& server, Key key, Pool<Connection>::Handle connection,
                     std::uint64_t cas)
    : server_{&server}, key_{std::move(key)}, connection_{std::move(connection)}, cas_{cas} {}

bool Server::Lease::store(const NewEntry& entry) {
  const auto life = server_->life_of(entry);
  if (!connection_ || !life) return false;
  const auto sealed = server_->seal_.close(key_, life->expiry, entry.bytes);
  const Reply reply = (*connection_)->replace(key_, sealed, life->expiry, life->ttl, cas_);
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
