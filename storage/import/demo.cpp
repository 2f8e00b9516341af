#include "storage/import/demo.hpp"

#include <array>
#include <cassert>
#include <iterator>
#include <random>
#include <span>
#include <string_view>
#include <unordered_set>

namespace codasync::storage {
namespace {

using namespace std::chrono_literals;
using Words = std::span<const std::string_view>;

/// An aisle of the shop: its products, their packs and their shelf life.
struct Aisle {
  std::string_view category;
  Words things;
  Words flavours;
  Words packs;
  DateKind date_kind;
  unsigned keeps_days;  // maximum shelf life, from the day of delivery
};

constexpr std::string_view kDairy[] = {"Yogurt",          "Greek Yogurt", "Skyr",
                                       "Quark",           "Kefir",        "Rice Pudding",
                                       "Drinking Yogurt", "Custard"};
constexpr std::string_view kDairyFlavours[] = {"Natural",   "Strawberry", "Vanilla",
                                               "Blueberry", "Mango",      "Cherry",
                                               "Honey",     "Raspberry",  "Peach"};
constexpr std::string_view kPots[] = {"125 g", "150 g", "400 g", "500 g", "4 x 100 g"};
constexpr std::string_view kCheese[] = {"Cheddar",    "Gouda", "Goat Cheese", "Cream Cheese",
                                        "Mozzarella", "Feta",  "Blue Cheese"};
constexpr std::string_view kCheeseFlavours[] = {"Mild",    "Mature", "Smoked",      "Herb",
                                                "Organic", "Light",  "Extra Mature"};
constexpr std::string_view kCheesePacks[] = {"125 g", "200 g", "250 g", "400 g"};
constexpr std::string_view kBread[] = {"Rye Bread", "Sourdough Loaf", "Toast",     "Bagels",
                                       "Ciabatta",  "Rolls",          "Flatbread", "Baguette"};
constexpr std::string_view kBreadFlavours[] = {"Wholemeal", "Seeded", "Classic", "Stone-Baked",
                                               "Malted",    "Oat",    "Spelt"};
constexpr std::string_view kBreadPacks[] = {"250 g", "400 g", "500 g", "750 g"};
constexpr std::string_view kMeat[] = {"Chicken Breast", "Turkey Slices", "Ham",        "Salami",
                                      "Beef Burgers",   "Bratwurst",     "Minced Beef"};
constexpr std::string_view kMeatFlavours[] = {"Classic",    "Smoked",      "Peppered",
                                              "Free-Range", "Honey-Roast", "Paprika"};
constexpr std::string_view kMeatPacks[] = {"80 g", "150 g", "300 g", "500 g"};
constexpr std::string_view kSalad[] = {"Leaf Salad",  "Coleslaw",       "Potato Salad", "Hummus",
                                       "Pasta Salad", "Vegetable Soup", "Tofu"};
constexpr std::string_view kSaladFlavours[] = {"Garden", "Crunchy",        "Spicy", "Lemon",
                                               "Basil",  "Roasted Pepper", "Ginger"};
constexpr std::string_view kSaladPacks[] = {"180 g", "200 g", "350 g", "600 g"};
constexpr std::string_view kCereal[] = {"Granola",    "Porridge Oats", "Muesli",      "Corn Flakes",
                                        "Crispbread", "Rice Cakes",    "Oat Biscuits"};
constexpr std::string_view kCerealFlavours[] = {"Almond", "Cocoa",    "Cranberry", "Hazelnut",
                                                "Apple",  "Cinnamon", "Coconut",   "Seven-Grain"};
constexpr std::string_view kCerealPacks[] = {"250 g", "375 g", "500 g", "1 kg"};
constexpr std::string_view kDrinks[] = {"Juice",     "Lemonade",        "Iced Tea", "Smoothie",
                                        "Oat Drink", "Sparkling Water", "Cordial"};
constexpr std::string_view kDrinkFlavours[] = {
    "Apple", "Orange", "Elderflower", "Rhubarb", "Grapefruit", "Blackcurrant", "Pear", "Lime"};
constexpr std::string_view kDrinkPacks[] = {"250 ml", "330 ml", "500 ml", "750 ml", "1 l", "1.5 l"};
constexpr std::string_view kPantry[] = {"Pasta Sauce", "Jam",         "Chutney", "Mustard",
                                        "Soup",        "Baked Beans", "Pesto",   "Chickpeas"};
constexpr std::string_view kPantryFlavours[] = {"Tomato",        "Sweet Pepper", "Plum", "Apricot",
                                                "Country-Style", "Hot",          "Fig",  "Smoky"};
constexpr std::string_view kJars[] = {"190 g", "250 g", "340 g", "400 g", "540 g"};

constexpr Aisle kAisles[] = {
    {"Dairy", kDairy, kDairyFlavours, kPots, DateKind::best_before, 28},
    {"Cheese", kCheese, kCheeseFlavours, kCheesePacks, DateKind::best_before, 45},
    {"Bakery", kBread, kBreadFlavours, kBreadPacks, DateKind::best_before, 6},
    {"Meat", kMeat, kMeatFlavours, kMeatPacks, DateKind::use_by, 10},
    {"Salads and Ready Meals", kSalad, kSaladFlavours, kSaladPacks, DateKind::use_by, 8},
    {"Breakfast", kCereal, kCerealFlavours, kCerealPacks, DateKind::best_before, 270},
    {"Drinks", kDrinks, kDrinkFlavours, kDrinkPacks, DateKind::best_before, 300},
    {"Pantry", kPantry, kPantryFlavours, kJars, DateKind::best_before, 540},
};

constexpr std::string_view kBrands[] = {"Alderbrook",     "Bramble & Oat", "Casa Lumera",
                                        "Dovecote Farm",  "Elmshade",      "Fjordlund",
                                        "Golden Spindle", "Hazelwick",     "Isla Verde",
                                        "Juniper Lane",   "Kestrel Mill",  "Larkmeadow"};

constexpr std::int64_t kFirstItem = 952'100'000'000;  // without its check digit

/// The results of std::mt19937_64 are defined by the standard; those of its distributions are not.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_{seed} {}

  std::size_t below(std::size_t end) { return static_cast<std::size_t>(engine_() % end); }

  template <class Range>
  const auto& one_of(const Range& range) {
    return range[below(std::size(range))];
  }

 private:
  std::mt19937_64 engine_;
};

Gtin gtin_of_item(std::size_t item) {
  const auto digits = kFirstItem + static_cast<std::int64_t>(item);
  std::int64_t sum = 0;
  for (std::int64_t rest = digits, weight = 3; rest > 0; rest /= 10, weight = 4 - weight) {
    sum += rest % 10 * weight;
  }
  return Gtin::from_number(digits * 10 + (10 - sum % 10) % 10);
}

std::string made_of(std::initializer_list<std::string_view> words) {
  std::string text;
  for (const auto word : words) {
    if (!text.empty()) text.push_back(' ');
    text += word;
  }
  return text;
}

std::vector<Demo::Shop> make_shops() {
  return {
      {"Coda Market Lisbon", "Europe/Lisbon"},       {"Coda Market Berlin", "Europe/Berlin"},
      {"Coda Express Berlin East", "Europe/Berlin"}, {"Coda Market New York", "America/New_York"},
      {"Coda Market Mumbai", "Asia/Kolkata"},        {"Coda Market Auckland", "Pacific/Auckland"}};
}

/// A product and its aisle.
struct Placed {
  Demo::Product product;
  const Aisle* aisle;
};

std::vector<Placed> make_products(Dice& dice, std::size_t count) {
  std::vector<Placed> placed;
  std::unordered_set<std::string> names;
  while (placed.size() < count) {
    const auto& aisle = dice.one_of(kAisles);
    const auto& brand = dice.one_of(kBrands);
    auto name = made_of(
        {brand, dice.one_of(aisle.flavours), dice.one_of(aisle.things), dice.one_of(aisle.packs)});
    if (!names.insert(name).second) continue;
    placed.push_back({{.gtin = gtin_of_item(placed.size()),
                       .name = std::move(name),
                       .brand = std::string{brand},
                       .category = std::string{aisle.category}},
                      &aisle});
  }
  return placed;
}

Demo::Reading make_reading(Dice& dice, const Aisle& aisle, Date today) {
  const auto keeps = std::chrono::days{dice.below(aisle.keeps_days)};
  const auto overlooked = std::chrono::days{dice.below(4)};  // so that some are expired
  const auto observed_ago = std::chrono::minutes{dice.below(20UL * 24 * 60)};
  return {.shop = 0,
          .product = 0,
          .date = {Date{std::chrono::sys_days{today} + keeps - overlooked}, aisle.date_kind},
          .quantity = static_cast<std::int64_t>(dice.below(40)),
          .observed_at = std::chrono::sys_days{today} - observed_ago};
}

}  // namespace

Demo make_demo(const DemoOptions& options) {
  assert(options.products >= 1 && options.products <= kDemoProductsMax && options.today.ok());
  Dice dice{options.seed};
  Demo demo{.shops = make_shops(), .products = {}, .readings = {}};
  auto placed = make_products(dice, options.products);
  for (std::size_t shop = 0; shop < demo.shops.size(); ++shop) {
    for (std::size_t product = 0; product < placed.size(); ++product) {
      if (dice.below(100) >= options.stocked_percent) continue;
      auto reading = make_reading(dice, *placed[product].aisle, options.today);
      reading.shop = shop;
      reading.product = product;
      demo.readings.push_back(reading);
    }
  }
  for (auto& one : placed) demo.products.push_back(std::move(one.product));
  return demo;
}

}  // namespace codasync::storage
