#include "cache/connection.hpp"

#include <algorithm>
#include <cassert>
#include <ctime>
#include <new>
#include <utility>
#include <vector>

#include "cache/resolved_address.hpp"
#include "cache/text_connection.hpp"

namespace codasync::cache {
namespace {

// Memcached reads an expiry above 30 days as a date; this one is in January 1970. An item that is
// stored with an expiry in the past is deleted: the text protocol's only conditional delete.
constexpr std::time_t kExpired = 30 * 24 * 3600 + 1;

// A reply that is late at a deadline gets at least this part of answer_timeout for each next piece:
// the wait for another server must not end the look-up on a server that is replying.
constexpr int kLateFraction = 10;

Reply reply_of(memcached_return_t code) {
  switch (code) {
    case MEMCACHED_SUCCESS:
    case MEMCACHED_STORED:
      return Reply::yes;
    case MEMCACHED_NOTFOUND:
    case MEMCACHED_NOTSTORED:
    case MEMCACHED_DATA_EXISTS:
      return Reply::no;
    case MEMCACHED_E2BIG:
    case MEMCACHED_SERVER_ERROR:
    case MEMCACHED_MEMORY_ALLOCATION_FAILURE:
    case MEMCACHED_CLIENT_ERROR:
    case MEMCACHED_BAD_KEY_PROVIDED:
    case MEMCACHED_KEY_TOO_BIG:
      return Reply::rejected;
    default:
      return Reply::no_response;
  }
}

void configure(memcached_st& handle, memcached_behavior_t behavior, std::uint64_t value) {
  [[maybe_unused]] const auto code = memcached_behavior_set(&handle, behavior, value);
  assert(code == MEMCACHED_SUCCESS);
}

std::uint64_t count(std::chrono::milliseconds time) {
  return static_cast<std::uint64_t>(time.count());
}

/// Returns: the address as digits, so that libmemcached does not resolve it.
std::string resolved_host(const Address& address) {
  const auto found = resolved(address);
  if (found) return found->host;
  throw TextFailure{Unreachable::no_response,
                    "the name " + address.host + " could not be resolved yet"};
}

std::time_t seconds(std::chrono::seconds ttl) { return static_cast<std::time_t>(ttl.count()); }

}  // namespace

Connection::Connection(const Address& address, const MemcachedOptions& options)
    : answer_timeout_{options.answer_timeout}, handle_{memcached_create(nullptr)} {
  if (!handle_) throw std::bad_alloc{};
  memcached_st& handle = *handle_;
  // The only two time-outs with an effect: send and receive time-outs do nothing on non-blocking
  // sockets.
  configure(handle, MEMCACHED_BEHAVIOR_CONNECT_TIMEOUT, count(options.connect_timeout));
  limit_poll(answer_timeout_);
  configure(handle, MEMCACHED_BEHAVIOR_NO_BLOCK,
            1);  // closes with RST: unsent bytes are not sent later
  configure(handle, MEMCACHED_BEHAVIOR_TCP_NODELAY, 1);
  configure(handle, MEMCACHED_BEHAVIOR_TCP_KEEPALIVE, 1);
  configure(handle, MEMCACHED_BEHAVIOR_SUPPORT_CAS, 1);
  configure(handle, MEMCACHED_BEHAVIOR_VERIFY_KEY, 1);
  const auto code =
      address.local_socket()
          ? memcached_server_add_unix_socket(&handle, address.path.c_str())
          : memcached_server_add(&handle, resolved_host(address).c_str(), address.port);
  if (code != MEMCACHED_SUCCESS) throw std::bad_alloc{};
  memcached_result_create(&handle, &result_);
}

Connection::~Connection() { memcached_result_free(&result_); }

Reply Connection::send_get(std::span<const Key* const> keys) {
  assert(!reply_missing_);
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  for (const auto* key : keys) {
    texts.push_back(key->text.data());
    sizes.push_back(key->text.size());
  }
  const auto code = memcached_mget(handle_.get(), texts.data(), sizes.data(), keys.size());
  reply_missing_ = code == MEMCACHED_SUCCESS;
  return judge(code);
}

Reply Connection::receive(std::span<const Key* const> keys, const Found& found,
                          std::chrono::steady_clock::time_point deadline) {
  assert(reply_missing_);
  const auto next_result = [&](memcached_return_t& code) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    // libmemcached reads before it polls, so a reply that is there is read at any time.
    limit_poll(std::max({left, answer_timeout_ / kLateFraction, std::chrono::milliseconds{1}}));
    return memcached_fetch_result(handle_.get(), &result_, &code) != nullptr;
  };
  memcached_return_t code = MEMCACHED_SUCCESS;
  // Entries come in the order of the keys; missing ones are left out. The last line has to be read
  // too.
  std::size_t next = 0;
  while (next_result(code)) {
    const std::string_view key{memcached_result_key_value(&result_),
                               memcached_result_key_length(&result_)};
    while (next < keys.size() && keys[next]->text != key) ++next;
    if (next == keys.size()) return judge(MEMCACHED_PROTOCOL_ERROR);  // not one of the keys
    // libmemcached accepts any length from the server, also one larger than the value.
    const std::size_t size = memcached_result_length(&result_);
    const bool fits = size <= kValueBytesMax;
    found(next++, {fits ? std::string{memcached_result_value(&result_), size} : std::string{},
                   memcached_result_flags(&result_), memcached_result_cas(&result_)});
  }
  limit_poll(answer_timeout_);
  reply_missing_ = false;
  return judge(code == MEMCACHED_END || code == MEMCACHED_NOTFOUND ? MEMCACHED_SUCCESS : code);
}

Reply Connection::get(const Key& key, Entry& entry) {
  const Key* wanted = &key;
  bool there = false;
  const auto deadline = std::chrono::steady_clock::now() + answer_timeout_;
  Reply reply = send_get({&wanted, 1});
  if (reply != Reply::yes) return reply;
  reply = receive(
      {&wanted, 1},
      [&](std::size_t, Entry found) {
        entry = std::move(found);
        there = true;
      },
      deadline);
  return reply == Reply::yes && !there ? Reply::no : reply;
}

Reply Connection::add(const Key& key, std::string_view bytes, std::uint32_t flags,
                      std::chrono::seconds ttl) {
  return judge(memcached_add(handle_.get(), key.text.data(), key.text.size(), bytes.data(),
                             bytes.size(), seconds(ttl), flags));
}

Reply Connection::set(const Key& key, std::string_view bytes, std::uint32_t flags,
                      std::chrono::seconds ttl) {
  return judge(memcached_set(handle_.get(), key.text.data(), key.text.size(), bytes.data(),
                             bytes.size(), seconds(ttl), flags));
}

Reply Connection::replace(const Key& key, std::string_view bytes, std::uint32_t flags,
                          std::chrono::seconds ttl, std::uint64_t cas) {
  assert(cas != 0 && usable_);
  return judge(memcached_cas(handle_.get(), key.text.data(), key.text.size(), bytes.data(),
                             bytes.size(), seconds(ttl), flags, cas));
}

Reply Connection::remove(const Key& key) {
  return judge(memcached_delete(handle_.get(), key.text.data(), key.text.size(), 0));
}

Reply Connection::remove(const Key& key, std::uint64_t cas) {
  assert(cas != 0 && usable_);
  return judge(
      memcached_cas(handle_.get(), key.text.data(), key.text.size(), "", 0, kExpired, 0, cas));
}

void Connection::limit_poll(std::chrono::milliseconds timeout) {
  configure(*handle_, MEMCACHED_BEHAVIOR_POLL_TIMEOUT, count(timeout));
}

std::string Connection::explain() const { return memcached_last_error_message(handle_.get()); }

Reply Connection::judge(memcached_return_t code) {
  const Reply reply = reply_of(code);
  usable_ = usable_ && (reply == Reply::yes || reply == Reply::no);
  return reply;
}

}  // namespace codasync::cache
