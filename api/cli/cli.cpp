#include "api/cli/cli.hpp"

#include <CLI/CLI.hpp>
#include <functional>
#include <iostream>

#include "api/cli/commands.hpp"
#include "api/serve.hpp"
#include "config/settings/settings.hpp"
#include "storage/errors.hpp"
#include "storage/ledger/combiner.hpp"
#include "storage/migrate.hpp"

namespace codasync::api::cli {
namespace {

using Command = std::function<int(const config::Loaded&)>;

/// A command that needs settings without problems.
template <class Work>
Command with_settings(Work work) {
  return [work](const config::Loaded& loaded) {
    if (loaded.problems.empty()) return work(loaded.settings);
    std::cerr << "The settings are not usable:\n";
    for (const auto& problem : loaded.problems) std::cerr << "  " << problem << "\n";
    return kMisused;
  };
}

void add_import(CLI::App& app, Command& command, ImportSource& source) {
  auto* loading = app.add_subcommand("import", "Load products or stock readings");
  loading->require_subcommand(1);
  loading->footer(
      "An import that ended early may simply be run again: rows that are there already change "
      "nothing.");
  const auto add_file = [&](const char* name, const char* description, auto work) {
    auto* sub = loading->add_subcommand(name, description);
    sub->add_option("FILE", source.file,
                    "CSV with a header; comma, semicolon or tab; UTF-8 or UTF-16")
        ->required()
        ->check(CLI::ExistingFile);
    sub->add_option("--refused", source.refused,
                    "Write refused rows (line, field, reason) to this CSV file, not to stderr");
    sub->add_flag_callback(
        "--restore-zeros", [&] { source.lost_zeros = storage::LostZeros::restore; },
        "Take a GTIN of 11 digits for a UPC-A whose first zero a spreadsheet dropped");
    sub->callback([&, work] {
      command = with_settings(
          [&, work](const config::Settings& settings) { return work(settings, source); });
    });
  };
  add_file("products", "Create or update products: columns gtin, name, brand, category",
           import_products);
  add_file("stock-readings",
           "Record stock readings: columns shop, gtin, expiry_date, date_kind, quantity, kind, "
           "observed_at, name",
           import_readings);
  loading
      ->add_subcommand("demo",
                       "Load a made-up catalogue with shops, products and readings around today")
      ->callback([&] { command = with_settings(import_demo); });
}

void add_token(CLI::App& app, Command& command, TokenCreation& creation, std::int64_t& id) {
  auto* token = app.add_subcommand("token", "Manage access tokens");
  token->require_subcommand(1);
  auto* create =
      token->add_subcommand("create", "Make a token and print its secret on stdout, once");
  create->add_option("--name", creation.name, "Who will use it; the history of readings shows it")
      ->required();
  create
      ->add_option("--role", creation.role,
                   "staff records stock; admin also changes shops, products and tokens")
      ->required()
      ->transform(CLI::CheckedTransformer(std::map<std::string, storage::Role>{
          {"staff", storage::Role::staff}, {"admin", storage::Role::admin}}));
  create
      ->add_option("--shop", creation.shops,
                   "Id of a shop that it is for; repeat for more. Left out: all shops")
      ->check(CLI::PositiveNumber);
  create->add_option("--expires-at", creation.expires_at,
                     "When it ends, as 2027-01-31T00:00:00Z. Left out: never");
  create->callback([&] {
    command = with_settings(
        [&](const config::Settings& settings) { return create_token(settings, creation); });
  });
  token->add_subcommand("list", "List the tokens that are valid, without their secrets")
      ->callback([&] { command = with_settings(list_tokens); });
  auto* revoke = token->add_subcommand("revoke", "End a token at once");
  revoke->add_option("ID", id, "As `token list` shows it")->required()->check(CLI::PositiveNumber);
  revoke->callback([&] {
    command =
        with_settings([&](const config::Settings& settings) { return revoke_token(settings, id); });
  });
}

void add_check(CLI::App& app, Command& command, CheckDepth& depth) {
  auto* sub = app.add_subcommand(
      "check", "Show the settings in force and whether PostgreSQL and Memcached can be reached");
  auto* deep =
      sub->add_flag("--deep", depth.deep,
                    "Also compare each reading with its events, and each answer in the cache "
                    "with the database; it may take minutes and disturbs nobody");
  sub->add_flag(
         "--repair", depth.repair,
         "Mend what differs: write readings anew from their events, delete entries of the cache")
      ->needs(deep);
  sub->footer(
      "Exit codes: 0 nothing is wrong, or all of it was mended; 1 something is wrong; 2 the "
      "settings are.");
  sub->callback(
      [&] { command = [&](const config::Loaded& loaded) { return check(loaded, depth); }; });
}

void add_cache(CLI::App& app, Command& command, bool& wait) {
  auto* cache = app.add_subcommand("cache", "Look at the cache's slots, turn the cache off and on");
  cache->require_subcommand(1);
  cache->footer(
      "To change memcached.servers: `cache off --wait`; change the list everywhere, in Nginx too, "
      "and "
      "start all anew; `cache on`.");
  cache->add_subcommand("status", "Whether the cache is filled, and the state of each slot")
      ->callback([&] { command = with_settings(cache_status); });
  auto* off = cache->add_subcommand(
      "off", "End all fills, in all processes; what is there is used until its life ends");
  off->add_flag("--wait", wait, "Return when nothing that was filled can be read any more");
  off->callback([&] {
    command =
        with_settings([&](const config::Settings& settings) { return cache_off(settings, wait); });
  });
  cache->add_subcommand("on", "Empty the slots of these settings and fill them again")
      ->callback([&] { command = with_settings(cache_on); });
}

void add_ledger(CLI::App& app, Command& command, std::string& before) {
  auto* ledger = app.add_subcommand("ledger", "Look after the history of stock readings");
  ledger->require_subcommand(1);
  auto* close = ledger->add_subcommand(
      "close",
      "Delete events that were observed before a day; readings stay as they are, and older events "
      "are refused from then on. Needs the rights of the database's owner");
  close->add_option("--before", before, "The first day of a month, as 2026-01-01")->required();
  close->footer("One that was interrupted may simply be run again. Take a backup first.");
  close->callback([&] {
    command = with_settings(
        [&](const config::Settings& settings) { return close_ledger(settings, before); });
  });
}

int perform(const Command& command, const config::Loaded& loaded) {
  try {
    return command(loaded);
  } catch (const Unavailable& error) {
    std::cerr << "codasync: " << error.what()
              << "\nNothing more was changed. `codasync check` tells what can be reached.\n";
  } catch (const InDoubt& error) {
    std::cerr << "codasync: " << error.what()
              << "\nThe connection was lost while the last change was being committed: look "
                 "whether it is there.\n";
  } catch (const std::exception& error) {
    std::cerr << "codasync: " << error.what() << "\n";
  }
  return kFailed;
}

}  // namespace

int run(int argc, const char* const* argv) {
  CLI::App app{
      "CodaSync keeps what is known about the stock of shops: products, shelves, shortest dates."};
  app.require_subcommand(1);
  app.fallthrough();
  app.footer("Exit codes: 0 done, 1 failed, 2 the command line or the settings are wrong.");
  std::optional<std::filesystem::path> file;
  app.add_option("--config", file,
                 "Settings, a TOML file (config/example.toml); the environment wins over it")
      ->envname("CODASYNC_CONFIG");

  Command command;
  ImportSource source;
  TokenCreation creation;
  std::int64_t token_id{};
  bool cache_wait{false};
  CheckDepth depth;
  std::string ledger_before;
  app.add_subcommand("serve", "Run the service until SIGTERM or SIGINT")->callback([&] {
    command = with_settings([&file](const auto& settings) {
      return serve(settings, storage::make_combiner,
                   [&file] { return config::load(file, config::environment_of_process()); });
    });
  });
  app.add_subcommand("migrate",
                     "Bring the database's schema up to date; needs the rights of its owner")
      ->callback([&] { command = with_settings(migrate); });
  add_import(app, command, source);
  add_token(app, command, creation, token_id);
  add_cache(app, command, cache_wait);
  add_check(app, command, depth);
  add_ledger(app, command, ledger_before);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kMisused;
  }
  return perform(command, config::load(file, config::environment_of_process()));
}

}  // namespace codasync::api::cli
