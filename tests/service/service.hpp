#pragma once

#include <gmock/gmock.h>
#include <httplib.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "storage/token.hpp"
#include "tests/support/database.hpp"
#include "tests/support/memcached.hpp"
#include "tests/support/nginx.hpp"
#include "tests/support/process.hpp"
#include "tests/support/tcp_gate.hpp"

namespace codasync::test {

/// A JSON object: the name of each field and its value as JSON text, such as `7`, `"Tea"` or
/// `null`.
using Row = std::map<std::string, std::string>;

/// What a client sees of an answer. text() and number() look for the first field of that name in
/// the body, wherever it is; row() and rows() parse it.
struct Seen {
  int status{0};
  std::string body;
  httplib::Headers headers;

  /// Returns: the object; empty when the body is not one.
  [[nodiscard]] Row row() const;
  /// Returns: the objects of a list; empty when the body is not one.
  [[nodiscard]] std::vector<Row> rows() const;

  [[nodiscard]] std::string header(const std::string& name) const;
  [[nodiscard]] std::string text(const std::string& field) const;     // empty: null or absent
  [[nodiscard]] std::int64_t number(const std::string& field) const;  // -1: null or absent
  [[nodiscard]] std::string text_after(const std::string& start, const std::string& end,
                                       std::size_t from = 0) const;
  [[nodiscard]] std::string next_page() const;  // of the Link header; empty: none
};

/// The program as people run it, with a database and a Memcached of its own, and one shop, "North".
/// PostgreSQL is reached through a gate that can fail.
///
/// After each successful POST, PUT or PATCH that these helpers send, every read that shows the row
/// is compared with the answer of the write, field by field (expect_every_read_agrees()).
class ServiceTest : public testing::Test {
 protected:
  /// `settings`, NAME=value: of each instance, besides its addresses.
  explicit ServiceTest(std::vector<std::string> settings = {});

  /// A client's own connection, kept open. Threads: one.
  class Connection {
   public:
    explicit Connection(int port);
    explicit Connection(const ServiceTest& test, std::size_t instance = 0)
        : Connection{test.port_of(instance)} {}
    Seen send(const std::string& method, const std::string& path, const std::string& body,
              httplib::Headers headers);

   private:
    httplib::Client client_;
  };

  Seen send(const std::string& method, const std::string& path, const std::string& body,
            const httplib::Headers& headers);
  /// From now on writes are not followed by reads: for tests of what a single request does to the
  /// cache, to metrics or during an outage.
  void do_not_compare_reads() { compares_reads_ = false; }
  Seen get(const std::string& path, const httplib::Headers& headers = {}) {
    return send("GET", path, "", headers);
  }
  Seen post(const std::string& path, const std::string& body, const httplib::Headers& h) {
    return send("POST", path, body, h);
  }
  Seen put(const std::string& path, const std::string& body, const httplib::Headers& h) {
    return send("PUT", path, body, h);
  }
  Seen patch(const std::string& path, const std::string& body, const httplib::Headers& h) {
    return send("PATCH", path, body, h);
  }
  Seen del(const std::string& path, const httplib::Headers& h) {
    return send("DELETE", path, "", h);
  }

  [[nodiscard]] httplib::Headers admin() const { return {{"Authorization", "Bearer " + admin_}}; }
  [[nodiscard]] httplib::Headers staff() const { return {{"Authorization", "Bearer " + staff_}}; }
  [[nodiscard]] const std::string& shop() const { return shop_; }

  /// Records 2026-12-24 for a product called Tea. Returns: the reading's id.
  std::int64_t a_reading(const std::string& gtin);
  static const std::vector<std::string>& some_gtins();

  /// `settings`, NAME=value, win over those of the first one.
  void start_second_instance(const std::vector<std::string>& settings = {}) {
    start_instance(settings);
  }
  [[nodiscard]] int port_of(std::size_t instance) const { return instances_.at(instance).port; }
  /// Starts an Nginx in front of all instances, which looks answers up in their Memcached.
  Nginx& start_edge();

  /// What a command ended with, -1: it did not within two minutes; and what it said.
  struct Ran {
    int status;
    std::string output;
  };
  /// Another command of the program on the same servers; `settings`, NAME=value, win over theirs.
  Ran run(const std::vector<std::string>& words, const std::vector<std::string>& settings = {}) {
    return finish(start(words, settings));
  }
  Process start(const std::vector<std::string>& words,
                const std::vector<std::string>& settings = {});
  Process start_program(const std::vector<std::string>& command,
                        const std::vector<std::string>& settings = {});
  Ran finish(Process process);

  double metric(const std::string& series);
  std::string service_log();
  [[nodiscard]] const std::string& scratch() const noexcept { return scratch_; }
  TestDatabase& database() { return database_; }
  Memcached& memcached() { return memcached_; }
  TcpGate& postgres_gate() { return gate_; }
  Process& service(std::size_t instance = 0) { return *instances_.at(instance).process; }

 private:
  struct Instance {
    int port;
    std::unique_ptr<Process> process;
  };

  void start_instance(const std::vector<std::string>& settings = {});
  void expect_every_read_agrees(const std::string& request, const Seen& write);
  Row find_in_list(std::string path, const std::string& key, const std::string& value);
  [[nodiscard]] std::string gated_url() const;
  [[nodiscard]] std::vector<std::string> environment() const;
  std::string make_token(const std::string& name, storage::Role role);

  std::vector<std::string> settings_;
  TestDatabase database_;
  Memcached memcached_{{"-m", "256"}};
  std::string scratch_ = make_scratch_directory();
  TcpGate gate_;
  std::vector<Instance> instances_;
  std::unique_ptr<Nginx> edge_;
  std::string command_log_;  // of the newest command
  int commands_{0};
  std::string admin_;
  std::string staff_;
  std::string shop_;
  std::unique_ptr<Connection> connection_;
  bool compares_reads_{true};
};

}  // namespace codasync::test
