#include "cache/server_control.hpp"

#include <sys/socket.h>

#include <cassert>
#include <cerrno>
#include <map>
#include <string>
#include <utility>

#include "cache/address.hpp"
#include "cache/resolved_address.hpp"
#include "cache/slot_identity.hpp"
#include "cache/text_connection.hpp"

namespace codasync::cache {
namespace {

class MemcachedControl final : public ServerControl {
 public:
  explicit MemcachedControl(const MemcachedOptions& options) : options_{options}, seal_{options} {
    resolve_names(options_);
  }

  [[nodiscard]] std::size_t count() const override { return options_.servers.size(); }
  void resolve() override { resolve_names(options_); }

  // No entry has this key. The command shows only that deletions are acknowledged.
  std::optional<Unreachable> probe(std::size_t slot) override {
    try {
      run_command(address_of(slot), "delete nothing\r\n", options_.connect_timeout,
                  options_.answer_timeout);
      return std::nullopt;
    } catch (const TextFailure& failure) {
      return failure.reason();
    }
  }

  std::optional<Unreachable> flush(std::size_t slot, const std::string& identity) override {
    try {
      auto connection = connect(slot);
      connection->begin("flush_all\r\n" + store_identity(seal_, identity), 2, &take_stored,
                        Repeat::no);
      TextConnection* one = connection.get();
      complete({&one, 1}, options_.answer_timeout,
               [](std::size_t, const TextFailure& failure) { throw failure; });
      emptied_[slot] = {identity, std::move(connection), false};
      return std::nullopt;
    } catch (const TextFailure& failure) {
      return failure.reason();
    }
  }

  Identified identify(std::size_t slot, const std::string& identity) override {
    try {
      auto connection = connect(slot);
      const auto found = read_identity(*connection, seal_, options_.answer_timeout);
      if (found == identity) {
        emptied_[slot] = {identity, std::move(connection), false};
        return Identified::expected;
      }
      if (found && !of_one_slot(*found, identity)) return Identified::another;
      // A keeper that ended before it recorded its identity has left one of this slot.
      const auto known = emptied_.find(slot);
      if (known == emptied_.end() || known->second.identity != identity) return Identified::unknown;
      return has_identity(known->second) ? Identified::another : Identified::restarted;
    } catch (const TextFailure&) {
      return Identified::another;
    }
  }

  bool still_runs(std::size_t slot, const std::string& identity) override {
    const auto known = emptied_.find(slot);
    return known != emptied_.end() && known->second.identity == identity &&
           has_identity(known->second);
  }

 private:
  /// A connection to the process that was emptied. It is open as long as that process runs,
  /// whatever listens at its address meanwhile.
  struct Emptied {
    std::string identity;
    std::unique_ptr<TextConnection> connection;
    bool reply_missing{false};  // nothing more can be sent
  };

  [[nodiscard]] Address address_of(std::size_t slot) const {
    const auto address = parse_address(options_.servers.at(slot));
    assert(address);
    return *address;
  }
  [[nodiscard]] std::unique_ptr<TextConnection> connect(std::size_t slot) const {
    return std::make_unique<TextConnection>(address_of(slot), options_.connect_timeout);
  }

  /// A process may not respond now, and continue later: only the end of its connection shows its
  /// own. Memcached sends nothing by itself.
  static bool is_open(const TextConnection& connection) {
    char byte{};
    const auto size = recv(connection.descriptor(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return size > 0 || (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK));
  }

  /// Returns: whether the process still has its identity; one that does not respond may have it.
  bool has_identity(Emptied& emptied) const {
    if (!emptied.reply_missing) {
      try {
        return read_identity(*emptied.connection, seal_, options_.answer_timeout) ==
               emptied.identity;
      } catch (const TextFailure&) {
        emptied.reply_missing = true;
      }
    }
    return is_open(*emptied.connection);
  }

  /// Takes OK or STORED.
  static std::size_t take_stored(std::size_t number, std::string_view bytes) {
    const auto line = reply_line(bytes);
    if (!line) return 0;
    if (*line != (number == 0 ? "OK" : "STORED")) refuse_reply(*line);
    return line->size() + 2;
  }

  const MemcachedOptions options_;
  const EntrySeal seal_;
  std::map<std::size_t, Emptied> emptied_;  // by slot
};

}  // namespace

std::unique_ptr<ServerControl> make_server_control(const MemcachedOptions& options) {
  return std::make_unique<MemcachedControl>(options);
}

}  // namespace codasync::cache
