#include "cache/inventory.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <charconv>
#include <string_view>

#include "cache/address.hpp"
#include "cache/connection.hpp"
#include "cache/entry_expiry.hpp"
#include "cache/resolved_address.hpp"
#include "cache/text_connection.hpp"
#include "storage/errors.hpp"

namespace codasync::cache {
namespace {

// Memcached runs one listing at a time, and replies BUSY to the next one until it ends.
constexpr int kAttemptsMax = 50;
constexpr std::chrono::milliseconds kPieceTimeout{5000};  // for the next piece of a listing

Address address_of(const MemcachedOptions& options, std::size_t slot) {
  const auto address = parse_address(options.servers.at(slot));
  assert(address);
  return *address;
}

[[noreturn]] void fail(std::size_t slot, const std::string& reason) {
  throw Unavailable{"memcached", "slot " + std::to_string(slot) + ": " + reason};
}

std::string without_escapes(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned code = 0;
    const char* const digits = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(digits, digits + 2, code, 16).ptr == digits + 2) {
      plain += static_cast<char>(code);
      i += 2;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

/// Reads a socket line by line.
class Lines {
 public:
  Lines(UniqueFd socket, std::size_t slot) : socket_{std::move(socket)}, slot_{slot} {}

  void send(std::string_view text) {
    if (::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(text.size())) {
      fail(slot_, "the command cannot be sent");
    }
  }

  std::string next() {
    std::size_t end = 0;
    while ((end = unread_.find('\n')) == std::string::npos) receive();
    std::string line = unread_.substr(0, end);
    unread_.erase(0, end + 1);
    while (line.ends_with('\r')) line.pop_back();
    return line;
  }

 private:
  void receive() {
    pollfd waiting{socket_.get(), POLLIN, 0};
    std::array<char, 16384> buffer;
    if (poll(&waiting, 1, static_cast<int>(kPieceTimeout.count())) != 1)
      fail(slot_, "the listing stopped");
    const ssize_t size = recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size <= 0) fail(slot_, "the connection was closed during the listing");
    unread_.append(buffer.data(), static_cast<std::size_t>(size));
  }

  UniqueFd socket_;
  std::size_t slot_;
  std::string unread_;
};

}  // namespace

Inventory::Inventory(const MemcachedOptions& options) : options_{options}, seal_{options} {
  resolve_names(options_);
}

void Inventory::for_each_key(std::size_t slot, const std::function<void(const Key&)>& found) const
    try {
  for (int attempt = 1;; ++attempt) {
    Lines lines{connect_to(address_of(options_, slot), options_.connect_timeout), slot};
    lines.send("lru_crawler metadump all\r\n");
    std::string line = lines.next();
    if (line.starts_with("BUSY") && attempt < kAttemptsMax) {
      poll(nullptr, 0, 100);
      continue;
    }
    for (; line != "END"; line = lines.next()) {
      constexpr std::string_view kName = "key=";
      if (!line.starts_with(kName))
        fail(slot, "unexpected line in the listing: " + line.substr(0, 100));
      const std::string_view rest = std::string_view{line}.substr(kName.size());
      found(Key{without_escapes(rest.substr(0, rest.find(' ')))});
    }
    return;
  }
} catch (const TextFailure& failure) {
  fail(slot, failure.what());
}

std::optional<std::string> Inventory::read(std::size_t slot, const Key& key) const try {
  Connection connection{address_of(options_, slot), options_};
  Entry entry;
  const Reply reply = connection.get(key, entry);
  if (reply != Reply::yes && reply != Reply::no) fail(slot, connection.explain());
  if (reply == Reply::no || entry.flags == kPlaceholder || is_expired(entry.flags, now()))
    return std::nullopt;
  return std::string{seal_.open(key, entry.flags, entry.bytes)};
} catch (const TextFailure& failure) {
  fail(slot, failure.what());
}

void Inventory::remove(std::size_t slot, const Key& key) const try {
  run_command(address_of(options_, slot), "delete " + key.text + "\r\n", options_.connect_timeout,
              options_.answer_timeout);
} catch (const TextFailure& failure) {
  fail(slot, failure.what());
}

}  // namespace codasync::cache
