#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cache/cache.hpp"
#include "cache/row_commands.hpp"
#include "cache/server.hpp"

namespace codasync::cache {

/// One read of a page of rows, under the protocol of cache/README.md: a lease for each row, one
/// transaction for all that this reader fills. Threads: one.
class PageRead {
 public:
  /// All must outlive this. `servers`: by slot, at least one.
  PageRead(std::span<const std::unique_ptr<Server>> servers,
           std::chrono::milliseconds answer_timeout, storage::Database& database,
           Observer& observer, std::span<const PageRow> rows, PageSource& source)
      : servers_{servers},
        answer_timeout_{answer_timeout},
        database_{database},
        observer_{observer},
        rows_{rows},
        source_{source},
        found_(rows.size()),
        paths_(rows.size(), ReadPath::unavailable) {}

  /// Returns: as Cache::read_page(). Throws: what the database and `source` throw. Call it once.
  ReadPath run();

 private:
  using Numbers = std::vector<std::size_t>;  // of rows

  /// The rows of one server, and the connection on which their leases were taken.
  struct Part {
    Server* server;
    Server::RowConnection connection;
    Numbers rows;
  };

  /// Ends the leases that are left when a fill fails.
  class Leases {
   public:
    Leases(PageRead& read, std::vector<Part> parts) : read_{read}, parts_{std::move(parts)} {}
    ~Leases() { read_.end_leases(parts_, {}); }
    Leases(const Leases&) = delete;
    Leases& operator=(const Leases&) = delete;

    /// Stores the entries of the rows that have one, and drops the other leases.
    void store(const std::vector<std::optional<std::string>>& commands) {
      auto parts = std::exchange(parts_, {});
      read_.end_leases(parts, commands);
    }

   private:
    PageRead& read_;
    std::vector<Part> parts_;
  };

  /// Looks the rows up. Returns: the parts with leases; sets found_ of all rows, and decodes hits.
  std::vector<Part> look_up(const Numbers& rows);
  std::vector<Part> start_look_up(const Numbers& rows);
  void decode(std::size_t row, Server& server);
  void complete_all(std::span<Part> parts);
  [[nodiscard]] Numbers with_state(const Numbers& rows, FoundRow::State state) const;

  /// Reads the leased rows and stores them; reads the rows `besides` too.
  void fill(std::vector<Part> parts, const Numbers& leased, const Numbers& besides);
  bool produced_in_time(storage::Fill& held, const Numbers& rows);
  [[nodiscard]] std::optional<std::string> store_command(const storage::Fill& held,
                                                         std::size_t row) const;
  [[nodiscard]] bool is_left_out(const storage::Fill& held, std::size_t row) const;
  void end_leases(std::span<Part> parts, const std::vector<std::optional<std::string>>& commands);
  void ready(const Numbers& rows);

  [[nodiscard]] Server& server_of(std::size_t row) const {
    return *servers_[slot_of(rows_[row].key, servers_.size())];
  }

  const std::span<const std::unique_ptr<Server>> servers_;
  const std::chrono::milliseconds answer_timeout_;
  storage::Database& database_;
  Observer& observer_;
  const std::span<const PageRow> rows_;
  PageSource& source_;
  std::vector<FoundRow> found_;
  std::vector<ReadPath> paths_;
  ReadPath path_{ReadPath::hit};  // of the whole page
};

}  // namespace codasync::cache
