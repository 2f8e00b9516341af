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

/// A response. text() and number() find the first field with that name anywhere in the body; row()
/// and rows() parse the body.
struct HttpResponse {
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

/// The program with its own database and Memcached, and one shop, "North". Its connections to
/// PostgreSQL pass a gate that can fail.
///
/// After each successful POST, PUT or PATCH of these helpers, every read that shows the row is
/// compared with the response to the write, field by field (expect_every_read_agrees()).
///
/// At the end each instance that still runs gets SIGTERM, and has to end with status 0.
class ServiceTest : public testing::Test {
 protected:
  /// `settings`: NAME=value, for each instance, besides its addresses.
  explicit ServiceTest(std::vector<std::string> settings = {});
  ~ServiceTest() override;

  /// A client with its own persistent connection. Threads: one.
  class Connection {
   public:
    explicit Connection(int port);
    explicit Connection(const ServiceTest& test, std::size_t instance = 0)
        : Connection{test.port_of(instance)} {}
    HttpResponse send(const std::string& method, const std::string& path, const std::string& body,
                      httplib::Headers headers);

   private:
    httplib::Client client_;
  };

  HttpResponse send(const std::string& method, const std::string& path, const std::string& body,
                    const httplib::Headers& headers);
  /// Turns the reads after each write off: for tests of the effects of a single request on the
  /// cache or the metrics, or during an outage.
  void do_not_compare_reads() { compares_reads_ = false; }
  HttpResponse get(const std::string& path, const httplib::Headers& headers = {}) {
    return send("GET", path, "", headers);
  }
  HttpResponse post(const std::string& path, const std::string& body, const httplib::Headers& h) {
    return send("POST", path, body, h);
  }
  HttpResponse put(const std::string& path, const std::string& body, const httplib::Headers& h) {
    return send("PUT", path, body, h);
  }
  HttpResponse patch(const std::string& path, const std::string& body, const httplib::Headers& h) {
    return send("PATCH", path, body, h);
  }
  HttpResponse del(const std::string& path, const httplib::Headers& h) {
    return send("DELETE", path, "", h);
  }

  [[nodiscard]] httplib::Headers admin() const { return {{"Authorization", "Bearer " + admin_}}; }
  [[nodiscard]] httplib::Headers staff() const { return {{"Authorization", "Bearer " + staff_}}; }
  [[nodiscard]] const std::string& shop() const { return shop_; }

  /// Records the date 2026-12-24 for a product "Tea". Returns: the reading's id.
  std::int64_t a_reading(const std::string& gtin);
  static const std::vector<std::string>& some_gtins();

  /// `settings`: NAME=value, override those of the first instance.
  void start_second_instance(const std::vector<std::string>& settings = {}) {
    start_instance(settings);
  }
  [[nodiscard]] int port_of(std::size_t instance) const { return instances_.at(instance).port; }
  /// Starts an Nginx in front of all instances, which looks up responses in their Memcached.
  Nginx& start_edge();

  /// The exit status of a command, -1 when it did not end within two minutes; and its output.
  struct CommandResult {
    int status;
    std::string output;
  };
  /// Runs another command on the same servers. `settings`: NAME=value, override theirs.
  CommandResult run(const std::vector<std::string>& words,
                    const std::vector<std::string>& settings = {}) {
    return finish(start(words, settings));
  }
  Process start(const std::vector<std::string>& words,
                const std::vector<std::string>& settings = {});
  Process start_program(const std::vector<std::string>& command,
                        const std::vector<std::string>& settings = {});
  CommandResult finish(Process process);
  /// Returns: the output so far of the newest command.
  [[nodiscard]] std::string command_log() const;

  double metric(const std::string& series);
  std::string service_log();
  [[nodiscard]] const std::string& scratch() const noexcept { return scratch_; }
  TestDatabase& database() { return database_; }
  Memcached& memcached() { return memcached_; }
  /// Stores an entry of `coda1:` or another prefix as the service does.
  void store_entry(const std::string& key, const std::string& content);
  /// The keys of the entries' seals.
  [[nodiscard]] std::string key_file() const { return scratch_ + "/cache-key"; }
  TcpGate& postgres_gate() { return gate_; }
  Process& service(std::size_t instance = 0) { return *instances_.at(instance).process; }

 private:
  struct Instance {
    int port;
    std::unique_ptr<Process> process;
  };

  void start_instance(const std::vector<std::string>& settings = {});
  void expect_every_read_agrees(const std::string& request, const HttpResponse& write);
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
  std::string command_log_;  // of the last command
  int commands_{0};
  std::string admin_;
  std::string staff_;
  std::string shop_;
  std::unique_ptr<Connection> connection_;
  bool compares_reads_{true};
};

}  // namespace codasync::test
