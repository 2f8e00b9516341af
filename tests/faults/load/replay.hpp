#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

// What a reading's events mean: a fold of its own, as simple as possible, written from the rules
// of the API and not from the program's code.

namespace codasync::faults {

/// One line of the ledger. Times are texts of one length (`2026-12-24T10:00:00.000000`), so they
/// are in order as texts. Empty texts and 0: none.
struct LedgerEvent {
  std::int64_t reading{0};
  std::string id;
  char kind{0};  // s(ighting), c(heck), q(uantity), a(djust), r(emove), v(oid)
  std::string date;
  char date_kind{0};  // u(se by), s(ell by), b(est before)
  std::optional<std::int64_t> quantity;
  std::int64_t delta{0};
  std::string observed_at;
  std::string received_at;
  std::string voids;  // id of another event
  std::int64_t version{0};
  char outcome{0};  // a(pplied), k(ept)
  std::string actor;
};

/// One reading while its events arrive.
class Replay {
 public:
  /// Adds the next event in order of arrival.
  void add(const LedgerEvent& event);
  /// Takes the event back that was added last, as if it had never arrived. Requires: it is no void.
  void undo();

  [[nodiscard]] std::int64_t version() const noexcept { return state_.version; }
  [[nodiscard]] bool present() const noexcept { return state_.shelf.present; }
  /// Returns: whether the last event changed presence, date, kind of date or quantity.
  [[nodiscard]] bool applied() const noexcept { return applied_; }
  /// Returns: the part of an answer from `expiry_date` to `updated_at`. Requires: present().
  [[nodiscard]] std::string shown() const;

 private:
  struct Shelf {
    bool present{false};
    std::string date;
    char date_kind{0};
    std::optional<std::int64_t> quantity;
    std::string checked_at;
    std::string counted_at;

    friend bool operator==(const Shelf&, const Shelf&) = default;
  };
  /// Where an effect of an event stands among the others, and what it does.
  struct Step {
    std::string at;
    int rank;                // of what is said; the lower first
    std::string date_order;  // of two checks: the later date first, of one date the laxer kind
    std::int64_t number_order{0};
    LedgerEvent event;
    Shelf after{};  // of all steps up to this one

    friend bool operator<(const Step& a, const Step& b) {
      return std::tie(a.at, a.rank, a.date_order, a.number_order) <
             std::tie(b.at, b.rank, b.date_order, b.number_order);
    }
  };
  /// What an answer shows.
  struct State {
    Shelf shelf;
    std::int64_t version{0};
    std::string observed_at;  // of the event that made the version
    std::string updated_at;
  };

  static std::vector<Step> steps_of(const LedgerEvent& event);
  static void apply(const Step& step, Shelf& shelf);
  void fold_from(std::size_t step);
  void take_back(const std::string& event);

  std::vector<Step> steps_;  // in their order, of voided events too
  std::set<std::string> voided_;
  State state_;
  State before_;      // the last event
  std::string last_;  // its id
  bool applied_{false};
};

}  // namespace codasync::faults
