#include <exception>
#include <map>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "api/cache_entry.hpp"
#include "api/exchange/exchange.hpp"

namespace codasync::api {

/// The requests of one iteration of this thread's event loop that wait for a common look-up.
struct Exchange::Waiting {
  std::vector<LookUp> look_ups;
  std::vector<std::shared_ptr<Exchange>> unresolved;  // need a reading's shop and product
};
thread_local Exchange::Waiting Exchange::waiting;

void Exchange::perform(next::FindToken& wanted, RunsOn on) {
  const auto find = [hash = wanted.hash](Exchange& self, RunsOn where) {
    auto token = self.database_of(where).read()->token(hash);  // the connection is free again
    self.run(self.flow_.token_found(std::move(token)), where);
  };
  if (on == RunsOn::executor) return find(*this, on);
  submit(service_.executor, Executor::Kind::look_up, find);
}

void Exchange::perform(next::FindSession& wanted, RunsOn on) {
  const auto find = [hash = wanted.hash](Exchange& self, RunsOn where) {
    self.run(self.flow_.session_found(self.service_.sessions.find(hash)), where);
  };
  if (on == RunsOn::executor) return find(*this, on);
  submit(service_.executor, Executor::Kind::look_up, find);
}

void Exchange::perform(next::LookUp& wanted, RunsOn on) {
  if (on == RunsOn::event_loop) {
    waiting.look_ups.push_back({std::move(wanted.key), shared_from_this()});
  } else {
    run(flow_.looked_up(std::nullopt), on);  // the read looks it up
  }
}

void Exchange::look_up(Service& service, const std::vector<LookUp>& look_ups) {
  // Many requests of one moment read the same hot key: it is looked up once.
  std::vector<cache::Key> keys;
  std::vector<std::size_t> places;
  std::unordered_map<std::string_view, std::size_t> known;
  for (const auto& [key, exchange] : look_ups) {
    const auto [place, is_new] = known.try_emplace(key.text, keys.size());
    if (is_new) keys.push_back(key);
    places.push_back(place->second);
  }
  const auto found = service.cache.lookup(keys);
  for (std::size_t i = 0; i < look_ups.size(); ++i) {
    auto& self = *look_ups[i].exchange;
    const auto& entry = found[places[i]];
    self.guarded([&] {
      using cache::LookupState;
      // A malformed entry is found again by the read, and deleted there.
      auto response =
          entry.state == LookupState::hit ? from_cache_entry(entry.bytes) : std::nullopt;
      self.run(self.flow_.looked_up(std::move(response)), RunsOn::event_loop);
    });
  }
}

void Exchange::perform(next::ResolveReading&, RunsOn on) {
  switch (on) {
    case RunsOn::event_loop:
      waiting.unresolved.push_back(shared_from_this());
      return;
    case RunsOn::look_ups:
    case RunsOn::executor:
      return resolve({shared_from_this()}, on);
    case RunsOn::result:
      return submit(service_.executor, Executor::Kind::look_up, [](Exchange& self, RunsOn where) {
        resolve({self.shared_from_this()}, where);
      });
  }
}

void Exchange::resolve(const std::vector<std::shared_ptr<Exchange>>& unresolved, RunsOn on) {
  std::map<ReadingId, storage::ReadingKey> keys;
  std::exception_ptr failure;
  try {
    std::vector<ReadingId> ids;
    ids.reserve(unresolved.size());
    for (const auto& exchange : unresolved) ids.emplace_back(exchange->flow_.call().path.id);
    keys = unresolved.front()->database_of(on).read()->reading_keys(ids);
  } catch (...) {
    failure = std::current_exception();
  }
  // A single request continues in this thread; several must not wait for each other's queries.
  const auto next_on = unresolved.size() == 1 ? on : RunsOn::look_ups;
  for (const auto& exchange : unresolved) {
    exchange->guarded([&] {
      if (failure) std::rethrow_exception(failure);
      const auto key = keys.find(ReadingId{exchange->flow_.call().path.id});
      exchange->run(exchange->flow_.reading_resolved(
                        key == keys.end() ? std::nullopt : std::optional{key->second}),
                    next_on);
    });
  }
}

void Exchange::submit_resolve(Service& service,
                              const std::vector<std::shared_ptr<Exchange>>& unresolved) {
  const auto resolve_now = [unresolved](Executor::Start start) {
    std::vector<std::shared_ptr<Exchange>> wanted;
    for (const auto& exchange : unresolved) {
      if (exchange->answers_without_work(start.too_late)) continue;
      wanted.push_back(exchange);
    }
    if (!wanted.empty()) resolve(wanted, runs_on(start.thread));
  };
  if (service.executor.submit(Executor::Kind::look_up, resolve_now)) return;
  for (const auto& exchange : unresolved) exchange->fail(unavailable(kBusy));
}

void Exchange::flush(Service& service) {
  if (auto look_ups = std::exchange(waiting.look_ups, {}); !look_ups.empty())
    look_up(service, look_ups);
  if (const auto unresolved = std::exchange(waiting.unresolved, {}); !unresolved.empty())
    submit_resolve(service, unresolved);
}

}  // namespace codasync::api
