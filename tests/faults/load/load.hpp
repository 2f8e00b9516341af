#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <queue>
#include <random>
#include <string>
#include <unordered_set>
#include <vector>

#include "tests/faults/load/client.hpp"
#include "tests/faults/load/world.hpp"

namespace codasync::faults {

struct LedgerEvent;

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

/// Which write it was; what the ledger has to say about it in the end.
struct Write {
  enum class Kind : std::uint8_t {
    record,  // a new reading, or one that was removed: by its only writer
    adjust,
    sighting,  // of a later date than the shelf's
    check,
    count,
    remove,
    name_product,
    drop_product,
    name_shop,
  };
  enum class End : std::uint8_t { none, done, refused };

  Kind kind{};
  End end{End::none};
  std::int32_t target{0};   // reading, product or shop
  std::int64_t version{0};  // that the client was told, or the writer knew beforehand
  std::int64_t floor{0};    // newest version answered before it was sent
  std::int64_t name_floor{0};
  double sent{0};
};

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
    std::shared_ptr<const Shown> conditional;  // what its If-None-Match stands for
    // A write:
    std::int64_t write{-1};
  };
  struct Doubt {
    double at;
    std::int64_t write;
    bool operator<(const Doubt& other) const { return at > other.at; }
  };

  struct Ledger;
  void compare_event(const LedgerEvent& event, std::int64_t number, Ledger& ledger,
                     const Register& versions);
  void compare_versions(const Ledger& ledger, const Register& versions);

  void turn(bool fresh);
  void give_work(bool fresh);
  void begin_read(Connection& connection);
  bool begin_write(Connection& connection);
  void begin_write(Connection& connection, Write write);
  void send_write(Connection& connection, std::int64_t number);
  void send(Connection& connection, std::string request);
  void answered(Connection& connection);
  void lost(Connection& connection);
  void read_answered(Connection& connection);
  void write_answered(Connection& connection);
  void done(std::int64_t number, const Answer& answer);
  void refuse(std::int64_t number);
  void free_target(const Write& write);
  void failed(const Write& write, double since);
  [[nodiscard]] static bool of_reading(const Write& write) {
    return write.kind < Write::Kind::name_product;
  }
  [[nodiscard]] static bool by_admin(const Write& write) { return !of_reading(write); }
  [[nodiscard]] std::string request_of(std::int64_t number) const;
  [[nodiscard]] std::string key_of(std::int64_t number) const {
    return options_.run + "-" + std::to_string(number);
  }
  [[nodiscard]] Register& register_of(const Write& write);
  void judge(Resource& resource, const Shown& shown, const std::vector<std::int64_t>& floors);
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

  const Options options_;
  World world_;
  Findings findings_;
  int epoll_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<Write> writes_;
  std::vector<Write> queue_;  // of set_up()
  std::priority_queue<Doubt> doubts_;
  std::unordered_set<std::int64_t>
      tried_twice_;  // whose first answer was none: a 503 tells nothing now
  std::size_t in_flight_writes_{0};
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
  double longest_one_{0};
  std::uint64_t count_reads_{0}, count_checked_{0}, count_rows_{0}, count_304_{0}, count_404_{0},
      count_failed_reads_{0}, count_writes_{0}, count_refused_{0}, count_doubts_{0},
      count_replayed_{0}, count_cacheable_{0}, count_possible_{0};
  std::uint64_t by_kind_checked_[kKinds]{};
  // of compare()
  std::uint64_t events_{0}, bodies_{0};
};

}  // namespace codasync::faults
