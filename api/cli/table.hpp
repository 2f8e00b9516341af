#pragma once

#include <string>
#include <vector>

namespace codasync::api::cli {

/// Rows for a person: in columns on a terminal, with tabs between the fields otherwise, so that
/// other programs can read them. Threads: one.
class Table {
 public:
  explicit Table(std::vector<std::string> header) { add(std::move(header)); }

  /// Requires: as many fields as the header.
  void add(std::vector<std::string> fields) { rows_.push_back(std::move(fields)); }

  /// Writes the table to stdout.
  void print() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace codasync::api::cli
