#include "cache/slot_identity.hpp"

#include <limits>

#include "cache/generation_token.hpp"
#include "cache/row_commands.hpp"

namespace codasync::cache {
namespace {

constexpr std::uint32_t kNeverExpires = std::numeric_limits<std::uint32_t>::max();
constexpr std::string_view kMissing = "EN";

}  // namespace

void SlotIdentities::set(std::size_t slot, const std::string& identity) {
  const MutexLock hold{mutex_};
  if (all_.size() <= slot) all_.resize(slot + 1);
  all_[slot] = identity;
}

std::string SlotIdentities::get(std::size_t slot) const {
  const MutexLock hold{mutex_};
  return slot < all_.size() ? all_[slot] : std::string{};
}

std::string make_slot_identity(std::size_t slot, std::size_t slots) {
  return std::to_string(slot) + "/" + std::to_string(slots) + " " + make_generation_token();
}

bool of_one_slot(std::string_view identity, std::string_view other) {
  return identity.substr(0, identity.find(' ')) == other.substr(0, other.find(' '));
}

std::string store_identity(const EntrySeal& seal, const std::string& identity) {
  const auto key = slot_identity();
  const auto entry = seal.of_all_processes().close(key, kNeverExpires, identity);
  return "set " + key.text + " " + std::to_string(kNeverExpires) + " 0 " +
         std::to_string(entry.size()) + "\r\n" + entry + "\r\n";
}

std::optional<std::string> read_identity(TextConnection& connection, const EntrySeal& seal,
                                         std::chrono::milliseconds timeout) {
  const auto key = slot_identity();
  const auto own = seal.of_all_processes();
  FoundRow found;
  connection.begin(
      "mg " + key.text + " c f k v\r\n", 1,
      [&](std::size_t, std::string_view reply) {
        const auto line = reply_line(reply);
        if (line && line->starts_with(kMissing)) return line->size() + 2;
        return take_row(reply, key, own, now(), found);
      },
      Repeat::no);
  TextConnection* one = &connection;
  complete({&one, 1}, timeout, [](std::size_t, const TextFailure& failure) { throw failure; });
  return found.bytes.empty() ? std::nullopt : std::optional{found.bytes};
}

CheckConnection check_of_identity(const SlotIdentities& identities, std::size_t slot,
                                  const EntrySeal& seal, std::chrono::milliseconds timeout) {
  return [&identities, slot, &seal, timeout](TextConnection& connection) {
    const auto expected = identities.get(slot);
    if (!expected.empty() && read_identity(connection, seal, timeout) != expected)
      throw TextFailure{Unreachable::no_response, kAnotherProcess};
  };
}

}  // namespace codasync::cache
