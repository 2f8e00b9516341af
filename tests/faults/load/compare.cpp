#include <algorithm>
#include <charconv>
#include <fstream>
#include <stdexcept>
#include <unordered_map>

#include "tests/faults/load/load.hpp"

// What was answered against what the database holds.

namespace codasync::faults {
namespace {

constexpr double kCatchUp = 30;  // seconds for the devices

/// Calls `each` with the fields of every line of COPY's text format.
template <class Each>
void read_lines(const std::string& path, const Each& each) {
  std::ifstream file{path};
  if (!file) throw std::runtime_error{"cannot read " + path};
  std::vector<std::string_view> fields;
  for (std::string line; std::getline(file, line);) {
    fields.clear();
    for (std::string_view rest{line};;) {
      const auto end = rest.find('\t');
      fields.push_back(rest.substr(0, end));
      if (end == std::string_view::npos) break;
      rest.remove_prefix(end + 1);
    }
    each(fields);
  }
}

std::int64_t number(std::string_view text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

char letter(std::string_view text) { return text.empty() ? '\0' : text.front(); }

LedgerEvent event_of(const std::vector<std::string_view>& fields) {
  if (fields.size() != 13) throw std::runtime_error{"an event has another number of columns"};
  LedgerEvent event{.reading = number(fields[0]),
                    .id = std::string{fields[1]},
                    .kind = letter(fields[2]),
                    .date = std::string{fields[3]},
                    .date_kind = letter(fields[4]),
                    .quantity = {},
                    .delta = number(fields[6]),
                    .observed_at = std::string{fields[7]},
                    .received_at = std::string{fields[8]},
                    .voids = std::string{fields[9]},
                    .version = number(fields[10]),
                    .outcome = letter(fields[11]),
                    .actor = std::string{fields[12]}};
  if (!fields[5].empty()) event.quantity = number(fields[5]);
  return event;
}

/// Returns: whether the ledger has what the write said. A check without a kind of date may have
/// got the kind that was known.
bool says(const LedgerEvent& event, const LedgerEvent& said) {
  const bool completed = said.kind == 'c' && said.date_kind == 0;
  return event.kind == said.kind && event.date == said.date &&
         (completed || event.date_kind == said.date_kind) && event.quantity == said.quantity &&
         event.delta == said.delta && event.voids == said.voids;
}

}  // namespace

/// What is known of a reading after all its events.
struct Load::Ledger {
  struct Version {
    std::int64_t write;
    std::uint64_t shows;  // 0: it was removed
  };
  Replay replay;
  std::string received_at;
  double sent{0};                          // the newest of the events so far
  std::vector<Version> versions{{-1, 0}};  // by version; there is no version 0
};

void Load::compare_write(const LedgerEvent& event, std::int64_t number, Ledger& ledger,
                         const std::string& where) {
  const auto& write = this->write(number);
  const auto said = this->said(write, number);
  if (write.version != 0 && write.version != event.version) {
    findings_.add(Fault::lost, where + key_of(number) + " was answered with version " +
                                   std::to_string(write.version) + ", the ledger has version " +
                                   std::to_string(event.version));
  }
  // In a PATCH, the time of the reading's own version means now.
  const bool echoes =
      write.kind == Write::Kind::count && write.has_key() && event.observed_at == event.received_at;
  const auto& at = write.observed_at == 0 || echoes ? event.received_at : said.observed_at;
  if (!says(event, said) || event.observed_at != at)
    findings_.add(Fault::body, where + key_of(number) + " said something else");
  if (write.end == Write::End::done && write.answered < ledger.sent)
    findings_.add(
        Fault::order,
        where + "it arrived after an event that was sent after the answer to " + key_of(number));
  ledger.sent = std::max(ledger.sent, write.sent);
}

/// Replays one event, and compares it with the write that made it. `number`: -1: no write of this
/// program.
void Load::compare_event(const LedgerEvent& event, std::int64_t number, Ledger& ledger,
                         const Register& versions) {
  const auto where = versions.name() + ", event " + event.id + ": ";
  if (number < 0) {
    findings_.add(Fault::doubled, where + "no client wrote it");
  } else {
    compare_write(event, number, ledger, where);
  }
  if (event.received_at <= ledger.received_at)
    findings_.add(Fault::order, where + "it arrived when the event before it did, or earlier");
  ledger.received_at = event.received_at;
  const auto before = ledger.replay.version();
  ledger.replay.add(event);
  const auto version = ledger.replay.version();
  if (event.version != version || (event.outcome == 'a') != ledger.replay.applied()) {
    findings_.add(Fault::body, where + "the ledger says version " + std::to_string(event.version) +
                                   " and outcome " + event.outcome + ", its events say version " +
                                   std::to_string(version) + " and " +
                                   (ledger.replay.applied() ? "a" : "k"));
  }
  if (version == before) {
    ++quiet_;
    return;
  }
  ledger.versions.push_back({number, ledger.replay.present() ? hash_of(ledger.replay.shown()) : 0});
}

/// Holds what was answered about each version against what the ledger says of it.
void Load::compare_versions(const Ledger& ledger, const Register& versions) {
  const auto& states = versions.states();
  // By version: when the first write was answered that had made a newer one.
  std::vector<double> outdated(ledger.versions.size(), Register::State::kNever);
  for (std::size_t v = ledger.versions.size() - 1; v > 0; --v) {
    const auto made = ledger.versions[v].write;
    const bool done = made >= 0 && write(made).end == Write::End::done;
    outdated[v - 1] = std::min(outdated[v], done ? write(made).answered : Register::State::kNever);
  }
  for (std::size_t v = 1; v < states.size(); ++v) {
    const auto& state = states[v];
    if (state.seen == Register::State::kNever && !state.answered) continue;
    const auto where = versions.name() + ", version " + std::to_string(v) + ": ";
    if (v >= ledger.versions.size()) {
      findings_.add(Fault::lost, where + "it was seen, and the ledger does not have it");
      continue;
    }
    const auto& made = ledger.versions[v];
    if (state.asked > outdated[v])
      findings_.add(
          Fault::stale,
          where + "it was shown to a request that was sent after a newer write was answered");
    if (made.write >= 0 && state.seen < write(made.write).sent)
      findings_.add(Fault::future, where + "it was seen before its write was sent");
    if (state.shows == 0) continue;
    ++bodies_;
    if (state.shows != made.shows)
      findings_.add(Fault::body, where + "it showed something else than the ledger says");
  }
}

void Load::compare(const std::string& folder) {
  const auto answers = kept_answers(folder);
  std::vector<Ledger> ledgers(world_.readings.size());
  const auto events = compare_events(folder, ledgers);
  for (std::size_t i = 0; i < writes_.size(); ++i)
    compare_write_made_once(static_cast<std::int64_t>(i), answers[i], events[i]);
  for (std::size_t r = 0; r < world_.readings.size(); ++r)
    compare_versions(ledgers[r], world_.readings[r].versions);
  compare_rows(folder, ledgers);
  for (const auto& shop : world_.shops) compare_answers(shop.names, answers);
  for (const auto& product : world_.products) compare_answers(product.versions, answers);
  compare_products(folder);
  compare_copies(folder);
}

/// Returns: the hash of the answer that was kept with each write's key; 0 when none was.
Load::Hashes Load::kept_answers(const std::string& folder) const {
  // Keys: name, body of the kept answer.
  std::unordered_map<std::string, std::uint64_t> kept;
  read_lines(folder + "/keys.tsv",
             [&](const auto& fields) { kept[std::string{fields[0]}] = hash_of(fields[1]); });
  Hashes hashes(writes_.size(), 0);
  for (std::size_t i = 0; i < writes_.size(); ++i) {
    const auto found = kept.find(id_of(static_cast<std::int64_t>(i)));
    if (found != kept.end()) hashes[i] = found->second;
  }
  return hashes;
}

/// Folds the events, in order of arrival at each reading. Returns: how many each write made.
std::vector<std::uint32_t> Load::compare_events(const std::string& folder,
                                                std::vector<Ledger>& ledgers) {
  std::unordered_map<std::string, std::int64_t> by_name;
  for (std::size_t i = 0; i < writes_.size(); ++i) {
    const auto write = static_cast<std::int64_t>(i);
    by_name[id_of(write)] = write;
  }
  std::vector<std::uint32_t> events(writes_.size(), 0);
  read_lines(folder + "/events.tsv", [&](const auto& fields) {
    const auto event = event_of(fields);
    ++events_;
    const auto* reading = world_.reading_of(event.reading);
    if (reading == nullptr) {
      findings_.add(Fault::doubled, "the ledger has an event of an unknown reading: " + event.id);
      return;
    }
    const auto found = by_name.find(event.id);
    const auto write = found == by_name.end() ? -1 : found->second;
    if (write >= 0) ++events[static_cast<std::size_t>(write)];
    compare_event(event, write, ledgers[index_of(*reading)], reading->versions);
  });
  return events;
}

/// An acknowledged write has an effect once, another one has none. `answer`: the hash of the kept
/// one; `events`: that it made.
void Load::compare_write_made_once(std::int64_t number, std::uint64_t answer,
                                   std::uint32_t events) {
  const auto& made = write(number);
  const auto name = key_of(number) + " of " + register_of(made).name();
  if (made.end == Write::End::none) {
    findings_.add(Fault::lost, name + " was never answered");
    return;
  }
  const bool done = made.end == Write::End::done;
  if (done) {
    late_ += made.observed_at == 0 ? 0 : 1;
    taken_back_ += made.kind == Write::Kind::take_back ? 1 : 0;
    imported_ += made.imported ? 1 : 0;
  }
  if (done && answer == 0 && made.has_key())
    findings_.add(Fault::lost, name + " was acknowledged, and has no trace");
  if (!done && answer != 0) findings_.add(Fault::refused, name + " was refused, and took effect");
  if (!made.of_reading() || events == (done ? 1 : 0)) return;
  findings_.add(events == 0 ? Fault::lost
                : done      ? Fault::doubled
                            : Fault::refused,
                name + " is in the ledger " + std::to_string(events) + " times");
}

/// Each reading's row is what its events say.
void Load::compare_rows(const std::string& folder, const std::vector<Ledger>& ledgers) {
  // Rows: reading, version, what it shows; nothing when it is removed.
  read_lines(folder + "/readings.tsv", [&](const auto& fields) {
    const auto* reading = world_.reading_of(number(fields[0]));
    if (reading == nullptr) return;
    const auto& replay = ledgers[index_of(*reading)].replay;
    if (number(fields[1]) != replay.version() ||
        fields[2] != (replay.present() ? replay.shown() : "")) {
      findings_.add(Fault::body, reading->versions.name() + ": the row is version " +
                                     std::string{fields[1]} + " and shows " +
                                     std::string{fields[2]} + ", its events say version " +
                                     std::to_string(replay.version()) + " and " + replay.shown());
    }
  });
}

/// Shops and products have no ledger; the kept answers tell each of their states.
void Load::compare_answers(const Register& versions, const Hashes& answers) {
  for (const auto& state : versions.states()) {
    if (state.write < 0 || !state.present || state.shows == 0) continue;
    if (write(state.write).imported || write(state.write).kind == Write::Kind::rename) continue;
    ++bodies_;
    if (state.shows != answers[static_cast<std::size_t>(state.write)])
      findings_.add(Fault::body,
                    versions.name() + " showed something else than the answer to its write");
  }
}

/// Holds each product's row against what its last writer said.
void Load::compare_products(const std::string& folder) {
  std::size_t rows = 0;
  read_lines(folder + "/products.tsv", [&](const auto& fields) {
    const auto index = world_.product_of(fields[0]);
    if (!index) {
      findings_.add(Fault::doubled, "no client wrote product " + std::string{fields[0]});
      return;
    }
    ++rows;
    const auto& product = world_.products[*index];
    const auto& facts = product.facts.back();
    const auto text = [](std::int64_t n, std::string (*of)(std::int64_t)) {
      return n == 0 ? std::string{} : of(n);
    };
    const bool same = number(fields[1]) + 1 == std::ssize(product.facts) &&
                      fields[2] == name_of_product(*index, facts.name) &&
                      fields[3] == text(facts.brand, brand_of) &&
                      fields[4] == text(facts.category, category_of) &&
                      (fields[5] == "t") == facts.present;
    if (same) return;
    std::string row;
    for (const auto field : fields) row += ' ' + std::string{field};
    findings_.add(Fault::lost,
                  product.versions.name() + ": its last writer said something else than" + row);
  });
  if (rows != world_.products.size())
    findings_.add(Fault::lost, std::to_string(rows) + " products have rows, not all");
}

/// Holds each device's copy of its shop against the rows. What is missing may still be behind a
/// transaction that ends soon.
void Load::compare_copies(const std::string& folder) {
  // By reading.
  std::vector<CopiedRow> rows(world_.readings.size());
  read_lines(folder + "/readings.tsv", [&](const auto& fields) {
    const auto* reading = world_.reading_of(number(fields[0]));
    if (reading == nullptr) return;
    const auto& product = world_.products[reading->product];
    rows[index_of(*reading)] = {number(fields[1]), std::ssize(product.facts) - 1,
                                product.facts.back().name,
                                fields[2].empty() ? 0 : hash_of(fields[2])};
  });
  const double until = now() + kCatchUp;
  std::string difference;
  do {
    difference.clear();
    for (auto& sender : senders_) {
      if (!sender.synchronises) continue;
      const auto own = copy_difference(sender, rows);
      if (own.empty()) continue;
      difference = own;
      if (!sender.busy) {
        sender.busy = true;
        to_pull_.push_back(&sender);
      }
    }
    turn(false);
  } while (!difference.empty() && now() < until);
  for (const auto& sender : senders_) {
    const auto own = sender.synchronises ? copy_difference(sender, rows) : "";
    if (!own.empty()) findings_.add(Fault::lost, own);
  }
}

}  // namespace codasync::faults
