#include <gtest/gtest.h>

#include "cache/slot_keeper.hpp"

// What a keeper reports when the database has another history: after a failover, after a restore.

namespace codasync::cache {
namespace {

/// The table that several processes share.
struct Table {
  storage::CacheState state{.fills = true,
                            .since = {},
                            .slots_agreed = 1,
                            .entry_lifetime = std::chrono::seconds{3605},
                            .slots = {{.number = 0, .emptied_now = true}},
                            .history = "7.1.00000001"};
  bool available{true};
};

class FakeTable : public storage::SlotTable {
 public:
  explicit FakeTable(Table& table) : table_{table} {}

  storage::CacheState look() override {
    if (!table_.available) throw std::runtime_error{"for the test"};
    return table_.state;
  }
  std::optional<storage::SlotChange> change(std::size_t slot, const Decide& decide) override {
    const auto change = decide(table_.state, table_.state.slots.at(slot));
    if (change && change->emptied) table_.state.slots[slot].emptied_now = true;
    return change;
  }
  void ask(std::size_t, const std::string&) override {}
  void object(std::size_t, const std::string&) override {}
  void stop_fills() override {}
  bool start_fills() override { return true; }

 private:
  Table& table_;
};

class FakeServers : public ServerControl {
 public:
  explicit FakeServers(std::size_t count) : count_{count} {}
  [[nodiscard]] std::size_t count() const override { return count_; }
  void resolve() override {}
  std::optional<Unreachable> probe(std::size_t) override { return std::nullopt; }
  std::optional<Unreachable> flush(std::size_t, const std::string&) override {
    return std::nullopt;
  }
  bool still_runs(std::size_t, const std::string&) override { return true; }
  Identified identify(std::size_t, const std::string&) override { return Identified::expected; }

 private:
  std::size_t count_;
};

class Counter : public SlotObserver {
 public:
  void history_changed() override { ++changes; }
  int changes{0};
};

/// The keeper of one process.
class Process {
 public:
  explicit Process(Table& table, std::size_t slots = 1) : table_{table}, servers_{slots} {}

  /// Returns: how often it has seen another history, after one more round.
  int round() {
    keeper_.round();
    return counter_.changes;
  }

 private:
  FakeTable table_;
  FakeServers servers_;
  Counter counter_;
  SlotKeeper keeper_{table_, servers_, counter_};
};

TEST(History, is_not_reported_as_changed_when_it_is_read_first_or_again) {
  Table table;
  Process process{table};
  for (int i = 0; i < 3; ++i) EXPECT_EQ(process.round(), 0);
}

TEST(History, that_changed_is_reported_once_by_every_process_no_matter_which_flushes_the_slots) {
  Table table;
  Process first{table};
  Process second{table};
  Process of_other_settings{table, 2};
  Process without_cache{table, 0};
  for (Process* process : {&first, &second, &of_other_settings, &without_cache}) process->round();
  int changes = 0;
  for (const auto* timeline_database_and_back : {"7.1.00000002", "8.1.00000001", "7.1.00000001"}) {
    table.state.history = timeline_database_and_back;
    ++changes;
    table.state.slots[0].emptied_now = false;
    for (Process* process : {&first, &second, &of_other_settings, &without_cache}) {
      EXPECT_EQ(process->round(), changes);
      EXPECT_EQ(process->round(), changes);
    }
    EXPECT_TRUE(table.state.slots[0].emptied_now);
  }
}

TEST(History, that_changed_during_an_outage_is_seen_after_it) {
  Table table;
  Process process{table};
  process.round();
  table.available = false;
  EXPECT_EQ(process.round(), 0);
  table.state.history = "7.1.00000002";
  EXPECT_EQ(process.round(), 0);
  table.available = true;
  EXPECT_EQ(process.round(), 1);
}

}  // namespace
}  // namespace codasync::cache
