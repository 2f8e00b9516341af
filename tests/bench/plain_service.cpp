// The service with one transaction for each write instead of the lanes. All other code is the same.
//
//   plain_service --config codasync.toml --connections 1

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>

#include "api/serve.hpp"
#include "tests/bench/plain_ledger.hpp"

int main(int argc, char** argv) {
  std::filesystem::path config;
  bool prepared{false};
  CLI::App app{"Serves stock readings with one transaction for each write."};
  app.add_option("--config", config, "settings, as for codasync serve")->required();
  app.add_flag("--prepared", prepared, "with prepared statements");
  CLI11_PARSE(app, argc, argv);
  const auto load = [&config] {
    return codasync::config::load(config, codasync::config::environment_of_process());
  };
  const auto loaded = load();
  for (const auto& problem : loaded.problems) std::cerr << "plain_service: " << problem << '\n';
  if (!loaded.problems.empty()) return 2;
  using codasync::bench::Statements;
  const auto statements = prepared ? Statements::prepared : Statements::unnamed;
  return codasync::api::serve(
      loaded.settings,
      [statements](const auto& postgres, const auto&, auto&, auto&) {
        return codasync::bench::make_plain_ledger(postgres.url.reveal(), 1, statements);
      },
      load);
}
