#pragma once

#include <cstdint>
#include <optional>
#include <pqxx/prepared_statement>
#include <string>
#include <vector>

#include "storage/model/gtin.hpp"
#include "storage/model/ids.hpp"
#include "storage/postgres/arrays.hpp"
#include "storage/postgres/connection.hpp"

namespace codasync::storage::postgres {

/// A statement composed of constant texts; every value from outside is a parameter.
class Query {
 public:
  explicit Query(std::string sql) : sql_{std::move(sql)} {}

  /// Adds text.
  Query& add(const std::string& sql) {
    sql_ += sql;
    return *this;
  }

  /// Returns: the placeholder of a value.
  std::string parameter(std::string value) {
    values_.push_back(std::move(value));
    return "$" + std::to_string(values_.size());
  }
  std::string parameter(std::int64_t value) {
    return parameter(std::to_string(value)) + "::bigint";
  }

  /// The same for an array of their numbers.
  std::string parameter(const std::vector<ShopId>& shops) {
    return parameter(array_of(shops, [](ShopId id) { return std::to_string(id.value()); })) +
           "::bigint[]";
  }
  std::string parameter(const std::vector<Gtin>& gtins) {
    return parameter(array_of(gtins, [](Gtin gtin) { return std::to_string(gtin.number()); })) +
           "::bigint[]";
  }

  /// Throws: see Connection.
  pqxx::result run(Connection& connection) const {
    return connection.exec_params(sql_, pqxx::prepare::make_dynamic_params(values_));
  }

 private:
  std::string sql_;
  std::vector<std::string> values_;
};

}  // namespace codasync::storage::postgres
