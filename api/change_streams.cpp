#include "api/change_streams.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "api/feed_cursor.hpp"
#include "api/json.hpp"
#include "storage/errors.hpp"

namespace codasync::api {
namespace {

using storage::FeedContinuation;
using storage::FeedCursor;

// A round reads at most so many changes, so that it takes some 50 ms; and of one position about as
// many as half of a client's buffer can take.
constexpr std::size_t kChangesOfRound = 4000;
constexpr std::size_t kChangesOfPosition = 100;
constexpr std::size_t kChangesAtLeast = 10;
// Positions behind the newest one of their shop, in one round.
constexpr std::size_t kLateMax = 64;

constexpr unsigned kRetryMs = 1000;
constexpr unsigned kRetrySpreadMs = 2000;

/// The order in which the streams of a shop follow each other.
struct Earlier {
  bool operator()(const FeedCursor& a, const FeedCursor& b) const {
    return std::tie(a.shop, a.transaction, a.reading, a.epoch) <
           std::tie(b.shop, b.transaction, b.reading, b.epoch);
  }
};

/// The text of a server-sent event. `data` and the others have no line ends.
std::string event_text(std::string_view name, const std::string& id, std::string_view data) {
  std::string text;
  text.append("id: ").append(id).append("\nevent: ").append(name);
  return text.append("\ndata: ").append(data).append("\n\n");
}

/// An event that several clients get.
struct Event {
  FeedCursor place;          // the position after it
  std::optional<Gtin> gtin;  // nullopt: all clients get it
  std::string text;
};

std::vector<Event> events_of(const FeedCursor& from, const FeedContinuation& found) {
  std::vector<Event> events;
  if (found.resync_needed)
    events.push_back({found.next, std::nullopt, position_event(found.next, true)});
  for (const auto& [transaction, change] : found.changes) {
    auto place = from;
    place.transaction = transaction;
    place.reading = change.reading.id;
    events.push_back(
        {place, change.reading.gtin, event_text("reading", to_text(place), to_json(change))});
  }
  return events;
}

}  // namespace

std::string retry_line() {
  static std::atomic<unsigned> number{0};
  return "retry: " + std::to_string(kRetryMs + number++ * 617 % kRetrySpreadMs) + "\n\n";
}

std::string position_event(const FeedCursor& position, bool resync) {
  const auto data = R"({"epoch":")" + epoch_text(position.epoch) + R"(","shop":)" +
                    std::to_string(position.shop.value()) + "}";
  return event_text(resync ? "resync" : "position", to_text(position), data);
}

struct ChangeStreams::Client {
  Subscription wanted;
  ResponseStream body;
  Clock::time_point written;
};

/// The streams, by position: those at one position need one look-up. Threads: one.
class ChangeStreams::Follower {
 public:
  Follower(FeedLag& feed_lag, std::atomic<std::size_t>& events)
      : feed_lag_{feed_lag}, events_{events} {}

  [[nodiscard]] bool empty() const noexcept { return clients_.empty(); }

  void add(Client client) {
    const auto position = client.wanted.position;
    clients_[position].push_back(std::move(client));
  }

  void remove_gone() {
    remove_if([](const Client& client) { return client.body.client_gone(); });
  }

  /// Sends what follows the positions. Returns: what is left to do.
  Rest advance(storage::Reader& reader) {
    const auto [positions, late_ones_wait, blocked] = choose();
    if (positions.empty()) return Rest::blocked;
    const auto limit =
        std::clamp(kChangesOfRound / positions.size(), kChangesAtLeast, kChangesOfPosition);
    const auto round = reader.follow(positions, limit);
    feed_lag_.note(round.horizon);
    remove_without_token(reader);  // after the query: nothing that was written later is sent
    bool more = late_ones_wait;
    for (std::size_t i = 0; i < positions.size(); ++i) {
      more |= round.each[i].more;
      deliver(positions[i], round.each[i]);
    }
    if (more) return Rest::more;
    return blocked ? Rest::blocked : Rest::nothing;
  }

  /// Sends a comment to the clients that got nothing for a while, with the position: an event
  /// without data only changes the browser's Last-Event-ID.
  void send_heartbeats(std::chrono::milliseconds interval) {
    const auto now = Clock::now();
    for (auto& [position, clients] : clients_) {
      std::string text;
      for (auto& client : clients) {
        if (now - client.written < interval) continue;
        if (text.empty()) text = ":\nid: " + to_text(position) + "\n\n";
        client.body.write(text);
        client.written = now;
      }
    }
  }

 private:
  struct Choice {
    std::vector<FeedCursor> positions;
    bool late_ones_wait;
    bool blocked;
  };

  /// Returns: the positions to read: the newest one of each shop, and some of the others. Clients
  /// without room in their buffers wait.
  Choice choose() {
    std::vector<FeedCursor> newest;
    std::vector<FeedCursor> late;
    bool blocked = false;
    for (auto it = clients_.begin(); it != clients_.end(); ++it) {
      const auto has_room = [](const Client& client) { return client.body.has_room(); };
      if (std::ranges::none_of(it->second, has_room)) {
        blocked = true;
        continue;
      }
      const auto next = std::next(it);
      const bool last = next == clients_.end() || next->first.shop != it->first.shop;
      (last ? newest : late).push_back(it->first);
    }
    const auto taken = std::min(late.size(), kLateMax);
    for (std::size_t i = 0; i < taken; ++i) newest.push_back(late[(turn_ + i) % late.size()]);
    turn_ += taken;
    return {std::move(newest), taken < late.size(), blocked};
  }

  void deliver(const FeedCursor& from, const FeedContinuation& found) {
    auto node = clients_.extract(from);
    if (node.empty()) return;  // their tokens are not valid any more
    const auto events = events_of(from, found);
    std::string all;
    for (const auto& event : events) all += event.text;
    for (auto& client : node.mapped()) {
      const auto reached = send(client, from, events, all, found.next);
      // The next request for the shop gets 404.
      if (found.shop_exists || found.more) clients_[reached].push_back(std::move(client));
    }
  }

  /// Returns: the position of the client afterwards. `all`: the texts of the events.
  FeedCursor send(Client& client, const FeedCursor& from, const std::vector<Event>& events,
                  const std::string& all, const FeedCursor& next) {
    const auto& gtins = client.wanted.gtins;
    const auto wanted = [&](const Event& event) {
      return !event.gtin || gtins.empty() || gtins.contains(*event.gtin);
    };
    const bool gets_all = gtins.empty();
    const auto count = static_cast<std::size_t>(std::ranges::count_if(events, wanted));
    if (count == 0) return next;
    client.written = Clock::now();
    if (gets_all && client.body.write(all)) {
      events_ += count;
      return next;
    }
    auto reached = from;
    for (const auto& event : events) {
      if (wanted(event)) {
        if (!client.body.write(event.text)) return reached;
        ++events_;
      }
      reached = event.place;
    }
    return next;
  }

  void remove_without_token(storage::Reader& reader) {
    std::set<storage::TokenHash> used;
    for (const auto& [position, clients] : clients_) {
      for (const auto& client : clients) {
        if (client.wanted.token) used.insert(*client.wanted.token);
      }
    }
    if (used.empty()) return;
    const auto valid = reader.valid_tokens({used.begin(), used.end()});
    remove_if([&](const Client& client) {
      return client.wanted.token && !valid.contains(*client.wanted.token);
    });
  }

  template <class Predicate>
  void remove_if(Predicate&& predicate) {
    for (auto& [position, clients] : clients_) std::erase_if(clients, predicate);
    std::erase_if(clients_, [](const auto& at) { return at.second.empty(); });
  }

  FeedLag& feed_lag_;
  std::atomic<std::size_t>& events_;
  std::map<FeedCursor, std::vector<Client>, Earlier> clients_;
  std::size_t turn_{0};  // of the late positions
};

ChangeStreams::ChangeStreams(storage::Database& database, std::size_t streams_max,
                             FeedLag& feed_lag, Log& log, const Timing& timing)
    : database_{database},
      feed_lag_{feed_lag},
      log_{log},
      timing_{timing},
      places_{streams_max},
      thread_{[this] { run(); }} {}

ChangeStreams::~ChangeStreams() { stop(); }

void ChangeStreams::start(Subscription wanted, ResponseStream body) {
  const MutexLock hold{mutex_};
  if (stopping_) return;
  joining_.push_back({std::move(wanted), std::move(body), Clock::now()});
  changed_.notify_one();
}

void ChangeStreams::stop() {
  {
    const MutexLock hold{mutex_};
    stopping_ = true;
    joining_.clear();
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

std::chrono::duration<double> ChangeStreams::behind() const {
  if (open() == 0) return {};
  return Clock::now() - current_at_.load();
}

void ChangeStreams::run() {
  Follower follower{feed_lag_, events_};
  std::chrono::milliseconds pause{0};
  while (await(follower, pause)) {
    const auto now = Clock::now();
    follower.remove_gone();
    try {
      const auto rest = follower.empty() ? Rest::nothing : follower.advance(*database_.read());
      pause = pause_before(rest, pause);
      current_at_ = now;
    } catch (const Unavailable& failure) {
      pause = timing_.pause;
      log_.warning("the streams wait for the database", {{"detail", failure.what()}});
    } catch (const std::exception& bug) {
      pause = timing_.pause;
      log_.error("unhandled error in the streams", {{"detail", bug.what()}});
    }
    follower.send_heartbeats(timing_.heartbeat);
  }
}

/// A client that reads has room again within a millisecond, and one that does not must not cause
/// many queries: the pause doubles up to the usual one.
std::chrono::milliseconds ChangeStreams::pause_before(Rest rest,
                                                      std::chrono::milliseconds last) const {
  using namespace std::chrono_literals;
  switch (rest) {
    case Rest::more:
      return 0ms;
    case Rest::blocked:
      return std::min(std::max(2 * last, 1ms), timing_.poll);
    case Rest::nothing:
      return timing_.poll;
  }
  __builtin_unreachable();
}

/// Waits for a stream, or for the next round. Returns: false at the end.
bool ChangeStreams::await(Follower& follower, std::chrono::milliseconds pause) {
  MutexLock hold{mutex_};
  if (follower.empty()) {
    changed_.wait(hold,
                  [this]() CODASYNC_REQUIRES(mutex_) { return stopping_ || !joining_.empty(); });
    current_at_ = Clock::now();
  } else {
    changed_.wait_for(hold, pause, [this]() CODASYNC_REQUIRES(mutex_) { return stopping_; });
  }
  if (stopping_) return false;
  for (auto& client : joining_) follower.add(std::move(client));
  joining_.clear();
  return true;
}

}  // namespace codasync::api
