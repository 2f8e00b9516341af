// Writes and reads through Nginx and several instances, and checks every answer (README.md).
//
//   load --port NGINX --port INSTANCE... --run NAME [OPTION...]
//
// The tokens are in CODASYNC_STAFF_TOKEN and CODASYNC_ADMIN_TOKEN. It says `ready` on standard
// output when its shops, products and readings exist, and executes the commands on standard input:
//
//   readings FILE           writes a file for an import; says `written`, or `nothing`
//   products FILE           the same
//   imported FILE           an import of all of it succeeded; says `noted`
//   stop                    no new operations; says `settled` when every write has its answer
//   compare FOLDER          compares with the dumps in it, prints its report and ends
//
// The report is one JSON object. Violations are printed on standard error at once. The status
// is 1 when there were any.

#include <poll.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>
#include <sstream>

#include "tests/faults/load/load.hpp"

namespace {

using codasync::faults::Load;
using codasync::faults::Options;

constexpr double kSettleSeconds = 180;

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// Returns: whether a line waits on standard input, or its end.
bool called() {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  return ::poll(&input, 1, 0) > 0;
}

/// Does what a line on standard input says while the load runs. Returns: whether it is to stop.
bool execute(Load& load) {
  std::string line;
  std::getline(std::cin, line);
  std::istringstream words{line};
  std::string word;
  std::string file;
  words >> word >> file;
  if (word == "imported") {
    load.imported(file);
    std::cout << "noted" << std::endl;
    return false;
  }
  if (word != "readings" && word != "products") return true;
  const bool written =
      word == "readings" ? load.write_readings_file(file) : load.write_products_file(file);
  std::cout << (written ? "written" : "nothing") << std::endl;
  return false;
}

int run(Load& load) {
  if (!load.set_up()) {
    std::cerr << "load: the shops, products and readings could not be made: " << load.progress()
              << "\n";
    return 1;
  }
  std::cout << "ready" << std::endl;
  auto next = std::chrono::steady_clock::now();
  load.run([&] {
    const auto now = std::chrono::steady_clock::now();
    if (now >= next) {
      std::cerr << load.progress() << std::endl;
      next = now + std::chrono::seconds{10};
    }
    return called() && execute(load);
  });
  std::cout << (load.settle(kSettleSeconds) ? "settled" : "unsettled") << std::endl;
  std::string line;
  std::getline(std::cin, line);
  std::istringstream words{line};
  std::string word;
  std::string folder;
  if (words >> word >> folder && word == "compare") load.compare(folder);
  std::cout << load.report() << std::endl;
  return load.findings().total() == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{"Writes and reads, and checks every answer."};
  app.add_option("--port", options.ports, "of Nginx, then of each instance; on 127.0.0.1")
      ->required();
  app.add_option("--run", options.run, "begins every idempotency key; new for each run")
      ->required();
  app.add_option("--staff-id", options.staff_id, "of the token")->required();
  app.add_option("--admin-id", options.admin_id, "of the token")->required();
  app.add_option("--clients", options.clients,
                 "connections to Nginx; an eighth as many to each instance");
  app.add_option("--rate", options.rate, "requests a second at most; 0: no limit");
  app.add_option("--writes", options.writes, "part of the requests")->check(CLI::Range(0.0, 1.0));
  app.add_option("--hot", options.hot, "part of the writes that goes to what is read most")
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--shops", options.shops, "how many")->check(CLI::Range(1, 1000));
  app.add_option("--products", options.products, "in each of them")->check(CLI::Range(1, 1000));
  app.add_flag("--storefront", options.storefront,
               "read as storefronts do, not some of everything");
  app.add_option("--seed", options.seed, "of every choice");
  CLI11_PARSE(app, argc, argv);
  options.staff_token = from_environment("CODASYNC_STAFF_TOKEN");
  options.admin_token = from_environment("CODASYNC_ADMIN_TOKEN");
  try {
    Load load{options};
    return run(load);
  } catch (const std::exception& failure) {
    std::cerr << "load: " << failure.what() << "\n";
    return 2;
  }
}
