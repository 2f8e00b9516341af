#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace codasync::faults {

/// What the checker holds against the servers.
enum class Fault : std::uint8_t {
  stale,       // older than what was answered before the read began (conditions 1 and 3)
  future,      // a value that was not yet sent (condition 2)
  order,       // a write below what was answered before it began (condition 4)
  doubled,     // one write with two effects, or two writes with one version
  lost,        // an acknowledged write that is not there
  refused,     // a write answered 503 that took effect
  body,        // two answers, or an answer and the ledger, disagree about one version
  unexpected,  // an answer that this request must not get
};
inline constexpr std::size_t kFaults = 8;
const char* name_of(Fault fault);

/// Counts, and prints the first of each kind at once, so that they can be laid beside the log of
/// the injected faults.
class Findings {
 public:
  void add(Fault fault, const std::string& what);
  [[nodiscard]] std::uint64_t count(Fault fault) const { return counts_[index(fault)]; }
  [[nodiscard]] std::uint64_t total() const;

 private:
  static std::size_t index(Fault fault) { return static_cast<std::size_t>(fault); }
  std::uint64_t counts_[kFaults]{};
};

inline constexpr std::int64_t kAbsent = -1;   // as a version: the answer says that it is not there
inline constexpr std::int64_t kUnknown = -2;  // the answer says nothing about it

/// One thing with versions: a reading, a product, the name of a product, a shop. All operations of
/// a run are seen by one thread, so the order of these calls is the run's one clock, and the four
/// conditions can be decided as answers arrive: a request carries the newest version that any
/// answer had before it was sent.
class Register {
 public:
  explicit Register(std::string name) : name_{std::move(name)} {}

  /// The newest version that any answer had. To be read before a request is sent.
  [[nodiscard]] std::int64_t newest() const noexcept { return newest_; }

  /// Whether a write makes a version: one that changes nothing that an answer shows does not.
  enum class Makes : std::uint8_t { version, perhaps, nothing };

  /// What the answer to a write says.
  struct Result {
    std::int64_t version{0};  // after its write
    std::uint64_t shows{0};   // hash of what the row shows; 0: unknown
    Makes makes{Makes::version};
    std::int64_t floor{0};  // newest() when it was sent
    double sent{0};
    std::int64_t write{0};
  };

  /// A write was sent whose version is not known yet.
  void begin() { ++pending_; }
  /// It was refused, and must have no effect.
  void refuse() { --pending_; }
  /// It was answered.
  void acknowledge(const Result& result, Findings& findings);
  /// It took effect, and its answer has no version.
  void acknowledge(double at);

  /// The same for registers with one writer at a time, so the version is known beforehand.
  void begin(std::int64_t version, bool present);
  void refuse(std::int64_t version, Findings& findings);

  /// A question: when it was sent, and newest() at that moment.
  struct Asked {
    std::int64_t floor{0};
    double sent{0};
  };

  /// An answer showed this version, or said that the thing is not there (kAbsent). Returns: whether
  /// no fault was found.
  bool show(std::int64_t version, std::uint64_t shows, const Asked& asked, double now,
            const char* where, Findings& findings);

  struct State {
    std::uint64_t shows{0};  // hash of the body; 0: not seen yet
    double seen{kNever};     // first answer with it
    double asked{0};         // the newest question that was answered with it was sent
    std::int64_t write{-1};  // number of the write that made it
    bool answered{false};    // to a write: the one that made it, or one that changed nothing
    bool known{false};       // it was written, or is written at this moment
    bool present{true};
    bool refused{false};  // must never be seen
    static constexpr double kNever = std::numeric_limits<double>::infinity();
  };
  [[nodiscard]] const std::vector<State>& states() const noexcept { return states_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::int64_t acknowledged() const noexcept { return acknowledged_; }

 private:
  State& at(std::int64_t version);
  bool fail(Fault fault, const std::string& what, Findings& findings) const;

  std::string name_;
  std::int64_t newest_{0};
  std::int64_t acknowledged_{0};
  std::int64_t pending_{0};
  // Writes without a version in their answer: when they took effect. Until a later one has one.
  std::vector<double> unversioned_;
  bool serial_{false};         // versions are known before they are written
  std::vector<State> states_;  // by version
};

/// Returns: a hash of these bytes, never 0.
std::uint64_t hash_of(std::string_view bytes);

}  // namespace codasync::faults
