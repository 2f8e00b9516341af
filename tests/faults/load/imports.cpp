#include <fstream>
#include <stdexcept>

#include "tests/faults/load/load.hpp"

// Files that the harness imports beside the requests: their rows are writes like all others, and
// certain as soon as an import of the whole file succeeded.

namespace codasync::faults {
namespace {

constexpr std::size_t kRows = 60;     // of readings, in a file
constexpr std::size_t kProducts = 4;  // that are looked at for a file
constexpr Write::Kind kRowKinds[]{Write::Kind::sighting, Write::Kind::check, Write::Kind::count};

std::ofstream open(const std::string& path) {
  std::ofstream file{path};
  if (!file) throw std::runtime_error{"cannot write " + path};
  return file;
}

std::string row_of(const LedgerEvent& said, std::int64_t shop, const std::string& gtin) {
  const char* kind = said.kind == 's' ? "sighting" : said.kind == 'c' ? "check" : "count";
  // The product is known, so its name here says nothing; no version of it has the number 0.
  return std::to_string(shop) + "," + gtin + "," + said.date + "," +
         date_kind_name(said.date_kind) + "," +
         (said.quantity ? std::to_string(*said.quantity) : "") + "," + kind + "," +
         said.observed_at + "Z," + name_of_product(0, 0) + "\n";
}

}  // namespace

bool Load::write_readings_file(const std::string& path) {
  std::string rows;
  std::string first;
  auto& numbers = files_[path];
  for (std::size_t i = 0; i < kRows; ++i) {
    Write write{.kind = kRowKinds[below(std::size(kRowKinds))],
                .target = static_cast<std::int32_t>(pick_reading(happens(options_.hot))),
                .imported = true,
                .observed_at = moment()};
    const auto& reading = world_.readings[static_cast<std::size_t>(write.target)];
    if (!reading.reported || reading.comes_and_goes) continue;
    const auto said = this->said(write, std::ssize(writes_));
    rows += row_of(said, world_.shops[reading.shop].id, world_.products[reading.product].gtin);
    if (first.empty()) first = rows;
    // The same row as in an earlier file is the same event.
    if (rows_.insert(said.id).second) numbers.push_back(enter(write));
  }
  if (rows.empty()) return false;
  // One row stands twice in its file.
  open(path) << "shop,gtin,expiry_date,date_kind,quantity,kind,observed_at,name\n" << rows << first;
  return true;
}

bool Load::write_products_file(const std::string& path) {
  std::string rows;
  auto& numbers = files_[path];
  for (std::size_t i = 0; i < kProducts; ++i) {
    const auto target = below(world_.products.size());
    const auto& product = world_.products[target];
    if (product.busy) continue;
    const auto before = product.facts.back();
    numbers.push_back(enter({.kind = Write::Kind::change_product,
                             .target = static_cast<std::int32_t>(target),
                             .imported = true}));
    const auto& after = product.facts.back();
    // What is empty stays as it is.
    rows += product.gtin + "," + name_of_product(target, after.name) + "," +
            (after.brand == before.brand ? "" : brand_of(after.brand)) + "," +
            (after.category == before.category ? "" : category_of(after.category)) + "\n";
  }
  if (rows.empty()) return false;
  open(path) << "gtin,name,brand,category\n" << rows;
  return true;
}

void Load::imported(const std::string& path) {
  for (const auto number : files_[path]) {
    const auto& write = this->write(number);
    settle_write(
        number,
        {.version = write.version, .floor = write.floor, .sent = write.sent, .write = number});
  }
}

}  // namespace codasync::faults
