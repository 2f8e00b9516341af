#include "cache/slot_keeper.hpp"

#include "tests/cache/slot_keeper_fixture.hpp"

namespace codasync::cache {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(SlotKeeperTest, flushes_a_slot_before_its_first_use_and_no_process_fills_it_earlier) {
  memcached.ask("set of-another-database 0 0 3\r\nold");
  Process process{database.options(), options()};
  EXPECT_EQ(process.read(), ReadPath::not_stored);
  EXPECT_TRUE(process.write()) << "entries are deleted all the same";
  process.round();
  EXPECT_THAT(process.observer.steps, ElementsAre(SlotStep::flush));
  EXPECT_EQ(memcached.ask("get of-another-database"), "END");
  EXPECT_EQ(process.read(), ReadPath::filled);
  EXPECT_EQ(process.read(), ReadPath::hit);
}

TEST_F(SlotKeeperTest, does_not_change_a_slot_that_responds) {
  Process process{database.options(), options()};
  process.round();
  process.read();
  process.keeper.report(0);
  process.round(1h);
  EXPECT_THAT(process.observer.steps, ElementsAre(SlotStep::flush));
  EXPECT_EQ(process.read(), ReadPath::hit);
}

TEST_F(SlotKeeperTest, lets_writers_commit_at_once_without_a_process_that_has_ended) {
  Process process{database.options(), options()};
  process.round();
  process.read();
  memcached.stop();
  EXPECT_FALSE(process.write());
  process.keeper.report(0);
  process.round();
  EXPECT_EQ(state(), "down");
  EXPECT_TRUE(process.write());
  EXPECT_EQ(process.read(), ReadPath::unavailable);
  memcached.start();
  EXPECT_NE(process.read(), ReadPath::filled) << "not before the flush";
  EXPECT_TRUE(becomes_up(process));
  EXPECT_THAT(process.observer.steps,
              ElementsAre(SlotStep::flush, SlotStep::mark_down, SlotStep::flush));
  EXPECT_EQ(process.read(), ReadPath::filled);
}

TEST_F(SlotKeeperTest, waits_for_a_server_without_a_response_until_its_entries_have_expired) {
  Process process{database.options(), options()};
  process.round();
  ASSERT_EQ(process.read(), ReadPath::filled);
  memcached.freeze();
  process.lose_deletion_and_wait();
  EXPECT_EQ(state(), "waiting");
  process.round();
  process.round(wait - 1ms);
  EXPECT_FALSE(process.write());
  EXPECT_EQ(state(), "waiting");
  process.round(1ms);
  EXPECT_EQ(state(), "down");
  EXPECT_TRUE(process.write());
  memcached.thaw();
  EXPECT_TRUE(becomes_up(process));
  EXPECT_EQ(process.read(), ReadPath::filled) << "it was flushed";
}

TEST_F(SlotKeeperTest, does_not_change_a_slot_without_a_response_for_a_moment) {
  Process process{database.options(), options_behind_gate()};
  process.round();
  ASSERT_EQ(process.read(), ReadPath::filled);
  gate.set(TcpGate::Mode::stall);
  process.keeper.report(0);
  process.round();
  process.round(NoResponseTimer::kDurationMin);
  process.round(-1ms);  // three rounds, and not quite the time
  EXPECT_EQ(state(), "up");
  gate.set(TcpGate::Mode::pass);
  process.round();
  process.round(1h);
  EXPECT_THAT(process.observer.steps, ElementsAre(SlotStep::flush));
  EXPECT_TRUE(process.write());
}

TEST_F(SlotKeeperTest, probes_no_server_without_a_reason) {
  Process process{database.options(), options_behind_gate()};
  process.round();
  const auto connections = gate.connections();
  for (int i = 0; i < 10; ++i) process.round(1s);
  EXPECT_EQ(gate.connections(), connections);
}

TEST_F(SlotKeeperTest, of_an_isolated_process_yields_to_those_of_the_others) {
  Process healthy{database.options(), options()};
  healthy.round();
  Process cut_off{database.options(), options_behind_gate()};
  gate.set(TcpGate::Mode::stall);
  cut_off.lose_deletion_and_wait();
  EXPECT_EQ(state(), "waiting");
  healthy.round();
  EXPECT_EQ(state(), "up");
  // Without another lost deletion it does not change the slot.
  for (int i = 0; i < 5; ++i) cut_off.round(NoResponseTimer::kPauseAfterMarkUp);
  EXPECT_EQ(state(), "up");
  cut_off.lose_deletion_and_wait();
  EXPECT_EQ(state(), "waiting");
  healthy.round();
  // With one it does not change the slot for a while.
  cut_off.round();
  cut_off.lose_deletion_and_wait();
  EXPECT_EQ(state(), "up") << "marked up six seconds ago";
  cut_off.round(NoResponseTimer::kPauseAfterMarkUp - 2 * NoResponseTimer::kDurationMin);
  EXPECT_EQ(state(), "waiting");
  EXPECT_THAT(healthy.observer.steps,
              ElementsAre(SlotStep::flush, SlotStep::mark_up, SlotStep::mark_up));
}

TEST_F(SlotKeeperTest, does_not_mark_a_slot_that_was_marked_up_while_it_waited_for_the_lock) {
  Process healthy{database.options(), options()};
  healthy.round();
  Process cut_off{database.options(), options_behind_gate()};
  gate.set(TcpGate::Mode::stall);
  cut_off.keeper.report(0);
  cut_off.round();
  cut_off.round(NoResponseTimer::kDurationMin);
  const auto storage = storage::make_database(database.options());
  auto fill = storage->try_fill(std::vector<Lock>{});
  ASSERT_TRUE(fill);
  std::jthread keeper{[&] { cut_off.round(); }};
  ASSERT_TRUE(test::eventually([&] {
    return database.run(
               "select count(*) from pg_locks join pg_database on oid = database where datname = "
               "current_database() and not granted") == "1";
  }));
  database.run("update cache_slots set since = clock_timestamp()");  // as if another process had
                                                                     // marked it waiting and up
  fill.reset();
  keeper.join();
  EXPECT_EQ(state(), "up");
}

TEST_F(SlotKeeperTest, does_not_count_time_before_it_read_the_state) {
  Process process{database.options(), options()};
  process.round();
  memcached.freeze();
  process.lose_deletion_and_wait();
  ASSERT_EQ(state(), "waiting");
  Process slow{database.options(), options()};
  slow.observer.on_saw = [&] { slow.pass(10s); };
  slow.round();
  slow.observer.on_saw = nullptr;
  slow.round(wait - 1ms);
  EXPECT_EQ(state(), "waiting");
  slow.round(1ms);
  EXPECT_EQ(state(), "down");
  memcached.thaw();
}

TEST_F(SlotKeeperTest, marks_a_slot_that_only_waited_up_with_all_its_entries) {
  Process process{database.options(), options_behind_gate()};
  process.round();
  process.read();
  gate.set(TcpGate::Mode::stall);
  process.lose_deletion_and_wait();
  EXPECT_EQ(state(), "waiting");
  EXPECT_FALSE(process.write());
  gate.set(TcpGate::Mode::pass);
  EXPECT_TRUE(becomes_up(process));
  EXPECT_THAT(process.observer.steps,
              ElementsAre(SlotStep::flush, SlotStep::mark_waiting, SlotStep::mark_up));
  EXPECT_EQ(process.read(), ReadPath::hit);
  EXPECT_TRUE(process.write());
  EXPECT_EQ(process.read(), ReadPath::filled);
}

TEST_F(SlotKeeperTest, starts_to_wait_from_zero_when_the_slot_was_up_meanwhile) {
  Process process{database.options(), options_behind_gate()};
  process.round();
  for (int i = 0; i < 2; ++i) {
    gate.set(TcpGate::Mode::stall);
    process.lose_deletion_and_wait();
    process.round();
    process.round(wait - 1s);
    EXPECT_EQ(state(), "waiting");
    gate.set(TcpGate::Mode::pass);
    EXPECT_TRUE(becomes_up(process));
  }
}

TEST_F(SlotKeeperTest, waits_for_the_longest_time_to_live_of_any_process) {
  auto longer = options();
  longer.entry_ttl = 600s;
  Process other{database.options(), longer};
  Process process{database.options(), options()};
  process.round();
  EXPECT_EQ(other.read(), ReadPath::not_stored)
      << "the other processes have not read its time to live yet";
  other.round();
  EXPECT_EQ(other.read(), ReadPath::filled);
  memcached.freeze();
  process.lose_deletion_and_wait();
  process.round();
  process.round(wait + 1s);
  EXPECT_EQ(state(), "waiting");
  process.round(wait_after_last_fill(605s));
  EXPECT_EQ(state(), "down");
}

// A process that refused a connection a moment ago may have been started again and filled since.
TEST_F(SlotKeeperTest, counts_a_refused_connection_only_while_no_fill_is_possible) {
  Process process{database.options(), options()};
  process.round();
  memcached.stop();
  // An earlier fill holds the slots' lock; Memcached is started again before it ends.
  const auto storage = storage::make_database(database.options());
  auto fill = storage->try_fill(std::vector<Lock>{});
  ASSERT_TRUE(fill);
  process.keeper.report(0);
  std::jthread keeper{[&] { process.round(); }};
  ASSERT_TRUE(test::eventually([&] {
    return database.run(
               "select count(*) from pg_locks join pg_database on oid = database where datname = "
               "current_database() and not granted") == "1";
  }));
  memcached.start();
  fill.reset();
  keeper.join();
  EXPECT_EQ(state(), "up");
  EXPECT_THAT(process.observer.steps, ElementsAre(SlotStep::flush));
}

TEST_F(SlotKeeperTest, changes_no_slot_when_its_number_of_servers_differs) {
  Process process{database.options(), options()};
  process.round();
  auto two = options();
  two.servers.push_back(gate.address());
  Process other{database.options(), two};
  gate.set(TcpGate::Mode::stall);
  other.keeper.report(1);
  other.round(1h);
  EXPECT_THAT(other.observer.steps, IsEmpty());
  EXPECT_THAT(other.observer.failures, ElementsAre(testing::HasSubstr("2 here and 1 elsewhere")));
  EXPECT_EQ(other.read(), ReadPath::not_stored);
}

TEST_F(SlotKeeperTest,
       marks_every_slot_down_after_the_cache_was_turned_off_and_flushes_it_when_on) {
  Process process{database.options(), options()};
  process.round();
  process.read();
  auto postgres = database.options();
  postgres.cache_entry_lifetime = 65s;
  const auto table = storage::make_slot_table(postgres);
  table->stop_fills();
  EXPECT_EQ(process.read(), ReadPath::hit);
  EXPECT_TRUE(process.write());
  EXPECT_EQ(process.read(), ReadPath::not_stored);
  process.round();
  process.round(wait - 1ms);
  EXPECT_EQ(state(), "up");
  process.round(1ms);
  EXPECT_EQ(state(), "down");
  process.round();
  EXPECT_EQ(state(), "down") << "the cache is off";
  EXPECT_TRUE(table->start_fills());
  process.round();
  EXPECT_EQ(state(), "up");
  EXPECT_EQ(process.read(), ReadPath::filled);
}

TEST_F(SlotKeeperTest, changes_the_number_of_slots_only_when_all_are_down) {
  Process process{database.options(), options()};
  process.round();
  auto two = database.options();
  two.cache_slots = 2;
  const auto table = storage::make_slot_table(two);
  table->stop_fills();
  EXPECT_FALSE(table->start_fills());
  process.round();
  process.round(wait);
  EXPECT_TRUE(table->start_fills());
  EXPECT_EQ(table->look().slots.size(), 2);
}

TEST_F(SlotKeeperTest, flushes_all_slots_after_a_failover_before_they_are_filled) {
  Process process{database.options(), options()};
  process.round();
  process.read();
  database.run("update cache_slots set timeline = '00000000'");
  EXPECT_EQ(process.read(), ReadPath::hit);
  EXPECT_TRUE(process.write());
  EXPECT_EQ(process.read(), ReadPath::not_stored);
  process.round();
  EXPECT_EQ(process.read(), ReadPath::filled);
}

TEST_F(SlotKeeperTest, flushes_all_slots_for_a_database_that_was_restored_elsewhere) {
  Process process{database.options(), options()};
  process.round();
  process.read();
  database.run("update cache_slots set database = '7.1'");
  process.round();
  EXPECT_EQ(process.read(), ReadPath::filled);
}

TEST_F(SlotKeeperTest, reads_the_same_history_in_every_process_and_another_one_elsewhere) {
  const auto history = [](const test::TestDatabase& of) {
    return storage::make_slot_table(of.options())->look().history;
  };
  EXPECT_EQ(history(database), history(database));
  EXPECT_TRUE(history(database).ends_with(".00000001")) << "the timeline of a new cluster";
  const test::TestDatabase other;
  EXPECT_NE(history(database), history(other));
}

TEST_F(SlotKeeperTest, survives_an_outage_of_the_database) {
  Process process{database.options(), options()};
  process.round();
  database.run(
      "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = "
      "current_database() and pid <> pg_backend_pid()");
  process.round();
  EXPECT_THAT(process.observer.failures, testing::SizeIs(testing::Le(1U)))
      << "0 when PgBouncer has reconnected by itself";
  memcached.stop();
  process.keeper.report(0);
  process.round();
  EXPECT_EQ(state(), "down");
}

}  // namespace
}  // namespace codasync::cache
