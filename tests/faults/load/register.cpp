#include "tests/faults/load/register.hpp"

#include <algorithm>
#include <functional>
#include <iostream>
#include <numeric>
#include <string_view>

namespace codasync::faults {
namespace {

constexpr std::uint64_t kPrintedMax = 20;  // of each kind
constexpr std::int64_t kVersionMax = 100'000'000;

std::string text(std::int64_t version) {
  return version == kAbsent ? "absent" : "version " + std::to_string(version);
}

}  // namespace

const char* name_of(Fault fault) {
  static constexpr const char* kNames[]{"stale", "future",  "order", "doubled",
                                        "lost",  "refused", "body",  "unexpected"};
  return kNames[static_cast<std::size_t>(fault)];
}

void Findings::add(Fault fault, const std::string& what) {
  if (++counts_[index(fault)] <= kPrintedMax)
    std::cerr << "VIOLATION " << name_of(fault) << ": " << what << std::endl;
}

std::uint64_t Findings::total() const {
  return std::accumulate(std::begin(counts_), std::end(counts_), std::uint64_t{0});
}

std::uint64_t hash_of(std::string_view bytes) {
  return std::max<std::uint64_t>(std::hash<std::string_view>{}(bytes), 1);
}

Register::State& Register::at(std::int64_t version) {
  const auto index = static_cast<std::size_t>(version);
  if (states_.size() <= index) states_.resize(std::max(index + 1, states_.size() * 3 / 2));
  return states_[index];
}

bool Register::fail(Fault fault, const std::string& what, Findings& findings) const {
  findings.add(fault, name_ + ": " + what);
  return false;
}

void Register::acknowledge(const Result& result, Findings& findings) {
  --pending_;
  std::erase_if(unversioned_, [&](double at) { return at < result.sent; });
  if (result.version < 1 || result.version > kVersionMax) {
    fail(Fault::unexpected, "a write was answered with version " + std::to_string(result.version),
         findings);
    return;
  }
  State& state = at(result.version);
  if (result.makes == Makes::version ? result.version <= result.floor
                                     : result.version < result.floor) {
    fail(Fault::order,
         "write " + std::to_string(result.write) + " became version " +
             std::to_string(result.version) + ", but version " + std::to_string(result.floor) +
             " had been answered before it was sent",
         findings);
  }
  if (result.makes == Makes::version) {
    if (state.write >= 0) {
      fail(Fault::doubled,
           "writes " + std::to_string(state.write) + " and " + std::to_string(result.write) +
               " were both answered with version " + std::to_string(result.version),
           findings);
    }
    if (state.seen < result.sent) {
      fail(Fault::future,
           "version " + std::to_string(result.version) + " was shown before its write was sent",
           findings);
    }
    state.write = result.write;
  }
  if (result.shows != 0 && state.shows != 0 && result.shows != state.shows) {
    fail(Fault::body,
         "the answer to the write of version " + std::to_string(result.version) +
             " differs from what was read",
         findings);
  }
  if (result.shows != 0) state.shows = result.shows;
  state.answered = true;
  state.known = true;
  newest_ = std::max(newest_, result.version);
  acknowledged_ = std::max(acknowledged_, result.version);
}

void Register::acknowledge(double at) {
  --pending_;
  unversioned_.push_back(at);
}

void Register::begin(std::int64_t version, bool present) {
  ++pending_;
  serial_ = true;
  State& state = at(version);
  state = State{};
  state.known = true;
  state.present = present;
}

void Register::refuse(std::int64_t version, Findings& findings) {
  --pending_;
  State& state = at(version);
  if (state.seen != State::kNever) {
    fail(Fault::refused, text(version) + " was answered 503, and was seen", findings);
  }
  state.known = false;
  state.refused = true;
}

bool Register::show(std::int64_t version, std::uint64_t shows, const Asked& asked, double now,
                    const char* where, Findings& findings) {
  const auto floor = asked.floor;
  if (version == kAbsent) {
    // The oldest absence that is not too old: that is the least that this response proves.
    std::int64_t absence = std::max<std::int64_t>(floor, 0);
    const auto end = static_cast<std::int64_t>(states_.size());
    while (absence < end && (at(absence).present || !at(absence).known)) ++absence;
    if (absence == end) {
      return fail(Fault::stale,
                  std::string{"missing in "} + where + "; it was there at version " +
                      std::to_string(floor) + " and no write removed it since",
                  findings);
    }
    version = absence;
  }
  if (version < floor) {
    return fail(Fault::stale,
                std::string{where} + " showed version " + std::to_string(version) +
                    ", but version " + std::to_string(floor) +
                    " had been answered before the request was sent",
                findings);
  }
  const bool possible = version <= kVersionMax &&
                        (serial_ ? at(version).known || at(version).refused
                                 : version <= acknowledged_ + pending_ + std::ssize(unversioned_));
  if (!possible) {
    return fail(Fault::future,
                std::string{where} + " showed version " + std::to_string(version) + ", but " +
                    std::to_string(acknowledged_) + " is the newest and " +
                    std::to_string(pending_ + std::ssize(unversioned_)) + " writes may be newer",
                findings);
  }
  State& state = at(version);
  if (state.refused) {
    return fail(Fault::refused,
                std::string{where} + " showed version " + std::to_string(version) +
                    ", whose write was answered 503",
                findings);
  }
  if (!state.present && shows != 0) {
    return fail(Fault::stale,
                std::string{where} + " showed it, but version " + std::to_string(version) +
                    " is its removal",
                findings);
  }
  state.seen = std::min(state.seen, now);
  state.asked = std::max(state.asked, asked.sent);
  newest_ = std::max(newest_, version);
  if (shows == 0) return true;
  if (state.shows != 0 && state.shows != shows) {
    return fail(Fault::body,
                std::string{where} + " showed version " + std::to_string(version) +
                    " with another body than an earlier response",
                findings);
  }
  state.shows = shows;
  return true;
}

}  // namespace codasync::faults
