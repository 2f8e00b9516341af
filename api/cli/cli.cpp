#include "api/cli/cli.hpp"

#include <CLI/CLI.hpp>
#include <functional>
#include <iostream>

#include "api/cli/commands.hpp"
#include "api/cli/import_options.hpp"
#include "api/cli/serve.hpp"
#include "config/settings/example.hpp"
#include "config/settings/settings.hpp"
#include "storage/errors.hpp"
#include "storage/migrate.hpp"

namespace codasync::api::cli {
namespace {

using Command = std::function<int(const config::Loaded&)>;

/// Returns: a command that runs only with valid settings.
template <class Work>
Command with_settings(Work work) {
  return [work](const config::Loaded& loaded) {
    if (loaded.problems.empty()) return work(loaded.settings);
    std::cerr << "The settings are not valid:\n";
    for (const auto& problem : loaded.problems) std::cerr << "  " << problem << "\n";
    return kMisused;
  };
}

using File = std::optional<std::filesystem::path>;

void add_serve(CLI::App& app, Command& command, bool& take_over, const File& file) {
  auto* sub = app.add_subcommand("serve", "Run the service until SIGTERM or SIGINT");
  sub->add_flag(
      "--take-over", take_over,
      "Replace a process that listens on the same Unix socket: new connections come here, "
      "and the other process has to be stopped. Without it that is an error");
  sub->callback([&] {
    command = with_settings([&](config::Settings settings) {
      settings.server.take_over = take_over;
      return serve(settings,
                   [&file] { return config::load(file, config::environment_of_process()); });
    });
  });
}

void add_import(CLI::App& app, Command& command, ImportRequest& request, std::string& id) {
  auto* loading =
      app.add_subcommand("import", "Load products or stock readings, or undo an import");
  loading->require_subcommand(1);
  loading->footer(
      "If an import ends early, run it again: rows that are already stored change nothing.\n"
      "Exit codes: 0 all rows were taken; 3 some rows or files were refused; 1 no row was taken, "
      "or "
      "the import stopped early; 2 the command line or the settings are not valid.");
  const auto add_file = [&](const char* name, const char* description, storage::ImportKind kind,
                            auto work) {
    auto* sub = loading->add_subcommand(name, description);
    add_import_options(*sub, kind, request);
    sub->callback([&, work] {
      command = with_settings(
          [&, work](const config::Settings& settings) { return work(settings, request); });
    });
  };
  add_file("products", "Create or update products: gtin, name, brand, category",
           storage::ImportKind::products, import_products);
  add_file(
      "stock-readings",
      "Record stock readings: shop, gtin, expiry_date, date_kind, quantity, kind, observed_at, "
      "name",
      storage::ImportKind::readings, import_readings);
  auto* undo = loading->add_subcommand(
      "undo",
      "Take an import back: void its events, and restore the products that were not changed since");
  undo->add_option("ID", id, "Id of the import, which it printed at its end")->required();
  undo->callback([&] {
    command =
        with_settings([&](const config::Settings& settings) { return undo_import(settings, id); });
  });
  loading
      ->add_subcommand("demo",
                       "Load demo data: shops, products, and readings with dates around today")
      ->callback([&] { command = with_settings(import_demo); });
}

void add_token(CLI::App& app, Command& command, TokenCreation& creation, std::int64_t& id) {
  auto* token = app.add_subcommand("token", "Manage access tokens");
  token->require_subcommand(1);
  auto* create = token->add_subcommand(
      "create", "Create a token and print its secret to stdout; it is shown only once");
  create
      ->add_option("--name", creation.name,
                   "Name of the user or device; shown in the history of readings")
      ->required();
  create
      ->add_option("--role", creation.role,
                   "staff records stock; admin also changes shops, products and tokens")
      ->required()
      ->transform(CLI::CheckedTransformer(std::map<std::string, storage::Role>{
          {"staff", storage::Role::staff}, {"admin", storage::Role::admin}}));
  create
      ->add_option("--shop", creation.shops,
                   "Id of a shop that the token can write to; repeatable. Default: all shops")
      ->check(CLI::PositiveNumber);
  create->add_option("--expires-at", creation.expires_at,
                     "Expiry, such as 2027-01-31T00:00:00Z. Default: never");
  create->callback([&] {
    command = with_settings(
        [&](const config::Settings& settings) { return create_token(settings, creation); });
  });
  token->add_subcommand("list", "List the valid tokens, without their secrets")->callback([&] {
    command = with_settings(list_tokens);
  });
  auto* revoke = token->add_subcommand("revoke", "Revoke a token immediately");
  revoke->add_option("ID", id, "Id of the token, from `codasync token list`")
      ->required()
      ->check(CLI::PositiveNumber);
  revoke->callback([&] {
    command =
        with_settings([&](const config::Settings& settings) { return revoke_token(settings, id); });
  });
}

void add_check(CLI::App& app, Command& command, CheckDepth& depth) {
  auto* sub = app.add_subcommand("check",
                                 "Show the effective settings, and check PostgreSQL and Memcached");
  auto* deep =
      sub->add_flag("--deep", depth.deep,
                    "Also compare each reading with its events, and each cached response with the "
                    "database. It may take minutes; the service keeps running");
  sub->add_flag("--repair", depth.repair,
                "Repair differences: compute readings from their events, delete cache entries")
      ->needs(deep);
  sub->footer(
      "Exit codes: 0 no problems, or all were repaired; 1 problems were found; 2 the settings are "
      "not valid.");
  sub->callback(
      [&] { command = [&](const config::Loaded& loaded) { return check(loaded, depth); }; });
}

void add_settings(CLI::App& app, Command& command) {
  app.add_subcommand("settings",
                     "Print a settings file with every setting, its range and its default")
      ->callback([&] {
        command = [](const config::Loaded&) {
          std::cout << config::example_toml() << std::flush;
          return kDone;
        };
      });
}

void add_cache(CLI::App& app, Command& command, bool& wait) {
  auto* cache = app.add_subcommand("cache", "Show the cache slots, turn the cache off and on");
  cache->require_subcommand(1);
  cache->footer(
      "To change memcached.servers: run `cache off --wait`, change the list everywhere, also in "
      "Nginx, restart all services, and run `cache on`.");
  cache->add_subcommand("status", "Show whether the cache is on, and the state of each slot")
      ->callback([&] { command = with_settings(cache_status); });
  auto* off = cache->add_subcommand(
      "off",
      "Stop adding cache entries in all processes; existing ones are used until they expire");
  off->add_flag("--wait", wait, "Return when no cache entry can be read any more");
  off->callback([&] {
    command =
        with_settings([&](const config::Settings& settings) { return cache_off(settings, wait); });
  });
  cache->add_subcommand("on", "Empty the slots of these settings and start using them")
      ->callback([&] { command = with_settings(cache_on); });
}

void add_ledger(CLI::App& app, Command& command, std::string& before) {
  auto* ledger = app.add_subcommand("ledger", "Maintain the history of stock readings");
  ledger->require_subcommand(1);
  auto* close =
      ledger->add_subcommand("close",
                             "Delete events observed before a day. Readings do not change; events "
                             "from before that day are "
                             "refused from then on. Requires the role of the database's owner");
  close->add_option("--before", before, "First day of a month, such as 2026-01-01")->required();
  close->footer("Take a backup first. If the command is interrupted, run it again.");
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
              << "\nNothing more was changed. Run `codasync check` to find what is unavailable.\n";
  } catch (const InDoubt& error) {
    std::cerr
        << "codasync: " << error.what()
        << "\nThe connection was lost during the commit of the last change. Check whether the "
           "change was made.\n";
  } catch (const std::exception& error) {
    std::cerr << "codasync: " << error.what() << "\n";
  }
  return kFailed;
}

}  // namespace

int run(int argc, const char* const* argv) {
  CLI::App app{"CodaSync: the shop inventory API server and its tools."};
  app.require_subcommand(1);
  app.fallthrough();
  app.footer("Exit codes: 0 done, 1 failed, 2 the command line or the settings are not valid.");
  File file;
  app.add_option(
         "--config", file,
         "TOML file with settings (see `codasync settings`); environment variables override it")
      ->envname("CODASYNC_CONFIG");

  Command command;
  ImportRequest import_request;
  std::string import_id;
  TokenCreation creation;
  std::int64_t token_id{};
  bool take_over{false};
  bool cache_wait{false};
  CheckDepth depth;
  std::string ledger_before;
  add_serve(app, command, take_over, file);
  app.add_subcommand("migrate", "Update the database schema; requires the role of its owner")
      ->callback([&] { command = with_settings(migrate); });
  add_import(app, command, import_request, import_id);
  add_token(app, command, creation, token_id);
  add_cache(app, command, cache_wait);
  add_check(app, command, depth);
  add_settings(app, command);
  add_ledger(app, command, ledger_before);
  app.set_version_flag("--version", "codasync " CODASYNC_VERSION, "Print the version and exit");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kMisused;
  }
  return perform(command, config::load(file, config::environment_of_process()));
}

}  // namespace codasync::api::cli
