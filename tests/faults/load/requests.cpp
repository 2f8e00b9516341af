#include <ctime>

#include "storage/operation_name.hpp"
#include "tests/faults/load/fields.hpp"
#include "tests/faults/load/load.hpp"

// What each write says, made of its number alone, so that its repetition says the same.

namespace codasync::faults {
namespace {

constexpr std::int64_t kShelf = 1'000'000;
constexpr std::int64_t kFew = 4;  // quantities of what is scarce

/// Returns: the time as the ledger's dump has it.
std::string time_text(std::int64_t seconds) {
  const std::time_t at{seconds};
  std::tm parts{};
  ::gmtime_r(&at, &parts);
  char text[32];
  const auto size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S.000000", &parts);
  return {text, size};
}

// All dates of the load are in the future, so nothing of it is expired.

/// Returns: one of many dates.
std::string day(int year, std::int64_t number) {
  return std::to_string(year) + "-0" + std::to_string(1 + number % 9) + "-1" +
         std::to_string(number / 9 % 10);
}

/// Returns: one of a few dates, so that events of one moment agree and disagree.
std::string close_day(std::int64_t number) { return "2078-01-1" + std::to_string(number % 3); }

char date_kind(std::int64_t number) { return "\0usb"[number / 3 % 4]; }

std::string name_of_shop(const std::string& run, std::size_t s, std::int64_t n) {
  return "Shop " + run + " " + std::to_string(s) + " n" + std::to_string(n);
}

/// Returns: the name of a row of a file that says this.
std::string name_of_row(std::int64_t shop, const std::string& gtin, const LedgerEvent& said) {
  Event row{.id = {},
            .kind = said.kind == 's'   ? EventKind::sighting
                    : said.kind == 'c' ? EventKind::check
                                       : EventKind::count,
            .quantity = said.quantity,
            .observed_at = parse_instant(said.observed_at + 'Z').value()};
  if (!said.date.empty()) {
    row.date = ShelfDate{parse_date(said.date).value(), std::nullopt};
    if (said.date_kind != 0) row.date->kind = parse_date_kind(date_kind_name(said.date_kind));
  }
  return to_string(storage::name_of_row(ShopId{shop}, Gtin::parse(gtin).value(), row));
}

}  // namespace

void add_date_and_quantity(const LedgerEvent& said, Fields& body) {
  body.add("expiry_date", said.date.empty() ? "null" : '"' + said.date + '"');
  if (said.date_kind != 0) body.add_text("date_kind", date_kind_name(said.date_kind));
  if (said.quantity) body.add("quantity", *said.quantity);
}

std::string name_of_product(std::size_t p, std::int64_t n) {
  return "Tea " + std::to_string(p) + " n" + std::to_string(n);
}
std::string brand_of(std::int64_t n) { return "Brand n" + std::to_string(n); }
std::string category_of(std::int64_t n) { return "Tea n" + std::to_string(n); }

std::string date_kind_name(char kind) {
  return kind == 'u' ? "use_by" : kind == 's' ? "sell_by" : kind == 'b' ? "best_before" : "";
}

std::string Load::id_of(std::int64_t number) const {
  const auto& write = this->write(number);
  if (write.imported && write.of_reading()) return said(write, number).id;
  if (write.listed()) {
    const auto& sender = senders_[static_cast<std::size_t>(write.sender)];
    return to_string(sender.device
                         ? storage::name_of_operation(*sender.device, numbered_uuid(number))
                         : storage::name_of_item(TokenId{options_.staff_id}, key_of(number)));
  }
  const auto token = write.by_admin() ? options_.admin_id : options_.staff_id;
  return to_string(storage::name_of_key(TokenId{token}, key_of(number)));
}

LedgerEvent Load::said(const Write& write, std::int64_t number) const {
  const auto& reading = world_.readings[static_cast<std::size_t>(write.target)];
  LedgerEvent event;
  event.reading = reading.id;
  const bool late = write.observed_at != 0;
  if (late) event.observed_at = time_text(write.observed_at);
  // Of one moment few quantities, so that some agree.
  const auto quantity =
      reading.scarce ? number % kFew : kShelf + number % (late ? kFew : 1000 * kFew);
  switch (write.kind) {
    case Write::Kind::record:
      event.kind = 's';
      event.date = day(2077, number);
      if (!reading.scarce) event.quantity = kShelf + (late ? number % kFew : 0);
      break;
    case Write::Kind::sighting:
      event.kind = 's';
      event.date = late ? close_day(number) : day(2079, number);
      if (late) event.date_kind = date_kind(number);
      if (late && number % 5 == 0) event.quantity = quantity;
      break;
    case Write::Kind::check:
      event.kind = 'c';
      if (reading.scarce && number % 3 == 0) break;  // the shelf is empty
      event.date = late ? close_day(number) : day(2078, number);
      if (late) event.date_kind = date_kind(number);
      break;
    case Write::Kind::count:
      event.kind = 'q';
      event.quantity = quantity;
      break;
    case Write::Kind::adjust:
      event.kind = 'a';
      event.delta = number % 2 == 0 ? 1 : -1;
      // Now, what is scarce can only become more: less could be refused.
      if (reading.scarce) event.delta = late ? number % (2 * kFew) - kFew : 1;
      break;
    case Write::Kind::remove:
      event.kind = 'r';
      break;
    default:
      event.kind = 'v';
      event.voids = id_of(write.takes_back);
  }
  event.id = write.imported ? name_of_row(world_.shops[reading.shop].id,
                                          world_.products[reading.product].gtin, event)
                            : id_of(number);
  return event;
}

std::string Load::request_of(std::int64_t number) const {
  const auto& write = writes_[static_cast<std::size_t>(number)];
  const auto target = static_cast<std::size_t>(write.target);
  std::string method = "POST";
  std::string path = "/stock-readings";
  Fields body;
  if (write.of_reading()) {
    const auto& reading = world_.readings[target];
    const auto event = said(write, number);
    const auto id = "/" + std::to_string(reading.id);
    switch (write.kind) {
      case Write::Kind::adjust:
        path += id + "/adjust";
        body.add("delta", event.delta);
        break;
      case Write::Kind::count:
        method = "PATCH";
        path += id;
        body.add("quantity", *event.quantity);
        break;
      case Write::Kind::remove:
        method = "DELETE";
        path += id;
        break;
      case Write::Kind::take_back:
        method = "DELETE";
        path += id + "/history/" + event.voids;
        break;
      default:
        body.add("shop", world_.shops[reading.shop].id)
            .add_text("GTIN", world_.products[reading.product].gtin);
        add_date_and_quantity(event, body);
        if (event.kind == 'c') body.add_text("kind", "check");
    }
    if (write.observed_at != 0) body.add_text("observed_at", event.observed_at + "Z");
  } else if (write.kind == Write::Kind::name_shop) {
    const auto id = world_.shops[target].id;
    method = id == 0 ? "POST" : "PATCH";
    path = id == 0 ? "/shops" : "/shops/" + std::to_string(id);
    body.add_text("name", name_of_shop(options_.run, target, write.version));
  } else if (write.kind == Write::Kind::rename) {
    method = "PATCH";
    path += "/" + std::to_string(world_.readings[target].id);
    body.add_text("name", name_of_product(product_index(write), write.name));
  } else {
    const auto& product = world_.products[target];
    const auto version = static_cast<std::size_t>(write.version);
    const auto& before = product.facts[version - 1];
    const auto& after = product.facts[version];
    const bool whole = write.kind == Write::Kind::put_product;
    path = "/products/" + product.gtin;
    method = whole ? "PUT" : write.kind == Write::Kind::drop_product ? "DELETE" : "PATCH";
    if (whole || after.name != before.name)
      body.add_text("name", name_of_product(target, after.name));
    // In a PUT, what is left out is removed.
    if (whole ? after.brand != 0 : after.brand != before.brand)
      body.add_text_or_null("brand", after.brand, brand_of);
    if (whole || after.category != before.category)
      body.add_text_or_null("category", after.category, category_of);
  }
  const auto text = body.object();
  std::string request = method + " /api/v1" + path +
                        " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " +
                        (write.by_admin() ? options_.admin_token : options_.staff_token) +
                        "\r\nIdempotency-Key: " + key_of(number) + "\r\n";
  if (!text.empty()) request += "Content-Type: application/json\r\n";
  return request + "Content-Length: " + std::to_string(text.size()) + "\r\n\r\n" + text;
}

}  // namespace codasync::faults
