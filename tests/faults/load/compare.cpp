#include <charconv>
#include <fstream>
#include <stdexcept>
#include <unordered_map>

#include "tests/faults/load/load.hpp"

// What was answered against what the database holds.

namespace codasync::faults {
namespace {

std::ifstream open(const std::string& path) {
  std::ifstream file{path};
  if (!file) throw std::runtime_error{"cannot read " + path};
  return file;
}

/// Returns: the fields of a line of COPY's text format.
std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> fields;
  for (;;) {
    const auto end = line.find('\t');
    fields.push_back(line.substr(0, end));
    if (end == std::string_view::npos) return fields;
    line.remove_prefix(end + 1);
  }
}

std::int64_t number(std::string_view text) {
  std::int64_t value = -1;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

struct Event {
  std::uint32_t count{0};  // applied events with this version
  std::uint64_t shows{0};
  std::int64_t write{-1};  // where its reason names one
};

}  // namespace

void Load::compare(const std::string& events, const std::string& keys) {
  const std::string prefix = options_.run + "-";
  const auto write_of = [&](std::string_view key) -> std::int64_t {
    if (!key.starts_with(prefix)) return -1;
    const auto found = number(key.substr(prefix.size()));
    return found < static_cast<std::int64_t>(writes_.size()) ? found : -1;
  };

  // Events: reading, version, outcome, reason, what the reading shows after it.
  std::vector<std::vector<Event>> applied(world_.readings.size());
  std::vector<std::int64_t> lines(world_.readings.size(), 0);
  std::vector<std::uint8_t> adjusted(writes_.size(), 0);
  auto file = open(events);
  for (std::string line; std::getline(file, line);) {
    const auto fields = fields_of(line);
    const auto* reading = fields.size() == 5 ? world_.reading_of(number(fields[0])) : nullptr;
    if (reading == nullptr) {
      findings_.add(Fault::doubled, "the ledger has an event that nobody wrote: " + line);
      continue;
    }
    ++events_;
    const auto index = reading->shop * world_.on_shelves + reading->product;
    ++lines[index];
    const auto write = write_of(fields[3]);
    if (write >= 0) ++adjusted[static_cast<std::size_t>(write)];
    if (fields[2] != "applied") continue;
    const auto version = static_cast<std::size_t>(number(fields[1]));
    if (applied[index].size() <= version) applied[index].resize(version + 1);
    auto& event = applied[index][version];
    ++event.count;
    event.shows = hash_of(fields[4]);
    event.write = write;
  }

  // Keys: key, body of the kept answer.
  std::vector<bool> kept(writes_.size(), false);
  std::vector<std::uint64_t> kept_bodies(writes_.size(), 0);
  file = open(keys);
  for (std::string line; std::getline(file, line);) {
    const auto fields = fields_of(line);
    const auto write = write_of(fields[0]);
    if (write < 0) continue;
    kept[static_cast<std::size_t>(write)] = true;
    if (fields.size() > 1) kept_bodies[static_cast<std::size_t>(write)] = hash_of(fields[1]);
  }

  std::vector<std::int64_t> expected(world_.readings.size(), 0);
  for (std::size_t i = 0; i < writes_.size(); ++i) {
    const auto& write = writes_[i];
    const auto name = key_of(static_cast<std::int64_t>(i)) + " of " + register_of(write).name();
    const bool done = write.end == Write::End::done || write.end == Write::End::kept;
    if (write.end == Write::End::none) {
      findings_.add(Fault::lost, name + " was never answered");
      continue;
    }
    if (done && !kept[i]) findings_.add(Fault::lost, name + " was acknowledged, and has no trace");
    if (!done && kept[i])
      findings_.add(Fault::refused, name + " was answered 503, and took effect");
    if (write.kind == Write::Kind::adjust && adjusted[i] != (done ? 1 : 0)) {
      findings_.add(adjusted[i] == 0 ? Fault::lost
                    : done           ? Fault::doubled
                                     : Fault::refused,
                    name + " is in the ledger " + std::to_string(adjusted[i]) + " times");
    }
    if (!done || !of_reading(write)) continue;
    const auto target = static_cast<std::size_t>(write.target);
    ++expected[target];
    const auto version = static_cast<std::size_t>(write.version);
    const auto& known = applied[target];
    if (version >= known.size() || known[version].count == 0) {
      findings_.add(Fault::lost, name + " was answered with version " + std::to_string(version) +
                                     ", which the ledger does not have");
    } else if (write.end == Write::End::done && write.kind == Write::Kind::adjust &&
               known[version].write != static_cast<std::int64_t>(i)) {
      findings_.add(Fault::lost, name + " was answered with version " + std::to_string(version) +
                                     ", which is another's in the ledger");
    }
  }

  for (std::size_t r = 0; r < world_.readings.size(); ++r) {
    const auto& states = world_.readings[r].versions.states();
    const auto& name = world_.readings[r].versions.name();
    if (lines[r] != expected[r]) {
      findings_.add(lines[r] < expected[r] ? Fault::lost : Fault::doubled,
                    name + " has " + std::to_string(lines[r]) + " events for " +
                        std::to_string(expected[r]) + " acknowledged writes");
    }
    for (std::size_t v = 1; v < std::max(states.size(), applied[r].size()); ++v) {
      const Event event = v < applied[r].size() ? applied[r][v] : Event{};
      const auto state = v < states.size() ? states[v] : Register::State{};
      const bool seen = state.seen != Register::State::kNever || state.write >= 0;
      if (event.count > 1) {
        findings_.add(Fault::doubled, name + " became version " + std::to_string(v) + " " +
                                          std::to_string(event.count) + " times");
      }
      if (event.count == 0 && seen) {
        findings_.add(Fault::lost, name + " was seen at version " + std::to_string(v) +
                                       ", which the ledger does not have");
      }
      if (event.count > 0 && state.write < 0) {
        findings_.add(Fault::doubled, name + " has version " + std::to_string(v) +
                                          " in the ledger, which no acknowledged write made");
      }
      if (event.count == 0 || state.shows == 0) continue;
      ++bodies_;
      if (state.shows != event.shows) {
        findings_.add(Fault::body, name + " showed something else at version " + std::to_string(v) +
                                       " than the ledger says");
      }
    }
  }

  // Shops and products have no ledger; the kept answers tell each of their states.
  const auto compare_names = [&](const Register& names) {
    for (const auto& state : names.states()) {
      if (state.write < 0 || !state.present || state.shows == 0) continue;
      ++bodies_;
      if (state.shows != kept_bodies[static_cast<std::size_t>(state.write)])
        findings_.add(Fault::body,
                      names.name() + " showed something else than its writer was told");
    }
  };
  for (const auto& shop : world_.shops) compare_names(shop.names);
  for (const auto& product : world_.products) compare_names(product.names);
}

}  // namespace codasync::faults
