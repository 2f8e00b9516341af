#include "api/cli/cli.hpp"

#include <CLI/CLI.hpp>
#include <functional>
#include <iostream>

#include "api/cli/command_tree.hpp"
#include "api/cli/commands.hpp"
#include "api/cli/completion.hpp"
#include "api/cli/import_options.hpp"
#include "api/cli/manual.hpp"
#include "api/cli/option_checks.hpp"
#include "api/cli/private_stack.hpp"
#include "api/cli/remote_commands.hpp"
#include "api/cli/serve.hpp"
#include "api/cli/usage_error.hpp"
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
      "Exit status: 0 all rows were taken; 3 some rows or files were refused; 1 no row was taken, "
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
  auto* events = loading->add_subcommand(
      "events",
      "Record the events of an export, for readings without events: a history in a new database");
  add_files_option(*events, request);
  events->callback([&] {
    command = with_settings(
        [&](const config::Settings& settings) { return import_events(settings, request); });
  });
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

void add_export(CLI::App& app, Command& command, ExportTarget& target) {
  auto* exporting =
      app.add_subcommand("export", "Write all products, readings or events to a file");
  exporting->require_subcommand(1);
  exporting->footer(
      "All records are those of one moment, whatever is written meanwhile. `codasync import` reads "
      "them back.");
  const auto add = [&](storage::ExportKind kind, const char* description) {
    auto* sub = exporting->add_subcommand(std::string{storage::name_of(kind)}, description);
    sub->add_option("--output", target.file, "Write to this file instead of stdout")
        ->type_name("FILE");
    auto* format = sub->add_option_function<std::string>(
        "--format",
        [&](const std::string& name) { target.format = parse_export_format(name).value(); },
        "CSV, or one JSON object per line. Default: csv");
    one_of(format, {"csv", "ndjson"});
    if (kind != storage::ExportKind::products) {
      sub->add_option("--shop", target.shops, "Only this shop; repeatable. Default: all shops")
          ->check(whole_number(1))
          ->type_name("ID");
    }
    sub->callback([&, kind] {
      target.kind = kind;
      command = with_settings(
          [&](const config::Settings& settings) { return export_records(settings, target); });
    });
  };
  add(storage::ExportKind::products, "Write the products");
  add(storage::ExportKind::stock_readings, "Write the stock readings as they are now");
  add(storage::ExportKind::events, "Write the history of all readings");
}

CLI::Option* add_json(CLI::App& sub, bool& json) {
  return sub.add_flag("--json", json, "Print JSON instead of text");
}

void add_token(CLI::App& app, Command& command, TokenCreation& creation, std::int64_t& id,
               bool& json) {
  auto* token = app.add_subcommand("token", "Manage access tokens");
  token->require_subcommand(1);
  auto* create = token->add_subcommand(
      "create", "Create a token and print its secret to stdout; it is shown only once");
  create
      ->add_option("--name", creation.name,
                   "Name of the user or device; shown in the history of readings")
      ->required()
      ->type_name("TEXT");
  auto* role = create->add_option_function<std::string>(
      "--role", [&](const std::string& name) { creation.role = storage::parse_role(name).value(); },
      "staff records stock; admin also changes shops, products and tokens");
  one_of(role->required(), {"staff", "admin"});
  create
      ->add_option("--shop", creation.shops,
                   "Of staff: id of a shop that the token is for; repeatable. Default: all shops")
      ->check(whole_number(1))
      ->type_name("ID");
  create
      ->add_option("--expires-at", creation.expires_at,
                   "Expiry, such as 2027-01-31T00:00:00Z. Default: after api.token_lifetime")
      ->type_name("TIME");
  create
      ->add_option("--person", creation.person,
                   "Who works with it; use the same text for the token that replaces it")
      ->type_name("TEXT");
  create->callback([&] {
    command = with_settings(
        [&](const config::Settings& settings) { return create_token(settings, creation); });
  });
  auto* list = token->add_subcommand("list", "List the valid tokens, without their secrets");
  add_json(*list, json);
  list->callback([&] {
    command = with_settings(
        [&](const config::Settings& settings) { return list_tokens(settings, json); });
  });
  auto* revoke = token->add_subcommand("revoke", "Revoke a token immediately");
  revoke->add_option("ID", id, "Id of the token, from `codasync token list`")
      ->required()
      ->check(whole_number(1))
      ->type_name("");
  revoke->callback([&] {
    command =
        with_settings([&](const config::Settings& settings) { return revoke_token(settings, id); });
  });
}

void add_check(CLI::App& app, Command& command, CheckDepth& depth, bool& json) {
  auto* sub = app.add_subcommand("check",
                                 "Show the effective settings, and check PostgreSQL and Memcached");
  auto* deep =
      sub->add_flag("--deep", depth.deep,
                    "Also compare each reading with its events, and each cached response with the "
                    "database. It may take minutes; the service keeps running");
  sub->add_flag("--repair", depth.repair,
                "Repair differences: compute readings from their events, delete cache entries")
      ->needs(deep);
  add_json(*sub, json);
  sub->footer(
      "Exit status: 0 no problems, or all were repaired; 1 problems were found; 2 the settings are "
      "not valid.");
  sub->callback(
      [&] { command = [&](const config::Loaded& loaded) { return check(loaded, depth, json); }; });
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

void add_cache(CLI::App& app, Command& command, bool& wait, bool& json) {
  auto* cache = app.add_subcommand("cache", "Show the cache slots, turn the cache off and on");
  cache->require_subcommand(1);
  cache->footer(
      "To change memcached.servers: run `cache off --wait`, change the list everywhere, also in "
      "Nginx, restart all services, and run `cache on`.");
  auto* status =
      cache->add_subcommand("status", "Show whether the cache is on, and the state of each slot");
  add_json(*status, json);
  status->callback([&] {
    command = with_settings(
        [&](const config::Settings& settings) { return cache_status(settings, json); });
  });
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
  close->add_option("--before", before, "First day of a month, such as 2026-01-01")
      ->required()
      ->type_name("DATE");
  close->footer("Take a backup first. If the command is interrupted, run it again.");
  close->callback([&] {
    command = with_settings(
        [&](const config::Settings& settings) { return close_ledger(settings, before); });
  });
}

void add_remote(CLI::App& app, Command& command, RemoteCall& call, const RemoteService& service) {
  CLI::App* noun = nullptr;
  for (const auto& each : remote_commands()) {
    const auto is_noun = [&](const CLI::App* known) { return known->get_name() == each.noun; };
    if (const auto found = app.get_subcommands(is_noun); !found.empty()) {
      noun = found.front();
    } else {
      noun = app.add_subcommand(std::string{each.noun}, std::string{about_noun(each.noun)});
      noun->require_subcommand(1);
      noun->footer(
          "CODASYNC_URL is the address of the service, CODASYNC_TOKEN a token for it. Without them "
          "the private stack of config/up is used.");
    }
    CLI::App* sub = noun->add_subcommand(std::string{each.verb}, std::string{each.text});
    const auto store = [&call](std::string_view name) -> std::function<void(const std::string&)> {
      return [&call, name = std::string{name}](const std::string& value) {
        call.values[name] = value;
      };
    };
    for (const auto& name : arguments_of_path(each.path)) {
      auto* argument = sub->add_option_function<std::string>(
          name, store(name), name == "ID" ? "Its id, from `list`" : "The GTIN, in any form");
      argument->required()->type_name("");
      if (name == "ID") argument->check(whole_number(1));
    }
    for (const auto& option : each.options) {
      auto* added = sub->add_option_function<std::string>(
          std::string{option.option}, store(option.name), std::string{option.text});
      added->required(option.required)->type_name(std::string{option.type});
      if (const auto words = words_of(*added); !words.empty()) one_of(added, words);
    }
    if (each.kind == RemoteCommand::Kind::list) {
      auto* limit = sub->add_option("--limit", call.limit, "At most so many rows. Default: 100");
      limit->check(whole_number(1))->type_name("N");
      sub->add_flag("--all", call.all, "All rows")->excludes(limit);
    }
    add_json(*sub, call.json);
    sub->callback([&, remote = &each] {
      command = [&, remote](const config::Loaded&) { return run_remote(*remote, call, service); };
    });
  }
}

void add_shell(CLI::App& app, Command& command, std::string& shell) {
  auto* completion = app.add_subcommand("completion", "Print the script that completes commands");
  auto* argument = completion->add_option("SHELL", shell, "The shell");
  one_of(argument->required(), completion_shells());
  completion->footer(
      "bash: source <(codasync completion bash); zsh: source <(codasync completion zsh); fish: "
      "codasync completion fish | source. The Debian package installs them.");
  completion->callback([&] {
    command = [&](const config::Loaded&) {
      std::cout << completion_script(shell) << std::flush;
      return kDone;
    };
  });
  app.add_subcommand("man", "Print the manual page: codasync man | man -l -")->callback([&] {
    command = [&app](const config::Loaded&) {
      std::cout << manual_page(app, CODASYNC_VERSION) << std::flush;
      return kDone;
    };
  });
}

/// Without it, CLI11 accepts `--json=5`.
void refuse_values_of_flags(CLI::App& app) {
  for (auto* option : app.get_options()) {
    if (!takes_value(*option)) option->disable_flag_override();
  }
  for (auto* sub : app.get_subcommands([](CLI::App*) { return true; }))
    refuse_values_of_flags(*sub);
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

/// Where the settings come from: the file of the command line, or the private stack if nothing else
/// gives a setting.
struct Sources {
  File file;
  config::Environment environment{config::environment_of_process()};
  RemoteService service;

  [[nodiscard]] std::string variable(const std::string& name) const {
    const auto found = environment.find(name);
    return found == environment.end() ? std::string{} : found->second;
  }

  /// Adds what the private stack has. `owner`: the command needs the role of the owner.
  void use_private_stack(bool owner) {
    service = {variable("CODASYNC_URL"), variable("CODASYNC_TOKEN")};
    const bool configured = file || has_settings(environment);
    if (configured && !service.url.empty()) return;
    const auto stack = find_private_stack();
    if (!stack) return;
    if (!configured) {
      file = stack->settings;
      if (owner) environment["CODASYNC_POSTGRES_URL"] = stack->value("CODASYNC_DATABASE_URL");
    }
    // The stack's token is for its own address only.
    if (service.url.empty()) {
      const auto own_token = stack->value("CODASYNC_ADMIN_TOKEN");
      service = {stack->value("CODASYNC_URL"), service.token.empty() ? own_token : service.token};
    }
  }
};

}  // namespace

int run(int argc, const char* const* argv) {
  CLI::App app{"CodaSync: the shop inventory API server and its tools.", "codasync"};
  app.require_subcommand(1);
  app.fallthrough();
  app.footer(kExitStatuses);
  Sources sources;
  app.add_option(
         "--config", sources.file,
         "TOML file with settings (see `codasync settings`); environment variables override it")
      ->envname("CODASYNC_CONFIG")
      ->type_name("FILE");

  Command command;
  ImportRequest import_request;
  std::string import_id;
  ExportTarget target;
  TokenCreation creation;
  RemoteCall call;
  std::int64_t token_id{};
  bool take_over{false};
  bool cache_wait{false};
  bool json{false};
  CheckDepth depth;
  std::string ledger_before;
  std::string shell;
  add_serve(app, command, take_over, sources.file);
  app.add_subcommand("migrate", "Update the database schema; requires the role of its owner")
      ->callback([&] { command = with_settings(migrate); });
  add_import(app, command, import_request, import_id);
  add_export(app, command, target);
  add_remote(app, command, call, sources.service);
  add_token(app, command, creation, token_id, json);
  add_cache(app, command, cache_wait, json);
  add_check(app, command, depth, json);
  add_settings(app, command);
  add_ledger(app, command, ledger_before);
  add_shell(app, command, shell);
  app.set_version_flag("--version", "codasync " CODASYNC_VERSION, "Print the version and exit");

  refuse_values_of_flags(app);

  if (argc > 1 && argv[1] == kComplete) {
    std::cout << complete(app, {argv + 2, argv + argc});
    return kDone;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& wanted) {
    return app.exit(wanted);  // help or version
  } catch (const CLI::ParseError& error) {
    std::cerr << "codasync: " << explain_usage(app, error) << "\n";
    return kMisused;
  }
  if (!app.got_subcommand("serve"))
    sources.use_private_stack(app.got_subcommand("migrate") || app.got_subcommand("ledger"));
  return perform(command, config::load(sources.file, sources.environment));
}

}  // namespace codasync::api::cli
