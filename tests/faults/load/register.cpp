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

void Register::acknowledge(std::int64_t version, std::uint64_t shows, std::int64_t floor,
                           double sent, std::int64_t write, Findings& findings) {
  --pending_;
  if (version < 1 || version > kVersionMax) {
    fail(Fault::unexpected, "a write was answered with version " + std::to_string(version),
         findings);
    return;
  }
  State& state = at(version);
  if (version <= floor) {
    fail(Fault::order,
         "write " + std::to_string(write) + " became version " + std::to_string(version) +
             ", but version " + std::to_string(floor) + " had been answered before it was sent",
         findings);
  }
  if (state.write >= 0) {
    fail(Fault::doubled,
         "writes " + std::to_string(state.write) + " and " + std::to_string(write) +
             " were both answered with version " + std::to_string(version),
         findings);
  }
  if (state.seen < sent) {
    fail(Fault::future,
         "version " + std::to_string(version) + " was shown before its write was sent", findings);
  }
  if (shows != 0 && state.shows != 0 && shows != state.shows) {
    fail(Fault::body,
         "the answer to the write of version " + std::to_string(version) +
             " differs from what was read",
         findings);
  }
  if (shows != 0) state.shows = shows;
  state.write = write;
  state.known = true;
  newest_ = std::max(newest_, version);
  acknowledged_ = std::max(acknowledged_, version);
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

bool Register::show(std::int64_t version, std::uint64_t shows, std::int64_t floor, double now,
                    const char* where, Findings& findings) {
  if (version == kAbsent) {
    // The oldest absence that is not too old: that is the least that this answer tells.
    std::int64_t absence = std::max<std::int64_t>(floor, 0);
    const auto end = static_cast<std::int64_t>(states_.size());
    while (absence < end && (at(absence).present || !at(absence).known)) ++absence;
    if (absence == end) {
      return fail(Fault::stale,
                  std::string{"missing in "} + where + "; it was there at version " +
                      std::to_string(floor) + " and nobody removed it since",
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
  const bool possible =
      version <= kVersionMax &&
      (serial_ ? at(version).known || at(version).refused : version <= acknowledged_ + pending_);
  if (!possible) {
    return fail(Fault::future,
                std::string{where} + " showed version " + std::to_string(version) + ", but " +
                    std::to_string(acknowledged_) + " is the newest and " +
                    std::to_string(pending_) + " writes are under way",
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
  newest_ = std::max(newest_, version);
  if (shows == 0) return true;
  if (state.shows != 0 && state.shows != shows) {
    return fail(Fault::body,
                std::string{where} + " showed version " + std::to_string(version) +
                    " with another body than somebody saw before",
                findings);
  }
  state.shows = shows;
  return true;
}

}  // namespace codasync::faults
