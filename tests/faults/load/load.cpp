#include "tests/faults/load/load.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <iostream>
#include <numeric>
#include <sstream>

namespace codasync::faults {
namespace {

constexpr double kTimeout = 6;      // seconds for a response; longer than every wait of the service
constexpr double kRest = 0.05;      // of a connection that was refused
constexpr double kDoubtRest = 0.2;  // before a write without an answer is repeated
constexpr double kUntried = 1;      // seconds without a try, between two pauses of a reading

}  // namespace

Load::Load(Options options)
    : options_{std::move(options)},
      world_{options_.shops, options_.products, 4},
      epoll_{::epoll_create1(EPOLL_CLOEXEC)},
      random_{options_.seed},
      failing_(world_.readings.size()) {
  for (std::size_t p = 0; p < options_.ports.size(); ++p) {
    const std::size_t clients =
        p == 0 ? options_.clients : std::max<std::size_t>(options_.clients / 8, 1);
    for (std::size_t i = 0; i < clients; ++i) {
      auto connection = std::make_unique<Connection>();
      connection->client = std::make_unique<Client>(epoll_, connections_.size(), options_.ports[p]);
      connection->edge = p == 0;
      connections_.push_back(std::move(connection));
    }
  }
  ranks_.resize(world_.readings.size());
  std::iota(ranks_.begin(), ranks_.end(), 0U);
  std::shuffle(ranks_.begin(), ranks_.end(), random_);
  for (std::size_t rank = 1; rank <= ranks_.size(); ++rank)
    zipf_.push_back((zipf_.empty() ? 0 : zipf_.back()) + 1.0 / static_cast<double>(rank));
}

std::size_t Load::pick_reading(bool hot) {
  if (!hot) return below(ranks_.size());
  std::uniform_real_distribution<double> anywhere{0, zipf_.back()};
  const auto at = std::lower_bound(zipf_.begin(), zipf_.end(), anywhere(random_));
  return ranks_[static_cast<std::size_t>(std::min(at, zipf_.end() - 1) - zipf_.begin())];
}

void Load::turn(bool fresh) {
  give_work(fresh);
  epoll_event events[256];
  const int count = ::epoll_wait(epoll_, events, 256, 5);
  for (int i = 0; i < count; ++i) {
    auto& connection = *connections_[events[i].data.u64];
    switch (connection.client->advance()) {
      case Client::Progress::waiting:
        break;
      case Client::Progress::answered:
        if (connection.busy) answered(connection);
        break;
      case Client::Progress::lost:
        if (connection.busy) lost(connection);
        break;
    }
  }
  const double late = now() - kTimeout;
  for (const auto& connection : connections_) {
    if (!connection->busy || connection->sent > late) continue;
    connection->client->drop();
    lost(*connection);
  }
}

void Load::give_work(bool fresh) {
  const double at = now();
  if (options_.rate > 0) {
    credit_ = std::min(credit_ + (at - credit_at_) * options_.rate, options_.rate * 0.05);
    credit_at_ = at;
  }
  const auto offset = below(connections_.size());  // so that no connection is always first
  for (std::size_t i = 0; i < connections_.size(); ++i) {
    auto& connection = *connections_[(i + offset) % connections_.size()];
    if (connection.busy || connection.rest_until > at) continue;
    if (!doubts_.empty() && doubts_.top().at <= at) {
      const auto number = doubts_.top().write;
      auto* const sender = doubts_.top().sender;
      doubts_.pop();
      if (sender != nullptr) {
        send_list(connection, *sender);
      } else {
        send_write(connection, number);
      }
    } else if (!to_pull_.empty()) {
      auto* const sender = to_pull_.back();
      to_pull_.pop_back();
      send_list(connection, *sender);
    } else if (!queue_.empty()) {
      const Write write = queue_.back();
      queue_.pop_back();
      begin_write(connection, write);
    } else if (fresh) {
      if (options_.rate > 0 && credit_ < 1) return;
      credit_ -= 1;
      if (!happens(options_.writes) || !begin_write(connection)) begin_read(connection);
    }
  }
}

void Load::send(Connection& connection, std::string request) {
  connection.busy = true;
  connection.sent = now();
  if (connection.client->send(std::move(request)) == Client::Progress::lost) {
    connection.rest_until = connection.sent + kRest;
    lost(connection);
  }
}

void Load::answered(Connection& connection) {
  connection.busy = false;
  if (connection.list.sender != nullptr) {
    list_answered(connection);
  } else if (connection.write >= 0) {
    write_answered(connection);
  } else {
    read_answered(connection);
  }
}

void Load::lost(Connection& connection) {
  connection.busy = false;
  connection.rest_until = now() + kRest;
  if (connection.reads()) {
    ++count_failed_reads_;
    return;
  }
  if (connection.list.sender != nullptr) {
    list_lost(connection.list, connection.sent);
    return;
  }
  failed(write(connection.write), connection.sent);
  doubt(connection.write);
}

/// It is repeated until it is answered.
void Load::doubt(std::int64_t number) {
  ++count_doubts_;
  tried_twice_.insert(number);
  doubts_.push({now() + kDoubtRest, number});
}

/// For the longest pause of one reading: how long all its writes failed. One without an
/// attempt for a while may have been writable meanwhile.
void Load::failed(const Write& write, double since) {
  failed_writes_.push_back({since, now()});
  if (!write.of_reading()) return;
  auto& failing = failing_[static_cast<std::size_t>(write.target)];
  if (failing.since < 0 || since > failing.last + kUntried) failing.since = since;
  failing.last = now();
  longest_one_ = std::max(longest_one_, failing.last - failing.since);
}

bool Load::finish_stage(double until) {
  const std::vector<Write> stage = queue_;
  const auto first = writes_.size();
  for (;;) {
    while (!queue_.empty() || in_flight_writes_ > 0) {
      if (now() > until) return false;
      turn(false);
    }
    // A busy machine may refuse some; they are sent again.
    std::vector<Write> missing = stage;
    for (std::size_t i = first; i < writes_.size(); ++i) {
      if (writes_[i].end != Write::End::done) continue;
      std::erase_if(missing, [&](const Write& wanted) {
        return wanted.kind == writes_[i].kind && wanted.target == writes_[i].target;
      });
    }
    if (missing.empty()) return true;
    queue_ = std::move(missing);
  }
}

bool Load::set_up() {
  const double until = now() + 120;
  const auto add = [&](Write::Kind kind, std::size_t target) {
    queue_.push_back({.kind = kind, .target = static_cast<std::int32_t>(target)});
  };
  for (std::size_t s = 0; s < world_.shops.size(); ++s) add(Write::Kind::name_shop, s);
  for (std::size_t p = 0; p < world_.products.size(); ++p) add(Write::Kind::put_product, p);
  if (!finish_stage(until)) return false;
  for (std::size_t r = 0; r < world_.readings.size(); ++r) add(Write::Kind::record, r);
  if (!finish_stage(until)) return false;
  world_.make_resources();
  make_senders();
  by_kind_.resize(kKinds);
  for (std::size_t i = 0; i < world_.resources.size(); ++i)
    by_kind_[static_cast<std::size_t>(world_.resources[i].kind)].push_back(i);
  credit_at_ = now();
  for (auto* pause : {&reads_, &writes_pause_, &edge_reads_}) pause->begin(now());
  return findings_.total() == 0;
}

bool Load::settle(double seconds) {
  const double until = now() + seconds;
  const auto busy = [&] {
    return std::any_of(connections_.begin(), connections_.end(),
                       [](const auto& connection) { return connection->busy; });
  };
  while (in_flight_writes_ > 0 || busy()) {
    if (now() > until) return false;
    turn(false);
  }
  return true;
}

std::string Load::progress() const {
  std::ostringstream text;
  text << static_cast<int>(now()) << " s: " << count_checked_ << " reads checked ("
       << count_failed_reads_ << " unanswered), " << count_writes_ << " writes (" << count_refused_
       << " refused, " << count_doubts_ << " times no answer, " << in_flight_writes_
       << " under way), " << findings_.total() << " violations";
  return text.str();
}

std::string Load::report() const {
  std::ostringstream text;
  text << "{\"seconds\":" << now() << ",\"reads\":" << count_reads_
       << ",\"checked_reads\":" << count_checked_ << ",\"checked_rows\":" << count_rows_
       << ",\"cacheable_reads\":" << count_cacheable_ << ",\"possible_hits\":" << count_possible_
       << ",\"answers_304\":" << count_304_ << ",\"answers_404\":" << count_404_
       << ",\"answers_to_head\":" << count_heads_ << ",\"reads_unanswered\":" << count_failed_reads_
       << ",\"writes\":" << count_writes_ << ",\"writes_refused\":" << count_refused_
       << ",\"times_in_doubt\":" << count_doubts_
       << ",\"resolved_by_repeating\":" << count_replayed_
       << ",\"unresolved\":" << in_flight_writes_ << ",\"ledger_events\":" << events_
       << ",\"late_writes\":" << late_ << ",\"events_without_version\":" << quiet_
       << ",\"lists\":" << count_lists_ << ",\"operations_in_lists\":" << count_listed_
       << ",\"operations_sent_again\":" << count_sent_again_
       << ",\"changes_pulled\":" << count_changes_ << ",\"resyncs\":" << count_resyncs_
       << ",\"taken_back\":" << taken_back_ << ",\"rows_imported\":" << imported_
       << ",\"bodies_compared\":" << bodies_ << ",\"longest_read_pause\":" << reads_.longest
       << ",\"longest_read_pause_nginx\":" << edge_reads_.longest
       << ",\"longest_write_pause\":" << writes_pause_.longest
       << ",\"longest_write_pause_one_reading\":" << longest_one_ << ",\"violations\":{";
  for (std::size_t i = 0; i < kFaults; ++i) {
    text << (i == 0 ? "" : ",") << '"' << name_of(static_cast<Fault>(i))
         << "\":" << findings_.count(static_cast<Fault>(i));
  }
  text << "},\"failed_writes\":[";
  // Times of the monotonic clock, as the harness has them.
  const double start = std::chrono::duration<double>(started_.time_since_epoch()).count();
  for (std::size_t i = 0; i < failed_writes_.size(); ++i) {
    const auto& [sent, at] = failed_writes_[i];
    text << (i == 0 ? "[" : ",[") << std::to_string(start + sent) << ','
         << std::to_string(start + at) << ']';
  }
  text << "],\"by_kind\":{";
  for (std::size_t i = 0; i < kKinds; ++i) {
    text << (i == 0 ? "" : ",") << '"' << name_of(static_cast<Kind>(i))
         << "\":" << by_kind_checked_[i];
  }
  text << "}}";
  return text.str();
}

}  // namespace codasync::faults
