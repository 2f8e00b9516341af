#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "tests/service/service.hpp"

// Compares the response to a write with every later read: other code makes the responses of writes,
// and reads use several queries and the cache.

namespace codasync::test {
namespace {

std::string text_of(const rapidjson::Value& value) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer{buffer};
  value.Accept(writer);
  return buffer.GetString();
}

Row row_of(const rapidjson::Value& object) {
  Row row;
  for (const auto& member : object.GetObject())
    row.emplace(member.name.GetString(), text_of(member.value));
  return row;
}

/// Returns: the value of a field; a string without its quotation marks.
std::string unquoted(const Row& row, const std::string& field) {
  const auto found = row.find(field);
  if (found == row.end()) return {};
  const auto& value = found->second;
  return value.starts_with('"') ? value.substr(1, value.size() - 2) : value;
}

/// The addresses that show one row.
struct Reads {
  std::string key;                   // the field that finds the row in a list
  std::vector<std::string> singles;  // show the row alone
  std::vector<std::string> lists;    // show it among others
};

/// Returns: where the row of a write's response can be read; nothing when it is not a row.
std::optional<Reads> reads_of(const Row& row) {
  const std::string base = "/api/v1";
  const auto id = unquoted(row, "id");
  const auto gtin = unquoted(row, "GTIN");
  if (row.contains("shop") && row.contains("GTIN")) {
    const auto shop = unquoted(row, "shop");
    return Reads{
        "id",
        {base + "/stock-readings/" + id, base + "/shops/" + shop + "/stock/" + gtin},
        {base + "/products/" + gtin + "/stock", base + "/stock-readings?limit=1000&shop=" + shop,
         base + "/stock-readings?limit=1000&GTIN=" + gtin,
         base + "/shops/" + shop + "/stock?GTIN=9520000000998," + gtin,
         base + "/stock-readings?shop=" + shop + "&GTIN=" + gtin}};
  }
  if (row.contains("brand"))
    return Reads{"GTIN",
                 {base + "/products/" + gtin},
                 {base + "/products?limit=1000", base + "/products?GTIN=9520000000998," + gtin}};
  if (row.contains("time_zone"))
    return Reads{"id", {base + "/shops/" + id}, {base + "/shops?limit=1000"}};
  if (row.contains("role"))
    return Reads{"id", {base + "/tokens/" + id}, {base + "/tokens?limit=1000"}};
  return std::nullopt;
}

/// Returns: a line for each field that differs.
std::string differences(Row read, const Row& expected) {
  std::string lines;
  for (const auto& [field, value] : expected) {
    const auto found = read.extract(field);
    if (found.empty()) {
      lines += field + " is missing\n";
    } else if (found.mapped() != value) {
      lines += field + " is " + found.mapped() + ", in the write's response " + value + "\n";
    }
  }
  for (const auto& [field, value] : read) lines += field + " is not in the write's response\n";
  return lines;
}

}  // namespace

Row HttpResponse::row() const {
  rapidjson::Document document;
  document.Parse(body.c_str());
  return document.HasParseError() || !document.IsObject() ? Row{} : row_of(document);
}

std::vector<Row> HttpResponse::rows() const {
  rapidjson::Document document;
  document.Parse(body.c_str());
  std::vector<Row> rows;
  if (document.HasParseError() || !document.IsArray()) return rows;
  for (const auto& item : document.GetArray()) {
    if (item.IsObject()) rows.push_back(row_of(item));
  }
  return rows;
}

/// Returns: the row with this key; empty when no page contains it.
Row ServiceTest::find_in_list(std::string path, const std::string& key, const std::string& value) {
  while (!path.empty()) {
    const auto page = connection_->send("GET", path, "", admin());
    for (auto& row : page.rows()) {
      if (row[key] == value) return row;
    }
    path = page.next_page();
  }
  return {};
}

void ServiceTest::expect_every_read_agrees(const std::string& request, const HttpResponse& write) {
  if (!write.header("Idempotency-Replayed").empty()) return;  // the row may have changed since
  auto expected = write.row();
  const auto reads = reads_of(expected);
  if (!reads) return;
  expected.erase("outcome");
  expected.erase("token");  // the secret is shown once
  for (const auto& path : reads->singles) {
    const auto read = connection_->send("GET", path, "", admin());
    EXPECT_EQ(differences(read.row(), expected), "") << "GET " << path << " after " << request;
    if (!write.header("ETag").empty()) {
      EXPECT_EQ(read.header("ETag"), write.header("ETag"))
          << "GET " << path << " after " << request;
    }
  }
  for (const auto& path : reads->lists) {
    EXPECT_EQ(differences(find_in_list(path, reads->key, expected[reads->key]), expected), "")
        << "GET " << path << " after " << request;
  }
  if (write.status == 201) {
    EXPECT_EQ(write.header("Location"), reads->singles.front()) << request;
  }
}

}  // namespace codasync::test
