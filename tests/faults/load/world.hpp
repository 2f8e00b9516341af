#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tests/faults/load/client.hpp"
#include "tests/faults/load/register.hpp"
#include "tests/faults/load/replay.hpp"

namespace codasync::faults {

struct Shop {
  std::int64_t id{0};
  Register names;  // version: the number in its name
  std::int64_t next{1};
  bool busy{false};  // one writer at a time
};

struct Product {
  /// The numbers in its texts; 0: it has no such text.
  struct Facts {
    std::int64_t name{0};
    std::int64_t brand{0};
    std::int64_t category{0};
    bool present{false};

    friend bool operator==(const Facts&, const Facts&) = default;
  };

  std::string gtin;
  Register versions;
  Register names;               // version: the number in its name; what readings show of it
  std::vector<Facts> facts{1};  // by version; there is no version 0
  std::int64_t next{1};         // number for a text
  bool busy{false};             // one writer at a time
  bool on_shelves;              // false: no shop has it, so it can be deleted and come back

  [[nodiscard]] bool present() const { return facts.back().present; }
};

struct Reading {
  std::size_t shop;
  std::size_t product;
  std::int64_t id{0};
  Register versions;
  bool comes_and_goes;  // one writer removes it and records it again
  bool reported;        // some writes say when it happened, so events come late and of one moment
  bool scarce;          // begins without a quantity, and is so little that sales touch zero
  bool counted{false};  // a scarce one: a count was acknowledged that is never voided
  bool present{false};
  bool busy{false};
  std::vector<std::int64_t> recent;  // writes that can be taken back
  // Of one that comes and goes and whose times are all reported: computed before each write.
  Replay forecast{};

  [[nodiscard]] bool is_forecast() const { return comes_and_goes && reported; }
};

enum class Kind : std::uint8_t {
  reading_in_shop,
  reading_by_id,
  product_stock,
  product,
  shop,
  shop_list,
  shop_list_by_expiry,
  shop_page,
  products,
  shops,
  history,
};
inline constexpr std::size_t kKinds = 11;
const char* name_of(Kind kind);

/// What one answer says about each register of its resource, in their order.
struct Shown {
  std::vector<std::int64_t> versions;  // kAbsent, kUnknown
  std::vector<std::uint64_t> hashes;
};

/// One address that can be read, and the registers that its answer shows.
struct Resource {
  Kind kind;
  std::size_t index;  // of its shop, product or reading
  std::string uri;
  std::vector<Register*> registers;
  // The last answer with a body: what a 304 to its tag says again.
  std::string etag;
  std::shared_ptr<const Shown> shown;
  // Whether something in it was written since the last read: then no cache can have it.
  bool changed{true};
};

/// A reading as an answer shows it.
struct Row {
  std::int64_t id;
  std::int64_t shop;
  std::string_view gtin;
  std::int64_t version;
  std::int64_t name;    // the number in the product's name
  std::uint64_t shows;  // hash of dates, quantity, version and times; 0: none of them is there
  bool removed;
};

std::int64_t number_after(std::string_view text, std::string_view start);  // -1: not there
std::string_view text_after(std::string_view text, std::string_view start);
/// Returns: the number at the end of a name, `… n12`.
std::int64_t number_of_name(std::string_view object);
Row read_row(std::string_view object);
/// Returns: what an answer shows of a product.
Product::Facts read_facts(std::string_view object);
/// Returns: the product's version in the entity tag of a reading.
std::int64_t product_version(std::string_view etag);
/// Returns: the objects of a flat JSON array or one object.
std::vector<std::string_view> objects_of(std::string_view body);

/// Shops × products, a reading for each pair, and some products without a reading.
class World {
 public:
  World(std::size_t shops, std::size_t products, std::size_t loose_products);

  std::deque<Shop> shops;
  std::deque<Product> products;
  std::deque<Reading> readings;
  std::deque<Resource> resources;
  std::size_t on_shelves;  // number of products that shops have; they come first

  [[nodiscard]] Reading& reading(std::size_t shop, std::size_t product) {
    return readings[shop * on_shelves + product];
  }
  [[nodiscard]] const Reading* reading_of(std::int64_t id) const;
  [[nodiscard]] std::optional<std::size_t> product_of(std::string_view gtin) const;
  void add_id(std::int64_t id, std::size_t reading) { by_id_[id] = reading; }

  /// Builds `resources`, once all ids are known.
  void make_resources();

  /// Marks every resource that shows this register.
  void changed(const Register& written);

  /// Adds to `findings` when an answer shows a product's version with the texts of another one.
  /// `facts`: what it shows; kUnknown as brand: the answer has the name alone.
  void check(const Product& product, std::int64_t version, const Product::Facts& facts,
             const std::string& where, Findings& findings) const;

  /// Returns: what a 200 or 404 says; adds what no such answer may say to `findings`.
  Shown read(const Resource& resource, const Answer& answer, Findings& findings) const;

 private:
  void add_page(std::size_t shop);
  void add(Kind kind, std::size_t index, std::string uri, std::vector<Register*> registers);
  void read_products(const Resource& resource, std::string_view body, Shown& shown,
                     Findings& findings) const;
  void read_readings(const Resource& resource, const Answer& answer, Shown& shown,
                     Findings& findings) const;
  std::unordered_map<std::int64_t, std::size_t> by_id_;
  std::unordered_map<std::string, std::size_t> by_gtin_;
  std::unordered_map<std::int64_t, std::size_t> shop_by_id_;
  std::unordered_map<const Register*, std::vector<Resource*>> showing_;
};

}  // namespace codasync::faults
