#include "config/settings/settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>

#include "config/settings/example.hpp"
#include "config/settings/table.hpp"
#include "config/settings/values.hpp"

namespace codasync::config {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

/// A settings file; the destructor deletes it.
class File {
 public:
  explicit File(const std::string& text) {
    path_ = std::filesystem::temp_directory_path() /
            ("codasync-settings-" + std::to_string(::getpid()) + "-" + std::to_string(counter_++) +
             ".toml");
    std::ofstream{path_} << text;
  }
  ~File() { std::filesystem::remove(path_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  static inline int counter_{0};
  std::filesystem::path path_;
};

Loaded load_text(const std::string& text, const Environment& environment = {}) {
  const File file{text};
  return load(file.path(), environment);
}

std::string source_of(const Loaded& loaded, std::string_view name) {
  return std::ranges::find(loaded.effective, name, &EffectiveSetting::name)->source;
}

std::filesystem::path example() {
  return std::filesystem::path{CODASYNC_SOURCE_DIR} / "config/example.toml";
}

TEST(Settings, the_defaults_are_valid) { EXPECT_THAT(load(std::nullopt, {}).problems, IsEmpty()); }

// Writers continue without an unavailable slot after all its entries have expired, so the storage
// needs the time to live of the cache entries.
TEST(Settings, pass_the_ttl_and_the_number_of_servers_of_the_cache_to_the_storage) {
  const auto file = load_text("[memcached]\nentry_ttl = \"2h\"\nservers = [\"a:1\", \"b:1\"]\n");
  EXPECT_EQ(file.settings.postgres.cache_entry_lifetime, 2h + 5s);
  EXPECT_EQ(file.settings.postgres.cache_slots, 2);
  EXPECT_EQ(load(std::nullopt,
                 {{"CODASYNC_MEMCACHED_ENTRY_TTL", "30d"}, {"CODASYNC_MEMCACHED_LEASE_TTL", "9s"}})
                .settings.postgres.cache_entry_lifetime,
            720h + 9s);
}

TEST(Settings, pass_the_time_of_the_ledger_for_voids_to_the_api) {
  const auto file = load_text("[combiner]\nstaff_void_time = \"2h\"\n");
  EXPECT_EQ(file.settings.api.staff_void_time, 2h);
}

TEST(Settings, the_environment_wins_over_the_file_and_the_file_over_the_default) {
  const auto loaded =
      load_text("[combiner]\nlanes = 3\nbatch_max = 10\n", {{"CODASYNC_COMBINER_LANES", "4"}});
  EXPECT_THAT(loaded.problems, IsEmpty());
  EXPECT_EQ(loaded.settings.combiner.lanes, 4U);
  EXPECT_EQ(loaded.settings.combiner.batch_max, 10U);
  EXPECT_EQ(loaded.settings.combiner.attempts_max, storage::CombinerOptions{}.attempts_max);
  EXPECT_EQ(source_of(loaded, "combiner.lanes"), "CODASYNC_COMBINER_LANES");
  EXPECT_EQ(source_of(loaded, "combiner.batch_max"), "file");
  EXPECT_EQ(source_of(loaded, "combiner.attempts_max"), "default");
}

TEST(Settings, a_variable_of_the_platform_counts_only_without_another_value) {
  const Environment platform{{"DATABASE_URL", "postgresql://db/a"},
                             {"MEMCACHED_URL", "memcached://cache:11211"},
                             {"PORT", "5000"}};
  const auto bare = load(std::nullopt, platform);
  EXPECT_THAT(bare.problems, IsEmpty());
  EXPECT_EQ(bare.settings.postgres.url.reveal(), "postgresql://db/a");
  EXPECT_THAT(bare.settings.memcached.servers, ElementsAre("cache:11211"));
  EXPECT_THAT(bare.settings.server.listen, ElementsAre("0.0.0.0:5000"));
  EXPECT_EQ(source_of(bare, "server.listen"), "PORT");

  const auto overridden = load_text(
      "[server]\nlisten = [\"unix:/run/a\"]\n[postgres]\nurl = \"postgresql://db/b\"\n", platform);
  EXPECT_EQ(overridden.settings.postgres.url.reveal(), "postgresql://db/b");
  EXPECT_THAT(overridden.settings.server.listen, ElementsAre("unix:/run/a"));
}

// Platforms and their add-ons write addresses in several forms.
TEST(Settings, accept_the_addresses_that_platforms_set) {
  for (const auto* url : {"memcached://cache:11211", "memcache://cache:11211/", "cache:11211"}) {
    const auto loaded = load(std::nullopt, {{"MEMCACHED_URL", url}});
    EXPECT_THAT(loaded.problems, IsEmpty()) << url;
    EXPECT_THAT(loaded.settings.memcached.servers, ElementsAre("cache:11211")) << url;
  }
  EXPECT_THAT(load(std::nullopt, {{"MEMCACHED_SERVERS", "none"}}).settings.memcached.servers,
              IsEmpty());
  for (const auto* url :
       {"postgres://u:p%40ss@db.example:5432/d",
        "postgresql://u:p@a:5432,b:5433/d?sslmode=verify-full", "host=db user=u password=p"}) {
    EXPECT_THAT(load(std::nullopt, {{"DATABASE_URL", url}}).problems, IsEmpty()) << url;
  }
}

TEST(Settings, refuse_origins_that_no_browser_sends) {
  const auto loaded = load_text("[api]\ncors_origins = [\"https://a.example/\"]\n");
  EXPECT_THAT(loaded.problems, ElementsAre(HasSubstr("'https://a.example/' is not an origin")));
  EXPECT_THAT(
      load_text("[api]\ncors_origins = [\"https://a.example\"]\n").settings.api.cors_origins,
      ElementsAre("https://a.example"));
  EXPECT_THAT(load(std::nullopt, {{"CODASYNC_API_CORS_ORIGINS", "*"}}).problems, IsEmpty());
  EXPECT_THAT(load(std::nullopt,
                   {{"CODASYNC_API_CORS_ORIGINS", "*"}, {"CODASYNC_API_PUBLIC_READS", "false"}})
                  .problems,
              ElementsAre(HasSubstr("it must list the origins when api.public_reads is false")));
}

TEST(Settings, refuse_a_memcached_address_with_a_login) {
  const auto loaded = load(std::nullopt, {{"MEMCACHED_URL", "memcached://u:hunter2@cache:11211"}});
  EXPECT_THAT(loaded.problems,
              ElementsAre(testing::AllOf(HasSubstr("'cache:11211'"), HasSubstr("SASL"),
                                         Not(HasSubstr("hunter2")))));
  const auto several = load(std::nullopt, {{"MEMCACHED_URL", "u:hunter2@cache:11211,"}});
  for (const auto& all : {loaded, several}) {
    EXPECT_THAT(all.problems, testing::Each(Not(HasSubstr("hunter2"))));
    for (const auto& each : all.effective) EXPECT_THAT(each.value, Not(HasSubstr("hunter2")));
  }
}

TEST(Settings, name_the_parameter_of_a_database_url_that_libpq_does_not_have) {
  const auto loaded = load(std::nullopt, {{"DATABASE_URL", "postgres://u:hunter2@db/d?schema=x"}});
  EXPECT_THAT(loaded.problems,
              ElementsAre(testing::AllOf(HasSubstr("\"schema\""), HasSubstr("remove it"),
                                         Not(HasSubstr("hunter2")))));
}

TEST(Settings, refuse_a_database_url_without_showing_it) {
  EXPECT_THAT(load(std::nullopt, {{"DATABASE_URL", "postgresql://u:hunter2@[/"}}).problems,
              ElementsAre("postgres.url is ******** (DATABASE_URL): not a PostgreSQL URL or "
                          "key=value list."));
}

TEST(Settings, an_empty_variable_is_not_set) {
  const auto loaded = load(std::nullopt, {{"CODASYNC_COMBINER_LANES", ""}, {"PORT", ""}});
  EXPECT_THAT(loaded.problems, IsEmpty());
  EXPECT_EQ(source_of(loaded, "combiner.lanes"), "default");
}

TEST(Settings, an_empty_list_of_servers_turns_the_cache_off) {
  const auto loaded = load_text("[memcached]\nservers = []\n");
  EXPECT_THAT(loaded.problems, IsEmpty());
  EXPECT_THAT(loaded.settings.memcached.servers, IsEmpty());
}

TEST(Settings, all_problems_are_reported_at_once) {
  const auto loaded = load_text(
      "[postgres]\nlock_timeout = 5\nconection_max = 3\n[combiner]\nlanes = "
      "\"two\"\n[executor]\nthreads = 0\n"
      "[api]\npublic_reads = 1\n[serverr]\nworkers = 2\n",
      {{"CODASYNC_LOG_LEVEL", "loud"},
       {"CODASYNC_EXECUTOR_QUEUE_MAX", "-1"},
       {"CODASYNC_SERVER_WORKRS", "3"}});
  EXPECT_THAT(
      loaded.problems,
      testing::UnorderedElementsAre(
          "postgres.lock_timeout is 5 (file): it must be a duration such as \"250ms\", \"5s\", "
          "\"10min\", "
          "\"1h\" or \"30d\".",
          "postgres.conection_max is unknown; did you mean postgres.connections_max?",
          "combiner.lanes is 'two' (file): it must be a whole number such as 8.",
          "executor.threads is 0 (file): it must be 1 to 256.",
          "api.public_reads is 1 (file): it must be true or false.",
          "serverr.workers is unknown; did you mean server.workers?",
          "log.level is loud (CODASYNC_LOG_LEVEL): it must be debug, info, warning or error.",
          "executor.queue_max is -1 (CODASYNC_EXECUTOR_QUEUE_MAX): it must be a whole number such "
          "as 8.",
          "CODASYNC_SERVER_WORKRS is unknown; did you mean CODASYNC_SERVER_WORKERS?"));
}

TEST(Settings, a_variable_whose_name_is_similar_to_another_one_is_known) {
  for (const auto& setting : settings_table()) {
    const auto loaded = load(std::nullopt, {{setting.variable(), "x"}});
    for (const auto& problem : loaded.problems) {
      EXPECT_THAT(problem, Not(HasSubstr("is unknown"))) << setting.variable();
    }
  }
}

TEST(Settings, variables_of_other_programs_with_the_same_prefix_are_accepted) {
  EXPECT_THAT(load(std::nullopt, {{"CODASYNC_URL", "http://127.0.0.1:8080"},
                                  {"CODASYNC_MEMCACHED_PORT", "tcp://10.0.0.1:11211"},
                                  {"CODASYNC_SERVER_SERVICE_HOST", "10.0.0.1"},
                                  {"CODASYNC_TEST_POSTGRES", "postgresql:///postgres"}})
                  .problems,
              IsEmpty());
}

TEST(Settings, a_missing_file_and_invalid_toml_are_problems_with_the_files_name) {
  EXPECT_THAT(load("/nonexistent/codasync.toml", {}).problems,
              ElementsAre(StartsWith("/nonexistent/codasync.toml cannot be read")));
  EXPECT_THAT(load_text("[postgres]\nurl =\n").problems,
              ElementsAre(HasSubstr(" line 2 cannot be read as TOML")));
}

TEST(Settings, a_key_outside_of_a_section_is_a_problem) {
  EXPECT_THAT(load_text("lanes = 3\n").problems,
              ElementsAre(StartsWith("lanes is outside of a section")));
}

TEST(Settings, the_size_of_a_request_leaves_room_for_its_headers) {
  EXPECT_THAT(
      load_text("[api]\nbody_bytes_max = \"1100KB\"\n").problems,
      ElementsAre(StartsWith(
          "server.request_bytes_max is 1100KB (default): it must be api.body_bytes_max (1100KB)")));
}

TEST(Settings, a_secret_is_never_printed) {
  const auto loaded = load_text("[postgres]\nurl = [\"hunter2\"]\n",
                                {{"DATABASE_URL", "postgresql://u:hunter2@db/x"}});
  EXPECT_EQ(loaded.problems.size(), 1U);
  for (const auto& problem : loaded.problems) EXPECT_THAT(problem, Not(HasSubstr("hunter2")));
  for (const auto& each : loaded.effective) EXPECT_THAT(each.value, Not(HasSubstr("hunter2")));
}

TEST(Settings, the_variables_are_named_after_the_settings) {
  for (const auto& setting : settings_table()) {
    const auto loaded = load(std::nullopt, {{setting.variable(), "\x01"}});
    const bool accepted =
        setting.form == Form::text || setting.form == Form::secret || setting.form == Form::list;
    if (accepted) {
      EXPECT_EQ(source_of(loaded, setting.name), setting.variable());
    } else {
      EXPECT_THAT(loaded.problems, Contains(StartsWith(std::string{setting.name} + " is \x01 (")))
          << setting.name;
    }
  }
  EXPECT_EQ(settings_table().front().variable(), "CODASYNC_POSTGRES_URL");
}

/// A setting with a range, and the number of its smallest unit that values of this form have.
struct Range {
  const Setting* setting;
  std::uint64_t min;
  std::uint64_t max;
  const char* unit;
};

void PrintTo(const Range& range, std::ostream* out) { *out << range.setting->name; }

template <class Value>
std::uint64_t parsed(std::string_view text) {
  Value value{};
  EXPECT_TRUE(parse(text, value)) << text;
  if constexpr (std::is_same_v<Value, std::size_t>) return value;
  if constexpr (std::is_same_v<Value, Bytes>) return value.count;
  if constexpr (std::is_same_v<Value, std::chrono::milliseconds>)
    return static_cast<std::uint64_t>(value.count());
}

std::vector<Range> ranges() {
  std::vector<Range> all;
  for (const auto& setting : settings_table()) {
    if (setting.range.empty()) continue;
    const auto to = setting.range.find(" to ");
    const auto number = [&](std::string_view text) {
      if (setting.form == Form::count) return parsed<std::size_t>(text);
      if (setting.form == Form::bytes) return parsed<Bytes>(text);
      const auto time = parsed<std::chrono::milliseconds>(text);
      return setting.form == Form::whole_seconds ? time / 1000 : time;
    };
    const auto* unit = setting.form == Form::duration        ? "ms"
                       : setting.form == Form::whole_seconds ? "s"
                                                             : "";
    all.push_back({&setting, number(setting.range.substr(0, to)),
                   number(setting.range.substr(to + 4)), unit});
  }
  return all;
}

class Ranges : public testing::TestWithParam<Range> {};

TEST_P(Ranges, include_their_ends_and_nothing_beyond) {
  const auto& [setting, min, max, unit] = GetParam();
  const auto rejects = [&, &setting = setting, &unit = unit](std::uint64_t value) {
    const auto problems =
        load(std::nullopt, {{setting->variable(), std::to_string(value) + unit}}).problems;
    return std::ranges::any_of(problems, [&](const auto& problem) {
      return problem.starts_with(setting->name) &&
             problem.ends_with("it must be " + setting->range + ".");
    });
  };
  EXPECT_FALSE(rejects(min));
  EXPECT_FALSE(rejects(max));
  EXPECT_TRUE(rejects(max + 1));
  if (min > 0) {
    EXPECT_TRUE(rejects(min - 1));
  }
}

INSTANTIATE_TEST_SUITE_P(Settings, Ranges, testing::ValuesIn(ranges()), [](const auto& tested) {
  std::string name{tested.param.setting->name};
  std::ranges::replace(name, '.', '_');
  return name;
});

TEST(Settings, every_number_and_duration_has_a_range) {
  for (const auto& setting : settings_table()) {
    const bool number = setting.form == Form::count || setting.form == Form::bytes ||
                        setting.form == Form::duration || setting.form == Form::whole_seconds;
    EXPECT_EQ(number, !setting.range.empty()) << setting.name;
  }
}

TEST(Settings, a_value_outside_its_range_is_reported_with_its_source) {
  EXPECT_THAT(load(std::nullopt, {{"CODASYNC_POSTGRES_ACQUIRE_TIMEOUT", "9ms"}}).problems,
              ElementsAre("postgres.acquire_timeout is 9ms (CODASYNC_POSTGRES_ACQUIRE_TIMEOUT): it "
                          "must be 10ms to 1min."));
}

TEST(Settings, the_lock_timeout_is_shorter_than_the_statement_timeout) {
  EXPECT_THAT(load_text("[postgres]\nlock_timeout = \"5s\"\n").problems,
              ElementsAre("postgres.lock_timeout is 5s (file): it must be shorter than "
                          "postgres.statement_timeout (5s)."));
}

TEST(Settings, each_memcached_server_has_an_address_of_its_own) {
  EXPECT_THAT(
      load_text("[memcached]\nservers = [\"unix:/a\", \"b:1\", \"unix:/a\", \"c\"]\n").problems,
      ElementsAre("memcached.servers is unix:/a,b:1,unix:/a,c (file): 'unix:/a' is listed twice; "
                  "name each server once.",
                  "memcached.servers is unix:/a,b:1,unix:/a,c (file): 'c' must be unix:/path, "
                  "host:port or [IPv6]:port."));
}

TEST(Settings, an_address_has_a_port_or_a_path) {
  for (const auto* address :
       {"127.0.0.1", "127.0.0.1:", ":8081", "127.0.0.1:65536", "127.0.0.1:x", "unix:"}) {
    EXPECT_EQ(load(std::nullopt, {{"CODASYNC_SERVER_LISTEN", address}}).problems.size(), 1U)
        << address;
  }
  for (const auto* address :
       {"127.0.0.1:0", "[::1]:8081", "0.0.0.0:65535", "unix:/run/codasync.sock"}) {
    EXPECT_THAT(load(std::nullopt, {{"CODASYNC_SERVER_LISTEN", address}}).problems, IsEmpty())
        << address;
  }
}

TEST(ExampleToml, loads_without_a_problem_and_has_all_settings_with_their_defaults) {
  const auto loaded = load(example(), {});
  EXPECT_THAT(loaded.problems, IsEmpty());
  const auto defaults = load(std::nullopt, {});
  for (std::size_t at = 0; at < loaded.effective.size(); ++at) {
    EXPECT_EQ(loaded.effective[at].source, "file") << loaded.effective[at].name << " is missing";
    EXPECT_EQ(loaded.effective[at].value, defaults.effective[at].value)
        << loaded.effective[at].name;
  }
  EXPECT_EQ(loaded.settings.postgres.url.reveal(), storage::PostgresOptions{}.url.reveal());
}

std::string text_of(const std::filesystem::path& file) {
  std::ifstream stream{file};
  return {std::istreambuf_iterator<char>{stream}, {}};
}

TEST(ExampleToml, is_the_output_of_the_command_settings) {
  EXPECT_EQ(text_of(example()), example_toml()) << "codasync settings > config/example.toml";
}

TEST(ReadmeOfConfig, has_a_table_of_all_settings) {
  std::string table{"| setting | default | what it is |\n| --- | --- | --- |\n"};
  for (const auto& setting : settings_table()) {
    table.append("| `").append(setting.name).append("` | ").append(setting.default_value);
    table.append(" | ").append(setting.description()).append(" |\n");
  }
  const auto readme = text_of(std::filesystem::path{CODASYNC_SOURCE_DIR} / "config/README.md");
  EXPECT_THAT(readme, HasSubstr("\n" + table + "\n"));
}

}  // namespace
}  // namespace codasync::config
