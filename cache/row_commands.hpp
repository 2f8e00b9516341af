#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "cache/entry_expiry.hpp"
#include "cache/entry_seal.hpp"
#include "cache/key.hpp"
#include "storage/model/time.hpp"

// The commands for rows, in Memcached's meta protocol (protocol.txt of 1.6): many in one message,
// and a look-up that takes the lease of a missing entry at the same time. Pure.

namespace codasync::cache {

/// The result of looking a row up.
struct FoundRow {
  enum class State {
    hit,
    leased,       // to be filled by the caller, who has the lease now
    others,       // another filler has the lease
    unavailable,  // no reply
  };
  State state{State::unavailable};
  std::string bytes{};   // of hit; empty for an entry without a valid seal
  std::uint64_t cas{0};  // of hit and leased: the id for store_row() and drop_row()
};

/// Looks an entry up; a missing one becomes a placeholder that lives `lease_ttl`.
std::string find_row(const Key& key, std::chrono::seconds lease_ttl);

/// Takes the reply to find_row(). An entry after its expiry is to be filled again under its own id,
/// as a lease. Returns: as TakeReply.
std::size_t take_row(std::string_view reply, const Key& key, const EntrySeal& seal, Instant now,
                     FoundRow& row);

/// Stores the entry if it still has this id.
std::string store_row(const Key& key, const EntrySeal& seal, std::uint64_t cas,
                      const EntryLife& life, std::string_view bytes);

/// Removes the entry if it still has this id.
std::string drop_row(const Key& key, std::uint64_t cas);

/// Takes the reply to store_row() or drop_row(). Returns: as TakeReply. `done`: whether the entry
/// had the id.
std::size_t take_done(std::string_view reply, bool& done);

}  // namespace codasync::cache
