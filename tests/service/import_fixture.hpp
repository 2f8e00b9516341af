#pragma once

#include <fstream>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "tests/service/service.hpp"

namespace codasync::test {

/// Imports by the command line, and everything that an import may write.
class ImportTest : public ServiceTest {
 protected:
  // Long time limits: what is tested here is not how fast a machine is.
  explicit ImportTest(const std::vector<std::string>& settings = {})
      : ServiceTest{with_long_limits(settings)} {
    do_not_compare_reads();
  }

  static std::vector<std::string> with_long_limits(std::vector<std::string> settings) {
    for (const auto* limit :
         {"CODASYNC_MEMCACHED_CONNECT_TIMEOUT=10s", "CODASYNC_MEMCACHED_ANSWER_TIMEOUT=10s",
          "CODASYNC_COMBINER_QUEUE_TIMEOUT=60s", "CODASYNC_POSTGRES_LOCK_TIMEOUT=20s",
          "CODASYNC_POSTGRES_STATEMENT_TIMEOUT=60s"})
      settings.emplace_back(limit);
    return settings;
  }

  /// What an import prints, without how long it took, and the rows that it refused.
  struct Report {
    int status;
    std::string output;
    std::multiset<std::string> refused;  // the ledger's refusals come in any order
  };

  Report import(const std::string& what, const std::string& path,
                const std::vector<std::string>& options = {}) {
    const auto refused = scratch() + "/refused.csv";
    std::vector<std::string> words{"import", what, path, "--refused", refused};
    words.insert(words.end(), options.begin(), options.end());
    const auto ran = run(words);
    static const std::regex kTime{" in [0-9.]+ s"};
    Report report{ran.status, std::regex_replace(ran.output, kTime, ""), {}};
    std::ifstream file{refused};
    for (std::string line; std::getline(file, line);) report.refused.insert(line);
    return report;
  }

  /// Everything that an import may write: the rows of small tables, a digest of large ones.
  std::string dump() {
    std::string tables;
    for (const std::string table :
         {"shops", "products", "stock_readings", "stock_events", "stock_operations", "stock_voids",
          "stock_segments", "changes", "idempotency_keys", "audit"}) {
      tables += tables.empty() ? "select concat_ws(E'\\n'" : "";
      tables += ", (select '" + table +
                ": ' || count(*) || E'\\n' || coalesce(case when count(*) < 100 then"
                " string_agg(t::text, E'\\n' order by t::text) else"
                " md5(string_agg(t::text, E'\\n' order by t::text)) end, '') from " +
                table + " t)";
    }
    return database().run(tables + ")");
  }

  std::string write(const std::string& name, const std::string& bytes) {
    const auto path = scratch() + "/" + name;
    std::ofstream{path, std::ios::binary} << bytes;
    return path;
  }
};

}  // namespace codasync::test
