#include "cache/page_read.hpp"

#include <algorithm>
#include <string>
#include <thread>
#include <utility>

#include "cache/retry_pauses.hpp"
#include "storage/errors.hpp"
#include "storage/failpoint.hpp"

namespace codasync::cache {
namespace {

using State = FoundRow::State;

LookupState lookup_state(State state) {
  switch (state) {
    case State::hit:
      return LookupState::hit;
    case State::leased:
    case State::others:
      return LookupState::miss;
    case State::unavailable:
      return LookupState::unavailable;
  }
  __builtin_unreachable();
}

}  // namespace

ReadPath PageRead::run() {
  Numbers missing;
  Numbers unavailable;
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    (rows_[row].cached ? missing : unavailable).push_back(row);
    if (!rows_[row].cached) paths_[row] = ReadPath::not_stored;
  }
  for (const auto pause : kRetryPauses) {
    if (missing.empty()) break;
    std::this_thread::sleep_for(pause);
    auto parts = look_up(missing);
    const auto leased = with_state(missing, State::leased);
    const auto silent = with_state(missing, State::unavailable);
    unavailable.insert(unavailable.end(), silent.begin(), silent.end());
    missing = with_state(missing, State::others);
    if (!leased.empty()) fill(std::move(parts), leased, std::exchange(unavailable, {}));
  }
  for (const auto row : missing) paths_[row] = ReadPath::lease_lost;
  missing.insert(missing.end(), unavailable.begin(), unavailable.end());
  if (!missing.empty()) {
    source_.produce(*database_.read(), missing);
    ready(missing);
  }
  return path_;
}

/// These rows are done, by the paths that were set.
void PageRead::ready(const Numbers& rows) {
  for (const auto row : rows) {
    const auto path = paths_[row];
    observer_.read(path);
    path_ = std::max(path_, path);  // the one that is further from a hit
  }
  source_.ready(rows);
}

PageRead::Numbers PageRead::with_state(const Numbers& rows, State state) const {
  Numbers found;
  std::copy_if(rows.begin(), rows.end(), std::back_inserter(found),
               [&](std::size_t row) { return found_[row].state == state; });
  return found;
}

// ---- look-up

std::vector<PageRead::Part> PageRead::look_up(const Numbers& rows) {
  for (const auto row : rows) found_[row] = {};
  auto parts = start_look_up(rows);
  complete_all(parts);
  for (const auto row : rows) {
    if (found_[row].state == State::hit) decode(row, server_of(row));
    if (found_[row].state == State::hit) paths_[row] = ReadPath::hit;
    observer_.looked_up(lookup_state(found_[row].state));
  }
  ready(with_state(rows, State::hit));
  std::vector<Part> with_leases;
  for (auto& part : parts) {
    part.rows = with_state(part.rows, State::leased);
    if (!part.rows.empty()) with_leases.push_back(std::move(part));
  }
  return with_leases;
}

/// Sends the look-ups of all servers before any reply is read.
std::vector<PageRead::Part> PageRead::start_look_up(const Numbers& rows) {
  std::vector<Numbers> of_server(servers_.size());
  for (const auto row : rows) of_server[slot_of(rows_[row].key, servers_.size())].push_back(row);
  std::vector<Part> parts;
  for (std::size_t slot = 0; slot < servers_.size(); ++slot) {
    auto& own = of_server[slot];
    if (own.empty()) continue;
    auto connection = servers_[slot]->row_connection();
    if (!connection) continue;
    std::string commands;
    for (const auto row : own) commands += find_row(rows_[row].key, servers_[slot]->lease_ttl());
    const auto take = [this, own, slot, at = now()](std::size_t number, std::string_view reply) {
      const auto row = own[number];
      return take_row(reply, rows_[row].key, servers_[slot]->seal(), at, found_[row]);
    };
    (*connection)->begin(std::move(commands), own.size(), take, Repeat::yes);
    parts.push_back({servers_[slot].get(), std::move(*connection), std::move(own)});
  }
  return parts;
}

void PageRead::decode(std::size_t row, Server& server) {
  auto& found = found_[row];
  if (!found.bytes.empty() && source_.decode(row, found.bytes)) return;
  // The malformed entry is replaced under its own id, as a placeholder would be.
  server.note_malformed();
  found.state = State::leased;
}

/// Completes the rounds of all parts. The leases of a part without a reply are lost, because their
/// connection is.
void PageRead::complete_all(std::span<Part> parts) {
  std::vector<TextConnection*> connections;
  for (auto& part : parts) connections.push_back(&*part.connection);
  std::vector<bool> failed(parts.size());
  complete(connections, answer_timeout_, [&](std::size_t i, const TextFailure& failure) {
    failed[i] = true;
    parts[i].server->note_failure(failure.what());
  });
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (failed[i]) {
      for (const auto row : parts[i].rows) found_[row] = {};
    } else {
      parts[i].server->note_success();
    }
  }
}

// ---- fill

void PageRead::fill(std::vector<Part> parts, const Numbers& leased, const Numbers& besides) {
  Leases leases{*this, std::move(parts)};
  failpoint::reach("lease-held");
  std::vector<storage::Lock> locks;
  for (const auto row : leased)
    locks.insert(locks.end(), rows_[row].locks.begin(), rows_[row].locks.end());
  auto wanted = leased;
  wanted.insert(wanted.end(), besides.begin(), besides.end());
  auto held = database_.try_fill_each(locks);
  const bool got_locks = held != nullptr;
  if (held && !produced_in_time(*held, wanted)) held = nullptr;
  for (const auto row : leased) {
    const bool busy = !got_locks || (held && is_left_out(*held, row));
    paths_[row] = busy ? ReadPath::lock_busy : ReadPath::not_stored;
  }
  if (held) {
    failpoint::reach("before-cas");
    std::vector<std::optional<std::string>> commands(rows_.size());
    for (const auto row : leased) commands[row] = store_command(*held, row);
    leases.store(commands);  // sets the path of what is stored
    held = nullptr;          // the next reader or writer finds the locks free
  } else {
    leases.store({});
    source_.produce(*database_.read(), wanted);
  }
  ready(wanted);
}

/// Returns: whether the row's entry needs a lock that is not held.
bool PageRead::is_left_out(const storage::Fill& held, std::size_t row) const {
  const auto& locks = rows_[row].locks;
  return std::any_of(locks.begin(), locks.end(),
                     [&](const auto& lock) { return held.left_out(lock.name); });
}

/// Returns: false when the query took so long that it would stop writers.
bool PageRead::produced_in_time(storage::Fill& held, const Numbers& rows) {
  try {
    source_.produce(held.reader(), rows);
    return true;
  } catch (const Unavailable&) {
    return false;
  }
}

/// Returns: nothing for a row that may not be stored.
std::optional<std::string> PageRead::store_command(const storage::Fill& held,
                                                   std::size_t row) const {
  const auto& server = server_of(row);
  if (!held.may_store(server.slot()) || is_left_out(held, row)) return std::nullopt;
  const auto entry = source_.encode(row);
  if (!entry) return std::nullopt;
  const auto life = server.life_of({*entry, held.started_at(), source_.changes_at(row)});
  if (!life) return std::nullopt;
  return store_row(rows_[row].key, server.seal(), found_[row].cas, *life, *entry);
}

void PageRead::end_leases(std::span<Part> parts,
                          const std::vector<std::optional<std::string>>& commands) {
  for (auto& part : parts) {
    std::string text;
    std::vector<std::optional<std::size_t>> stores;  // the row; nothing: its lease is dropped
    for (const auto row : part.rows) {
      const bool has_entry = !commands.empty() && commands[row];
      text += has_entry ? *commands[row] : drop_row(rows_[row].key, found_[row].cas);
      stores.push_back(has_entry ? std::optional{row} : std::nullopt);
    }
    // On the connection of the leases only.
    part.connection->begin(
        std::move(text), part.rows.size(),
        [this, stores](std::size_t number, std::string_view reply) {
          bool done = false;
          const auto size = take_done(reply, done);
          if (size > 0 && done && stores[number]) paths_[*stores[number]] = ReadPath::filled;
          return size;
        },
        Repeat::no);
  }
  complete_all(parts);
}

}  // namespace codasync::cache
