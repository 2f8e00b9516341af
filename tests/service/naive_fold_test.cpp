#include "tests/service/naive_fold.hpp"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "tests/service/naive_operations.hpp"
#include "tests/service/service.hpp"
#include "tests/transport/client.hpp"

// Random operations over HTTP, each set of them in several orders of arrival, compared with the
// plainest fold of the rules. CODASYNC_NAIVE_OPERATIONS, CODASYNC_NAIVE_ORDERS: how many of both.

namespace codasync::test {
namespace {

using naive::Kind;
using naive::Operation;
using naive::Random;
using naive::Shown;

std::size_t number_from(const char* variable, std::size_t otherwise) {
  const char* given = std::getenv(variable);
  return given != nullptr ? std::strtoull(given, nullptr, 10) : otherwise;
}

std::uint64_t seed_of_this_run() {
  const char* given = std::getenv("CODASYNC_TEST_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
}

/// Returns: GTIN number `n` of the prefix that is set aside for examples.
std::string gtin(std::size_t n) {
  const auto body = std::to_string(952'000'000'000 + n);
  int sum = 0;
  for (std::size_t i = 0; i < body.size(); ++i) sum += (body[i] - '0') * (i % 2 == 0 ? 1 : 3);
  return body + std::to_string((10 - sum % 10) % 10);
}

/// Returns: what an answer shows of a reading.
Shown shown_by(const HttpResponse& seen) {
  if (seen.status == 404 || seen.body.find("\"removed\":true") != std::string::npos) return {};
  Shown shown{.present = true,
              .date = seen.text("expiry_date"),
              .date_kind = seen.text("date_kind"),
              .checked_at = seen.text("checked_at"),
              .counted_at = seen.text("counted_at")};
  if (const auto quantity = seen.number("quantity"); quantity >= 0) shown.quantity = quantity;
  return shown;
}

/// The `outcome` of an operation.
std::string outcome_of(const Shown& before, const Shown& after) {
  const bool same = before.present == after.present && before.date == after.date &&
                    before.date_kind == after.date_kind && before.quantity == after.quantity;
  return same ? "kept" : "applied";
}

class NaiveFold : public ServiceTest {
 protected:
  // What is tested here is not how fast a machine is.
  NaiveFold()
      : ServiceTest{{"CODASYNC_LOG_LEVEL=warning", "CODASYNC_MEMCACHED_CONNECT_TIMEOUT=10s",
                     "CODASYNC_MEMCACHED_ANSWER_TIMEOUT=10s", "CODASYNC_COMBINER_QUEUE_TIMEOUT=60s",
                     "CODASYNC_POSTGRES_LOCK_TIMEOUT=20s",
                     "CODASYNC_POSTGRES_STATEMENT_TIMEOUT=60s",
                     "CODASYNC_POSTGRES_ACQUIRE_TIMEOUT=20s", "CODASYNC_SERVER_IDLE_TIMEOUT=1h"}} {
    do_not_compare_reads();
    // Without the gate to PostgreSQL, which costs more than the service.
    start_second_instance({"CODASYNC_POSTGRES_URL=" + database().options().url.reveal()});
  }

  static constexpr std::size_t kClients = 64;
  static constexpr std::size_t kConnections = 8;  // of each client
  static constexpr std::size_t kFailuresMax = 3;

  struct Set {
    std::string gtin;
    std::vector<Operation> operations;
    Shown meant;
  };

  /// A request as it was sent; with a key it can be sent again.
  struct Request {
    std::string method;
    std::string path;
    std::string body;
    std::string key;
  };

  /// What is left of a reading after its order.
  struct Done {
    std::string path;
    std::optional<Request> keyed;
  };

  /// One order of one set, sent to a reading of its own.
  class Arrival {
   public:
    Arrival(NaiveFold& test, std::vector<Client>& connections, std::size_t set, std::size_t order)
        : test_{test},
          connections_{connections},
          set_{test.sets_[set]},
          random_{test.seed_, set, order},
          shop_{test.shops_[order]},
          name_{std::to_string(set) + "-" + std::to_string(order)},
          order_{draw_order(random_, set_.operations)},
          events_(set_.operations.size()) {
      for (std::size_t i = 0; i < set_.operations.size(); ++i) {
        if (random_.one_in(2)) keyed_.insert(i);
      }
    }

    /// One operation after the other; each answer shows what has arrived so far.
    void send_in_turn() {
      Shown before;
      std::map<std::size_t, std::pair<Request, HttpResponse>> answered;  // those with a key
      for (const auto i : order_) {
        const auto request = request_of(i);
        const auto seen = test_.ask(connections_[0], request);
        arrived_.push_back(i);
        const auto after = fold(set_.operations, arrived_);
        compare_write(set_.operations[i], seen, before, after);
        before = after;
        if (arrived_.size() == 1) path_ = "/api/v1/stock-readings/" + seen.row()["id"];
        if (!request.key.empty()) answered.insert_or_assign(i, std::pair{request, seen});
        if (!answered.empty() && random_.one_in(16)) {
          auto some = answered.begin();
          std::advance(some, random_.below(answered.size()));
          const auto& [earlier, answer] = some->second;
          const auto again = test_.ask(connections_[0], earlier);
          if (again.status != answer.status || again.body != answer.body ||
              again.header("Idempotency-Replayed") != "true")
            fail("sent again: " + earlier.body, answer.body, again.body);
        }
        if (random_.one_in(32)) compare_read(random_.one_in(2) ? path_ : shop_path(), after);
      }
      if (!answered.empty()) keyed_request_ = answered.begin()->second.first;
    }

    /// Several at once, so that a batch has several operations of this reading; some twice at once.
    /// Voids follow when their targets are there.
    void send_at_once() {
      const auto first = test_.ask(connections_[0], request_of(order_[0]));
      arrived_.push_back(order_[0]);
      compare_write(set_.operations[order_[0]], first, {}, fold(set_.operations, arrived_));
      path_ = "/api/v1/stock-readings/" + first.row()["id"];
      std::vector<std::size_t> others;
      std::vector<std::size_t> voids;
      for (const auto i : order_) {
        if (i == order_[0]) continue;
        auto& which = set_.operations[i].kind == Kind::void_of ? voids : others;
        which.push_back(i);
        if (keyed_.contains(i) && random_.one_in(8)) which.push_back(i);
      }
      send_all_at_once(others);
      arrived_.insert(arrived_.end(), others.begin(), others.end());
      send_all_at_once(voids);
      arrived_ = order_;
    }

    /// Compares what readers see in the end. Returns: what a later repetition needs.
    Done finish() {
      compare_read(path_, set_.meant);
      compare_read(shop_path(), set_.meant);
      return {path_, keyed_request_};
    }

    /// A write again whose kept answer is gone: the ledger has it.
    void repeat(const Done& done) {
      arrived_ = order_;
      path_ = done.path;
      if (done.keyed) {
        const auto seen = test_.ask(connections_[0], *done.keyed);
        const bool shows = done.keyed->method == "POST";
        if (seen.status != (shows ? 200 : 204) ||
            (shows && (shown_by(seen) != set_.meant || seen.text("outcome") != "duplicate")))
          fail("sent again without a kept answer: " + done.keyed->body,
               "duplicate, " + to_text(set_.meant), seen.body);
        if (shows) return;
      }
      compare_read(shop_path(), set_.meant);
    }

   private:
    [[nodiscard]] std::string shop_path() const {
      return "/api/v1/shops/" + shop_ + "/stock/" + set_.gtin;
    }

    Request request_of(std::size_t i) {
      const auto& operation = set_.operations[i];
      const auto key = keyed_.contains(i) ? name_ + "-" + std::to_string(i) : "";
      const auto observed_at = "\"observed_at\":\"" + operation.observed_at + "\"";
      switch (operation.kind) {
        case Kind::adjust:
          return {"POST", path_ + "/adjust",
                  "{\"delta\":" + std::to_string(operation.delta) + "," + observed_at + "}", key};
        case Kind::removal:
          return {"DELETE", path_, "{" + observed_at + "}", key};
        case Kind::void_of:
          return {"DELETE", path_ + "/history/" + event_of(operation.target),
                  random_.one_in(2) ? "" : "{" + observed_at + "}", key};
        case Kind::sighting:
        case Kind::check:
        case Kind::count:
          break;
      }
      auto body = "{\"shop\":" + shop_ + ",\"GTIN\":\"" + set_.gtin + "\"," + observed_at;
      const bool plain =
          operation.kind == Kind::count ||
          (operation.kind == Kind::sighting && (!operation.date.empty() || !operation.quantity));
      if (!plain || random_.one_in(2)) body += ",\"kind\":\"" + name_of(operation.kind) + "\"";
      if (!operation.date.empty()) {
        body += ",\"expiry_date\":\"" + operation.date + "\"";
      } else if (operation.kind == Kind::check) {
        body += ",\"expiry_date\":null";
      }
      if (!operation.date_kind.empty()) body += ",\"date_kind\":\"" + operation.date_kind + "\"";
      if (operation.quantity) body += ",\"quantity\":" + std::to_string(*operation.quantity);
      return {"POST", "/api/v1/stock-readings", body + "}", key};
    }

    /// Returns: the id of an operation's event, by which a client names it.
    const std::string& event_of(std::size_t operation) {
      if (events_[operation].empty()) look_up_events();
      if (events_[operation].empty())
        fail("the history of " + path_, "operation " + std::to_string(operation), "no such event");
      return events_[operation];
    }

    /// Finds arrived operations in the history by what they say: those that say the same do the
    /// same.
    void look_up_events() {
      const auto seen = test_.read(connections_[0], path_ + "/history?limit=1000");
      std::multimap<std::string, std::string> unnamed;
      const std::set<std::string> known(events_.begin(), events_.end());
      for (auto& row : seen.rows()) {
        const auto id = row["id"].substr(1, row["id"].size() - 2);
        if (known.contains(id)) continue;
        unnamed.emplace(row["kind"] + row["observed_at"] + row["expiry_date"] + row["date_kind"] +
                            row["quantity"] + row["delta"],
                        id);
      }
      const auto quoted = [](const std::string& text) {
        return text.empty() ? std::string{"null"} : "\"" + text + "\"";
      };
      for (const auto i : arrived_) {
        const auto& operation = set_.operations[i];
        if (!events_[i].empty() || operation.kind == Kind::void_of) continue;
        const auto found = unnamed.find(
            quoted(name_of(operation.kind)) + quoted(operation.observed_at) +
            quoted(operation.date) + quoted(operation.date_kind) +
            (operation.quantity ? std::to_string(*operation.quantity) : "null") +
            (operation.kind == Kind::adjust ? std::to_string(operation.delta) : "null"));
        if (found == unnamed.end()) continue;
        events_[i] = found->second;
        unnamed.erase(found);
      }
    }

    void send_all_at_once(const std::vector<std::size_t>& which) {
      std::vector<Request> requests;
      for (std::size_t n = 0; n < which.size(); ++n)
        requests.push_back(n > 0 && which[n] == which[n - 1] ? Request{requests.back()}
                                                             : request_of(which[n]));
      for (std::size_t sent = 0; sent < requests.size();) {
        const auto several = std::min(connections_.size(), requests.size() - sent);
        for (std::size_t i = 0; i < several; ++i) test_.send(connections_[i], requests[sent + i]);
        for (std::size_t i = 0; i < several; ++i) {
          const auto& request = requests[sent + i];
          const auto seen = test_.receive(connections_[i]);
          if (!accepts(request.method, seen.status))
            fail(request.method + " " + request.path + " " + request.body, "accepted",
                 std::to_string(seen.status) + " " + seen.body);
        }
        sent += several;
      }
      for (const auto& request : requests) {
        if (!request.key.empty()) keyed_request_ = request;
      }
    }

    static bool accepts(const std::string& method, int status) {
      return method == "DELETE" ? status == 204 : status == 200 || status == 201;
    }

    void compare_write(const Operation& operation, const HttpResponse& seen, const Shown& before,
                       const Shown& after) {
      const bool shows = operation.kind != Kind::removal && operation.kind != Kind::void_of;
      const int status = !shows ? 204 : after.present && !before.present ? 201 : 200;
      const auto outcome = shows ? outcome_of(before, after) : "";
      if (seen.status == status && (!shows || shown_by(seen) == after) &&
          seen.text("outcome") == outcome)
        return;
      fail("the answer to the newest",
           std::to_string(status) + " " + outcome + ", " + to_text(after),
           std::to_string(seen.status) + " " + seen.body);
    }

    void compare_read(const std::string& path, const Shown& meant) {
      const auto seen = test_.read(connections_[0], path);
      if (seen.status == (meant.present ? 200 : 404) && shown_by(seen) == meant) return;
      fail("GET " + path, to_text(meant), std::to_string(seen.status) + " " + seen.body);
    }

    /// Requires: no answer is awaited on the first connection.
    [[noreturn]] void fail(const std::string& what, const std::string& expected,
                           const std::string& shown) {
      auto text = "CODASYNC_TEST_SEED=" + std::to_string(test_.seed_) + ", set and order " + name_ +
                  ", " + what + "\nexpected: " + expected + "\nshown:    " + shown +
                  "\noperations in the order in which they were sent:\n";
      for (const auto i : arrived_) {
        text += "  " + std::to_string(i) + ": " + to_text(set_.operations[i]) +
                (keyed_.contains(i) ? " (key)\n" : "\n");
      }
      text += "and in their order of arrival, as the history has them:\n" + history_text();
      throw std::runtime_error{text};
    }

    /// Operations that are sent at once have no other order of arrival.
    std::string history_text() {
      std::map<std::string, std::string> lines;
      for (auto& row : test_.read(connections_[0], path_ + "/history?limit=1000").rows()) {
        auto& line = lines[row["received_at"] + row["id"]];
        for (const auto* field : {"received_at", "kind", "observed_at", "expiry_date", "date_kind",
                                  "quantity", "delta", "id", "voids", "voided_by"})
          line += row[field] == "null" ? "" : " " + row[field];
      }
      std::string text;
      for (const auto& [key, line] : lines) text += " " + line + "\n";
      return text;
    }

    NaiveFold& test_;
    std::vector<Client>& connections_;
    const Set& set_;
    Random random_;
    std::string shop_;
    std::string name_;
    std::vector<std::size_t> order_;
    std::set<std::size_t> keyed_;
    std::vector<std::size_t> arrived_;
    std::vector<std::string> events_;  // ids, by operation
    std::string path_;
    std::optional<Request> keyed_request_;
  };

  void send(Client& connection, const Request& request) {
    ++requests_;
    auto text = request.method + " " + request.path +
                " HTTP/1.1\r\nHost: test\r\nAuthorization: " + authorization_ +
                "\r\nContent-Length: " + std::to_string(request.body.size()) + "\r\n";
    if (!request.body.empty()) text += "Content-Type: application/json\r\n";
    if (!request.key.empty()) text += "Idempotency-Key: " + request.key + "\r\n";
    connection.send(text + "\r\n" + request.body);  // a failure is seen when nothing comes back
  }

  static HttpResponse receive(Client& connection) {
    auto received = connection.receive();
    if (!received)
      throw std::runtime_error{connection.closed_by_server() ? "the connection was closed"
                                                             : "no answer"};
    HttpResponse seen{received->status, std::move(received->body), {}};
    if (const auto replayed = received->header("Idempotency-Replayed"))
      seen.headers.emplace("Idempotency-Replayed", *replayed);
    return seen;
  }

  HttpResponse ask(Client& connection, const Request& request) {
    send(connection, request);
    return receive(connection);
  }

  HttpResponse read(Client& connection, const std::string& path) {
    return ask(connection, {"GET", path, "", ""});
  }

  void make_sets(std::size_t operations) {
    Random random{seed_};
    for (std::size_t left = operations; left > 0;) {
      // A few are longer than the part of a ledger that is not sealed (512 events).
      const auto i = sets_.size();
      const auto size = i % 512 == 0 ? 600 : i % 16 == 0 ? 100 : 3 + random.below(28);
      Set set{gtin(i), draw_set(random, std::min(left, size)), {}};
      left -= set.operations.size();
      std::vector<std::size_t> all(set.operations.size());
      for (std::size_t each = 0; each < all.size(); ++each) all[each] = each;
      set.meant = fold(set.operations, all);
      sets_.push_back(std::move(set));
    }
  }

  void make_shops_and_products(std::size_t orders) {
    for (std::size_t order = 0; order < orders; ++order) {
      shops_.push_back(database().run("insert into shops (name) values ('Order " +
                                      std::to_string(order) + "') returning id"));
    }
    const auto path = scratch() + "/products.csv";
    {
      std::ofstream out{path};
      out << "gtin,name\n";
      for (const auto& set : sets_) out << set.gtin << ",Tea\n";
    }
    ASSERT_EQ(run({"import", "products", path}).status, 0);
  }

  /// Does something for each order of each set, by all clients, the longest sets first.
  template <class Do>
  void for_each_arrival(std::size_t orders, const Do& what) {
    std::vector<std::size_t> longest_first(sets_.size());
    for (std::size_t i = 0; i < sets_.size(); ++i) longest_first[i] = i;
    std::ranges::stable_sort(longest_first, [&](auto a, auto b) {
      return sets_[a].operations.size() > sets_[b].operations.size();
    });
    std::atomic<std::size_t> next{0};
    std::vector<std::jthread> clients;
    for (std::size_t client = 0; client < kClients; ++client) {
      clients.emplace_back([&] {
        std::vector<Client> connections;
        for (std::size_t i = 0; i < kConnections; ++i)
          connections.emplace_back("127.0.0.1:" + std::to_string(port_of(1)),
                                   std::chrono::minutes{2});
        for (auto i = next++; i < sets_.size() * orders; i = next++) {
          if (failures_ > 0) return;
          const auto set = longest_first[i / orders];
          const auto order = i % orders;
          try {
            Arrival arrival{*this, connections, set, order};
            what(arrival, set, order);
          } catch (const std::exception& failure) {
            const std::scoped_lock hold{mutex_};
            if (failures_++ < kFailuresMax) ADD_FAILURE() << failure.what();
            return;  // its connections may have answers that were not read
          }
        }
      });
    }
  }

  std::string authorization_{staff().begin()->second};
  std::uint64_t seed_{seed_of_this_run()};
  std::vector<Set> sets_;
  std::vector<std::string> shops_;  // one for each order
  std::atomic<std::size_t> requests_{0};
  std::atomic<std::size_t> failures_{0};
  std::mutex mutex_;
};

TEST_F(NaiveFold, is_what_a_reading_shows_in_every_order_of_arrival) {
  const auto operations = number_from("CODASYNC_NAIVE_OPERATIONS", 3'000);
  const auto orders = number_from("CODASYNC_NAIVE_ORDERS", 3);
  std::cout << "seed " << seed_ << "\n";
  make_sets(operations);
  make_shops_and_products(orders);
  const auto start = std::chrono::steady_clock::now();

  std::vector<Done> done(sets_.size() * orders);
  for_each_arrival(orders, [&](Arrival& arrival, std::size_t set, std::size_t order) {
    if (order % 4 == 0) {
      arrival.send_in_turn();
    } else {
      arrival.send_at_once();
    }
    done[set * orders + order] = arrival.finish();
  });
  if (HasFailure()) {
    const auto log = service_log();
    FAIL() << "the service's log:\n"
           << log.substr(log.size() - std::min<std::size_t>(log.size(), 4'000));
  }

  database().run("truncate idempotency_keys");  // as after a week
  for_each_arrival(orders, [&](Arrival& arrival, std::size_t set, std::size_t order) {
    arrival.repeat(done[set * orders + order]);
  });
  // A second void of the same event need not be kept, everything else is, and once.
  std::size_t kept = 0;
  for (const auto& set : sets_) {
    kept += static_cast<std::size_t>(std::ranges::count_if(
        set.operations, [](const auto& each) { return each.kind != Kind::void_of; }));
  }
  EXPECT_EQ(database().run("select count(*) from stock_events where kind <> 'v'"),
            std::to_string(kept * orders));

  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::cout << operations << " operations in " << sets_.size() << " sets, " << orders
            << " orders of each: " << requests_ << " requests in " << took.count() << " s\n";
}

}  // namespace
}  // namespace codasync::test
