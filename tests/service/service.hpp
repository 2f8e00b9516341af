#pragma once

#include <gmock/gmock.h>
#include <httplib.h>

#include <cstdint>
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

/// What a client sees of an answer. The fields are looked for in the text: it is small and flat.
struct Seen {
  int status{0};
  std::string body;
  httplib::Headers headers;

  [[nodiscard]] std::string header(const std::string& name) const;
  [[nodiscard]] std::string text(const std::string& field) const;     // empty: null or absent
  [[nodiscard]] std::int64_t number(const std::string& field) const;  // -1: null or absent
  [[nodiscard]] std::string text_after(const std::string& start, const std::string& end,
                                       std::size_t from = 0) const;
  [[nodiscard]] std::string next_page() const;  // of the Link header; empty: none
};

/// The program as people run it, with a database and a Memcached of its own, and one shop, "North".
/// PostgreSQL is reached through a gate that can fail.
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

  void start_second_instance() { start_instance(); }
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

  void start_instance();
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
};

}  // namespace codasync::test
