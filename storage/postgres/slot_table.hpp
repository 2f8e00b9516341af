#pragma once

#include <memory>

#include "storage/options.hpp"
#include "storage/postgres/connection.hpp"
#include "storage/postgres/transaction.hpp"
#include "storage/slot_table.hpp"

namespace codasync::storage::postgres {

/// On a connection of its own.
class PostgresSlotTable final : public SlotTable {
 public:
  explicit PostgresSlotTable(const PostgresOptions& options);

  CacheState look() override;
  std::optional<SlotChange> change(std::size_t slot, const Decide& decide) override;
  void ask(std::size_t slot, const std::string& identity) override;
  void object(std::size_t slot, const std::string& identity) override;
  void stop_fills() override;
  bool start_fills() override;

 private:
  Connection& connection();
  CacheState read();
  void lock_slots();
  void write(std::size_t slot, const SlotChange& change);

  const PostgresOptions options_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace codasync::storage::postgres
