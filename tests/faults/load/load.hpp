#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <queue>
#include <random>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "tests/faults/load/client.hpp"
#include "tests/faults/load/sender.hpp"
#include "tests/faults/load/world.hpp"
#include "tests/faults/load/write.hpp"

namespace codasync::faults {

struct Options {
  std::vector<std::uint16_t> ports;  // the first is Nginx', the others are instances
  std::size_t clients{32};           // connections to Nginx; an eighth as many to each instance
  double rate{3000};                 // requests a second, at most; 0: no limit
  double writes{0.05};               // of them
  double hot{0.3};                   // of the writes, to what is read most
  std::size_t shops{8};
  std::size_t products{40};
  bool storefront{false};  // reads as storefronts do, not some of everything
  std::uint64_t seed{1};
  std::string run;  // begins every idempotency key
  std::string admin_token;
  std::string staff_token;
  std::int64_t admin_id{0};
  std::int64_t staff_id{0};
};

// Texts of what is written, made of their numbers.
std::string name_of_product(std::size_t product, std::int64_t number);
std::string brand_of(std::int64_t number);
std::string category_of(std::int64_t number);
/// Returns: the name of the letter that the ledger has; empty for none.
std::string date_kind_name(char kind);

/// Clients that read and write as fast as `rate` says, each on its own connection, all on one
/// thread: so the order in which answers arrive is one clock, and every answer is checked as it
/// arrives.
class Load {
 public:
  explicit Load(Options options);

  /// Creates shops, products and readings. Returns: whether it could, within two minutes.
  bool set_up();
  /// Reads and writes until `stop()` says so; `each` is called ten times a second.
  template <class Stop>
  void run(const Stop& stop) {
    while (!stop()) turn(true);
  }
  /// Repeats what is in doubt until it is answered. Returns: whether all is, within so many
  /// seconds.
  bool settle(double seconds);

  /// Writes a file for an import, of readings or of products. Its rows count as sent from now on.
  /// Returns: whether there was something to import; otherwise there is no file.
  bool write_readings_file(const std::string& path);
  bool write_products_file(const std::string& path);
  /// The import of the file is done: all its rows took effect.
  void imported(const std::string& path);

  /// Compares everything that was answered with what the database holds (README.md). `folder`: of
  /// the dumps that harness/watch.py writes.
  void compare(const std::string& folder);

  [[nodiscard]] std::string report() const;
  [[nodiscard]] std::string progress() const;
  [[nodiscard]] Findings& findings() { return findings_; }
  [[nodiscard]] const World& world() const { return world_; }

 private:
  struct Connection {
    std::unique_ptr<Client> client;
    bool edge;  // through Nginx
    bool busy{false};
    double sent{0};
    double rest_until{0};
    // A read:
    Resource* resource{nullptr};
    std::vector<std::int64_t> floors;
    std::shared_ptr<const Shown> conditional;  // what its If-None-Match, or this tag, stands for
    std::string conditional_etag;
    bool head{false};
    // A write:
    std::int64_t write{-1};
    ListRequest list;

    [[nodiscard]] bool reads() const { return write < 0 && list.sender == nullptr; }
  };
  struct Doubt {
    double at;
    std::int64_t write;
    Sender* sender{nullptr};  // of the writes that wait, instead of one write
    bool operator<(const Doubt& other) const { return at > other.at; }
  };

  struct Ledger;
  void compare_event(const LedgerEvent& event, std::int64_t number, Ledger& ledger,
                     const Register& versions);
  void compare_write(const LedgerEvent& event, std::int64_t number, Ledger& ledger,
                     const std::string& where);
  using Hashes = std::vector<std::uint64_t>;  // by write
  [[nodiscard]] Hashes kept_answers(const std::string& folder) const;
  std::vector<std::uint32_t> compare_events(const std::string& folder,
                                            std::vector<Ledger>& ledgers);
  void compare_write_made_once(std::int64_t number, std::uint64_t answer, std::uint32_t events);
  void compare_rows(const std::string& folder, const std::vector<Ledger>& ledgers);
  void compare_answers(const Register& versions, const Hashes& answers);
  void compare_products(const std::string& folder);
  void compare_copies(const std::string& folder);
  void compare_versions(const Ledger& ledger, const Register& versions);

  void turn(bool fresh);
  void give_work(bool fresh);
  void begin_read(Connection& connection);
  bool begin_write(Connection& connection);
  void choose_event(Reading& reading, std::size_t draw, Write& write);
  void begin_write(Connection& connection, const Write& write);
  std::int64_t enter(Write write);
  void begin_of_reading(std::int64_t number);
  void begin_of_product(std::int64_t number);
  void change_text(const Write& write, std::int64_t n, Product::Facts& texts);
  void send_write(Connection& connection, std::int64_t number);
  void send(Connection& connection, std::string request);
  void answered(Connection& connection);
  void lost(Connection& connection);
  void doubt(std::int64_t number);
  void read_answered(Connection& connection);
  void write_answered(Connection& connection);
  void done(std::int64_t number, const Answer& answer);
  void refuse(std::int64_t number);
  void free_target(const Write& write);
  void failed(const Write& write, double since);
  void read_written(std::int64_t number, const Answer& answer, Register::Result& result);
  void read_renamed(std::int64_t number, const Answer& answer, Register::Result& result);
  void settle_write(std::int64_t number, const Register::Result& result);
  void keep_for_later(std::int64_t number);

  // Lists (lists.cpp)
  void make_senders();
  bool begin_list(Connection& connection);
  void add_to_list(Sender& sender);
  void send_list(Connection& connection, Sender& sender);
  void list_answered(Connection& connection);
  void list_lost(const ListRequest& list, double sent);
  void list_refused(Sender& sender, double sent);
  void result_answered(const ListRequest& list, std::string_view result, double sent);
  void decide(std::int64_t number, std::string_view result, const std::optional<Row>& row);
  void read_changes(const ListRequest& list, const Answer& answer, double sent);
  std::optional<Row> judge_listed(const ListRequest& list, std::string_view object, double sent,
                                  const char* where);
  [[nodiscard]] std::string list_request(const ListRequest& list);
  [[nodiscard]] std::string operation_of(const Sender& sender, std::int64_t number) const;
  [[nodiscard]] std::string copy_difference(const Sender& sender,
                                            const std::vector<CopiedRow>& rows) const;
  [[nodiscard]] Write& write(std::int64_t number) {
    return writes_[static_cast<std::size_t>(number)];
  }
  [[nodiscard]] const Write& write(std::int64_t number) const {
    return writes_[static_cast<std::size_t>(number)];
  }
  /// Returns: what a write of a reading says, as the ledger has it; without a time of its own none.
  [[nodiscard]] LedgerEvent said(const Write& write, std::int64_t number) const;
  [[nodiscard]] std::string request_of(std::int64_t number) const;
  [[nodiscard]] std::string key_of(std::int64_t number) const {
    return options_.run + "-" + std::to_string(number);
  }
  /// Returns: the name of the operation, which is its event's id.
  [[nodiscard]] std::string id_of(std::int64_t number) const;
  [[nodiscard]] Register& register_of(const Write& write);
  [[nodiscard]] std::size_t product_index(const Write& write) const;
  void judge(const Connection& connection, const Shown& shown);
  std::int64_t moment();
  std::size_t pick_reading(bool hot);
  [[nodiscard]] std::size_t index_of(const Reading& reading) const {
    return reading.shop * world_.on_shelves + reading.product;
  }
  [[nodiscard]] double now() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
  }
  bool finish_stage(double until);
  std::size_t below(std::size_t end) {
    return std::uniform_int_distribution<std::size_t>{0, end - 1}(random_);
  }

  bool happens(double part) { return std::uniform_real_distribution<double>{0, 1}(random_) < part; }

  const Options options_;
  World world_;
  Findings findings_;
  int epoll_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<Write> writes_;
  std::vector<Write> queue_;  // of set_up()
  std::priority_queue<Doubt> doubts_;
  std::unordered_set<std::int64_t>
      tried_twice_;  // whose first attempt got no response: a 503 has no meaning now
  std::size_t in_flight_writes_{0};
  std::unordered_map<std::string, std::vector<std::int64_t>> files_;  // the writes in each
  std::unordered_set<std::string> rows_;  // names of all rows of readings
  std::deque<Sender> senders_;
  std::vector<Sender*> to_pull_;  // when nothing is written any more
  std::mt19937_64 random_;
  std::vector<std::vector<std::size_t>> by_kind_;  // resources
  std::vector<std::size_t> ranks_;                 // readings, the most read first
  std::vector<double> zipf_;                       // cumulated
  const std::chrono::steady_clock::time_point started_{std::chrono::steady_clock::now()};
  double credit_{0};
  double credit_at_{0};

  // What is reported.
  struct Pause {
    double since{0};
    double longest{0};
    void begin(double at) { since = at; }
    void success(double at) {
      if (at - since > longest) longest = at - since;
      since = at;
    }
  };
  Pause reads_, writes_pause_, edge_reads_;
  struct Failing {
    double since{-1};  // the first write without success was sent; -1: the last one succeeded
    double last{0};    // the newest one failed
  };
  std::vector<Failing> failing_;  // by reading
  struct Failure {
    double sent;
    double at;
  };
  std::vector<Failure> failed_writes_;  // requests that were refused or had no response
  double longest_one_{0};
  std::uint64_t count_reads_{0}, count_checked_{0}, count_rows_{0}, count_304_{0}, count_404_{0},
      count_heads_{0}, count_failed_reads_{0}, count_writes_{0}, count_refused_{0},
      count_doubts_{0}, count_replayed_{0}, count_cacheable_{0}, count_possible_{0};
  std::uint64_t count_lists_{0}, count_listed_{0}, count_sent_again_{0}, count_changes_{0},
      count_resyncs_{0};
  std::uint64_t by_kind_checked_[kKinds]{};
  // of compare()
  std::uint64_t events_{0}, bodies_{0}, late_{0}, quiet_{0}, taken_back_{0}, imported_{0};
};

}  // namespace codasync::faults
