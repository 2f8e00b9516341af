// The service with one transaction for each write instead of the lanes. All other code is the same.
//
//   plain_service --config codasync.toml --connections 1

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>
#include <stdexcept>

#include "api/cli/serve.hpp"
#include "storage/ledger/combiner.hpp"
#include "tests/bench/plain_ledger.hpp"

namespace {

auto statements = codasync::bench::Statements::unnamed;

}  // namespace

namespace codasync::storage {

/// The linker takes these functions instead of the library's.
std::unique_ptr<StockLedger> make_combiner(const PostgresOptions& postgres, const CombinerOptions&,
                                           Invalidation&, LedgerObserver&) {
  return bench::make_plain_ledger(postgres.url.reveal(), 1, statements);
}
std::unique_ptr<StockLedger> make_rehearsal(const PostgresOptions&, const CombinerOptions&,
                                            Invalidation&, LedgerObserver&) {
  throw std::logic_error{"the benchmark makes no dry run of an import"};
}

}  // namespace codasync::storage

int main(int argc, char** argv) {
  std::filesystem::path config;
  CLI::App app{"Serves stock readings with one transaction for each write."};
  app.add_option("--config", config, "settings, as for codasync serve")->required();
  app.add_flag_callback(
      "--prepared", [] { statements = codasync::bench::Statements::prepared; },
      "with prepared statements");
  CLI11_PARSE(app, argc, argv);
  const auto load = [&config] {
    return codasync::config::load(config, codasync::config::environment_of_process());
  };
  const auto loaded = load();
  for (const auto& problem : loaded.problems) std::cerr << "plain_service: " << problem << '\n';
  if (!loaded.problems.empty()) return 2;
  return codasync::api::cli::serve(loaded.settings, load);
}
