#include "cache/connection.hpp"

#include <cassert>
#include <ctime>
#include <new>
#include <utility>
#include <vector>

namespace codasync::cache {
namespace {

// Memcached takes an expiry above 30 days for a date; this one is in January 1970. An item that
// expires in the past is stored and gone: the text protocol's only conditional delete.
constexpr std::time_t kExpired = 30 * 24 * 3600 + 1;

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
      return Reply::refused;
    default:
      return Reply::silent;
  }
}

void configure(memcached_st& handle, memcached_behavior_t behavior, std::uint64_t value) {
  [[maybe_unused]] const auto code = memcached_behavior_set(&handle, behavior, value);
  assert(code == MEMCACHED_SUCCESS);
}

std::uint64_t count(std::chrono::milliseconds time) {
  return static_cast<std::uint64_t>(time.count());
}

std::time_t seconds(std::chrono::seconds ttl) { return static_cast<std::time_t>(ttl.count()); }

}  // namespace

Connection::Connection(const Address& address, const MemcachedOptions& options)
    : handle_{memcached_create(nullptr)} {
  if (!handle_) throw std::bad_alloc{};
  memcached_st& handle = *handle_;
  // The only two limits that count: send and receive timeouts do nothing on its non-blocking
  // sockets.
  configure(handle, MEMCACHED_BEHAVIOR_CONNECT_TIMEOUT, count(options.connect_timeout));
  configure(handle, MEMCACHED_BEHAVIOR_POLL_TIMEOUT, count(options.answer_timeout));
  configure(handle, MEMCACHED_BEHAVIOR_NO_BLOCK,
            1);  // closes with RST: what was not sent is not sent later
  configure(handle, MEMCACHED_BEHAVIOR_TCP_NODELAY, 1);
  configure(handle, MEMCACHED_BEHAVIOR_TCP_KEEPALIVE, 1);
  configure(handle, MEMCACHED_BEHAVIOR_SUPPORT_CAS, 1);
  configure(handle, MEMCACHED_BEHAVIOR_VERIFY_KEY, 1);
  const auto code = address.local_socket()
                        ? memcached_server_add_unix_socket(&handle, address.path.c_str())
                        : memcached_server_add(&handle, address.host.c_str(), address.port);
  if (code != MEMCACHED_SUCCESS) throw std::bad_alloc{};
  memcached_result_create(&handle, &result_);
}

Connection::~Connection() { memcached_result_free(&result_); }

Reply Connection::get(std::span<const Key* const> keys,
                      const std::function<void(std::size_t, Entry)>& found) {
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  for (const auto* key : keys) {
    texts.push_back(key->text.data());
    sizes.push_back(key->text.size());
  }
  memcached_return_t code = memcached_mget(handle_.get(), texts.data(), sizes.data(), keys.size());
  if (code != MEMCACHED_SUCCESS) return judge(code);
  // Answers come in the order of the keys, without those that are not there; the last line ends
  // them and has to be read too.
  std::size_t next = 0;
  while (memcached_fetch_result(handle_.get(), &result_, &code) != nullptr) {
    const std::string_view key{memcached_result_key_value(&result_),
                               memcached_result_key_length(&result_)};
    while (next < keys.size() && keys[next]->text != key) ++next;
    if (next == keys.size()) return judge(MEMCACHED_PROTOCOL_ERROR);  // nobody asked for that
    // libmemcached takes any length from the server, also one that it has no bytes for.
    const std::size_t size = memcached_result_length(&result_);
    const bool fits = size <= kValueBytesMax;
    found(next++, {fits ? std::string{memcached_result_value(&result_), size} : std::string{},
                   memcached_result_flags(&result_), memcached_result_cas(&result_)});
  }
  return judge(code == MEMCACHED_END || code == MEMCACHED_NOTFOUND ? MEMCACHED_SUCCESS : code);
}

Reply Connection::get(const Key& key, Entry& entry) {
  const Key* wanted = &key;
  bool there = false;
  const Reply reply = get({&wanted, 1}, [&](std::size_t, Entry found) {
    entry = std::move(found);
    there = true;
  });
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

std::string Connection::explain() const { return memcached_last_error_message(handle_.get()); }

Reply Connection::judge(memcached_return_t code) {
  const Reply reply = reply_of(code);
  usable_ = usable_ && (reply == Reply::yes || reply == Reply::no);
  return reply;
}

}  // namespace codasync::cache
