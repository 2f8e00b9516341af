#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "api/observability/feed_lag.hpp"
#include "api/observability/log.hpp"
#include "api/places.hpp"
#include "api/transport/response_stream.hpp"
#include "storage/change_feed.hpp"
#include "storage/database.hpp"
#include "storage/mutex.hpp"
#include "storage/token.hpp"

namespace codasync::api {

/// What the client of a stream gets.
struct Subscription {
  Places::Place place;
  storage::FeedCursor position;  // it has everything up to here
  std::set<Gtin> gtins;          // the changes of these products; empty: all
  /// Without a valid token the stream ends; nullopt: it needs none.
  std::optional<storage::TokenHash> token{};
};

/// The streams of changes of this process (GET /shops/{id}/stream) and the thread that follows the
/// feed for all of them: a query every `poll` while a stream is open. PostgreSQL's NOTIFY would
/// slow all commits (storage/README.md, "The change feed"). A client that does not read keeps its
/// position and costs no more than its buffer; when it reads again, it continues there. Threads:
/// safe concurrently.
class ChangeStreams {
 public:
  struct Timing {
    std::chrono::milliseconds poll{50};
    std::chrono::milliseconds heartbeat{15'000};  // after this time without an event
    std::chrono::milliseconds pause{1'000};       // after a failed query
  };

  /// `database`: used by the thread only.
  ChangeStreams(storage::Database& database, std::size_t streams_max, FeedLag& feed_lag, Log& log,
                const Timing& timing);
  ~ChangeStreams();
  ChangeStreams(const ChangeStreams&) = delete;
  ChangeStreams& operator=(const ChangeStreams&) = delete;

  /// Returns: a place for one more stream; null pointer when all are taken.
  [[nodiscard]] Places::Place reserve() { return places_.take(); }

  /// Sends the changes after the position. After stop() the stream ends at once.
  void start(Subscription wanted, ResponseStream body);

  /// Ends all streams, each after a complete event, and waits for the thread.
  void stop();

  /// Returns: how many places are taken.
  [[nodiscard]] std::size_t open() const noexcept { return places_.taken(); }

  /// Returns: the events sent since the start, counted for each client.
  [[nodiscard]] std::size_t events() const noexcept { return events_; }

  /// Returns: the age of the last successful query; 0 without streams.
  [[nodiscard]] std::chrono::duration<double> behind() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Client;
  class Follower;
  /// What the thread has left to do after a round.
  enum class Rest {
    nothing,
    blocked,  // clients have no room in their buffers
    more,     // further changes can be read at once
  };

  void run();
  [[nodiscard]] std::chrono::milliseconds pause_before(Rest rest,
                                                       std::chrono::milliseconds last) const;
  [[nodiscard]] bool await(Follower& follower, std::chrono::milliseconds pause);

  storage::Database& database_;
  FeedLag& feed_lag_;
  Log& log_;
  const Timing timing_;

  Places places_;
  std::atomic<std::size_t> events_{0};
  std::atomic<Clock::time_point> current_at_{};  // of the last successful query
  Mutex mutex_;
  std::vector<Client> joining_ CODASYNC_GUARDED_BY(mutex_);
  bool stopping_ CODASYNC_GUARDED_BY(mutex_){false};
  Condition changed_;
  std::thread thread_;
};

/// What a stream begins with.
struct StreamStart {
  std::string opening;                         // the first bytes
  std::optional<Subscription> continuation{};  // nullopt: the stream ends after them
};

/// Returns: the first bytes of a stream: the time after which a client that lost it connects again,
/// different for each stream, so that not all of them come at the same moment.
std::string retry_line();

/// Returns: the event that gives a position. `resync`: the changes before it are not available; the
/// client discards its copy and reads the shop again.
std::string position_event(const storage::FeedCursor& position, bool resync);

}  // namespace codasync::api
