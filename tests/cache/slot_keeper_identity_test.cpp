#include <filesystem>

#include "cache/slot_keeper.hpp"
#include "tests/cache/slot_keeper_fixture.hpp"

// Which process is behind a slot: one that was started again, a second one at the same address, and
// one of a keeper that was killed.

namespace codasync::cache {
namespace {

using testing::ElementsAre;

/// A socket that a second process can take over, as `memcached -s` does.
class TwoProcesses : public SlotKeeperTest {
 protected:
  TwoProcesses() { lead_to(memcached); }
  ~TwoProcesses() override { std::filesystem::remove_all(directory_); }

  [[nodiscard]] MemcachedOptions at_socket() const {
    auto changed = options();
    changed.servers = {"unix:" + socket_};
    return changed;
  }
  void lead_to(const test::Memcached& process) const {
    std::filesystem::remove(socket_);
    std::filesystem::create_symlink(process.socket(), socket_);
  }
  /// Rounds of all processes, a second each.
  static void rounds(int count, std::initializer_list<Process*> processes) {
    for (int i = 0; i < count; ++i) {
      for (auto* process : processes) process->round(1s);
    }
  }

  test::Memcached second;

 private:
  const std::string directory_ = test::make_scratch_directory();
  const std::string socket_ = directory_ + "/socket";
};

TEST_F(TwoProcesses, at_one_address_stop_its_writes_instead_of_splitting_them) {
  Process process{database.options(), at_socket()};
  process.round();
  ASSERT_EQ(process.read(), ReadPath::filled);
  lead_to(second);
  Process restarted{database.options(), at_socket()};
  rounds(1, {&restarted, &process});
  EXPECT_FALSE(restarted.write()) << "its connections lead to the second process";
  EXPECT_EQ(restarted.read(), ReadPath::unavailable);
  rounds(10, {&restarted, &process});
  EXPECT_FALSE(restarted.write());
  EXPECT_EQ(state(), "waiting");
  EXPECT_THAT(second.ask("stats"), testing::HasSubstr("STAT cmd_flush 0"));
  EXPECT_GT(restarted.observer.other_processes + process.observer.other_processes, 0);
  lead_to(memcached);
  rounds(2, {&restarted, &process});
  EXPECT_EQ(state(), "up");
  EXPECT_TRUE(restarted.write());
}

TEST_F(TwoProcesses, behind_a_balancer_are_detected_by_the_process_that_emptied_one) {
  Process process{database.options(), at_socket()};
  process.round();
  lead_to(second);
  process.keeper.report(0);
  rounds(4, {&process});
  EXPECT_EQ(state(), "waiting");
  EXPECT_GT(process.observer.other_processes, 0);
}

TEST_F(TwoProcesses, with_swapped_addresses_are_detected) {
  auto right = options();
  right.servers = {memcached.address(), second.address()};
  auto swapped = options();
  swapped.servers = {second.address(), memcached.address()};
  Process process{database.options(), right};
  process.round();
  Process other{database.options(), swapped};
  other.round();
  EXPECT_EQ(other.observer.other_processes, 2);
  EXPECT_FALSE(other.write());
  EXPECT_TRUE(process.write());
  EXPECT_EQ(other.read(), ReadPath::unavailable);
}

TEST_F(SlotKeeperTest, empties_a_process_that_was_started_again_at_once) {
  Process process{database.options(), options()};
  process.round();
  ASSERT_EQ(process.read(), ReadPath::filled);
  memcached.restart();
  EXPECT_FALSE(process.write()) << "the new process was not emptied";
  process.keeper.report(0);
  process.round();
  process.round();
  EXPECT_EQ(state(), "up");
  EXPECT_TRUE(process.write());
  EXPECT_EQ(process.read(), ReadPath::filled);
  EXPECT_EQ(process.observer.other_processes, 0);
}

TEST_F(SlotKeeperTest, empties_a_process_that_it_did_not_know_when_no_other_process_objects) {
  {
    Process process{database.options(), options()};
    process.round();
  }
  memcached.restart();
  Process process{database.options(), options()};
  rounds_of(process, 2);
  EXPECT_FALSE(process.write());
  rounds_of(process, 4);
  EXPECT_TRUE(process.write());
  EXPECT_EQ(process.read(), ReadPath::filled);
}

/// A keeper that was killed after it had emptied a server, before its COMMIT.
void empty_without_record(const MemcachedOptions& options) {
  ASSERT_FALSE(make_server_control(options)->flush(0, make_slot_identity(0, 1)));
}

TEST_F(SlotKeeperTest, empties_a_process_again_at_once_that_a_killed_keeper_had_emptied) {
  Process process{database.options(), options()};
  process.round();
  for (const bool restarted : {false, true}) {
    if (restarted) memcached.restart();
    empty_without_record(options());
    EXPECT_FALSE(process.write()) << "restarted: " << restarted;
    process.keeper.report(0);
    process.round();
    EXPECT_TRUE(process.write());
    EXPECT_NE(process.read(), ReadPath::unavailable);
  }
  EXPECT_THAT(process.observer.steps,
              ElementsAre(SlotStep::flush, SlotStep::flush, SlotStep::flush))
      << "no waiting for the expiry of its entries";
}

TEST_F(SlotKeeperTest, empties_a_process_of_a_killed_keeper_when_no_other_process_objects) {
  {
    Process process{database.options(), options()};
    process.round();
  }
  empty_without_record(options());
  Process process{database.options(), options()};
  rounds_of(process, 6);
  EXPECT_TRUE(process.write());
  EXPECT_EQ(process.read(), ReadPath::filled);
}

TEST_F(TwoProcesses, stop_writes_also_when_a_killed_keeper_had_emptied_the_second_one) {
  Process process{database.options(), at_socket()};
  process.round();
  lead_to(second);
  empty_without_record(at_socket());
  Process restarted{database.options(), at_socket()};
  rounds(10, {&restarted, &process});
  EXPECT_FALSE(restarted.write());
  EXPECT_EQ(state(), "waiting");
  EXPECT_THAT(second.ask("stats"), testing::HasSubstr("STAT cmd_flush 1"));
}

TEST_F(SlotKeeperTest, empties_a_process_again_that_was_emptied_by_hand) {
  Process process{database.options(), options()};
  process.round();
  memcached.ask("flush_all");
  Process other{database.options(), options()};
  other.round();
  process.round(1s);
  for (int i = 0; i < 6; ++i) {
    process.keeper.report(0);
    process.round(1s);
    other.round(1s);
  }
  EXPECT_EQ(state(), "up");
  EXPECT_TRUE(process.write());
  EXPECT_TRUE(other.write());
}

}  // namespace
}  // namespace codasync::cache
