#include "tests/service/service.hpp"

// POST /scan: what scanners send about one item is parsed, recorded and explained.

namespace codasync::test {
namespace {

using testing::HasSubstr;

constexpr const char* kPath = "/api/v1/scan";
constexpr const char* kPack = "]d201095212345432131726122410ABC123\\u001d2177";  // in JSON

class Scan : public ServiceTest {
 protected:
  /// `codes`: the elements of the list, as JSON. `more`: further fields, with a comma before them.
  HttpResponse scan(const std::string& codes, const std::string& more, httplib::Headers headers) {
    return post(kPath, R"({"shop":)" + shop() + R"(,"codes":[)" + codes + "]" + more + "}",
                headers);
  }
  HttpResponse scan(const std::string& codes, const std::string& more = "") {
    return scan(codes, more, staff());
  }
  HttpResponse scan_pack(const std::string& more = R"(,"name":"Oats")") {
    return scan(quoted(kPack), more);
  }

  static std::string quoted(const std::string& code) { return "\"" + code + "\""; }

  /// Returns: a member of the response, as JSON text.
  static std::string member(const HttpResponse& response, const std::string& name) {
    auto row = response.row();
    return row[name];
  }

  /// The reading in a response is the one that later reads show.
  void expect_reading_is_read(const HttpResponse& response, const std::string& gtin) {
    const auto read = get("/api/v1/shops/" + shop() + "/stock/" + gtin);
    EXPECT_EQ(read.status, 200);
    EXPECT_EQ(member(response, "reading"), read.body);
  }

  std::string counts() {
    return database().run(
        "select (select count(*) from stock_readings), (select count(*) from stock_events),"
        " (select count(*) from products), (select count(*) from idempotency_keys)");
  }

  httplib::Headers staff_of_another_shop() {
    const auto south = post("/api/v1/shops", R"({"name":"South"})", admin()).number("id");
    const auto token =
        post("/api/v1/tokens",
             R"({"name":"Phone","role":"staff","shops":[)" + std::to_string(south) + "]}", admin());
    return {{"Authorization", "Bearer " + token.text("token")}};
  }
};

TEST_F(Scan, records_the_date_of_a_pack) {
  const auto made = scan_pack();
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(member(made, "item"),
            R"({"GTIN":"9521234543213","expiry_date":"2026-12-24","date_kind":"use_by",)"
            R"("lot":"ABC123","serial":"77","weight":null,"restricted":false})");
  EXPECT_EQ(member(made, "parsed"),
            R"([{"symbology":"GS1 DataMatrix","form":"element_string","gtin":"9521234543213",)"
            R"("elements":[{"ai":"01","value":"09521234543213"},)"
            R"({"ai":"17","value":"261224","date":"2026-12-24"},)"
            R"({"ai":"10","value":"ABC123"},{"ai":"21","value":"77"}]}])");
  EXPECT_EQ(member(made, "outcome"), R"("applied")");
  EXPECT_EQ(member(made, "became_shortest"), "true");
  EXPECT_EQ(member(made, "previous"), "null");
  EXPECT_EQ(member(made, "missing"), "[]");
  expect_reading_is_read(made, "9521234543213");
  EXPECT_EQ(made.header("Location"), "/api/v1/stock-readings/" + std::to_string(made.number("id")));
  EXPECT_EQ(get(made.header("Location")).header("ETag"), made.header("ETag"));
}

TEST_F(Scan, says_what_was_before_and_whether_the_date_became_the_shortest) {
  scan_pack(R"(,"name":"Oats","quantity":5)");
  const auto later = scan(R"("(01)09521234543213(17)261231")");
  EXPECT_EQ(later.status, 200);
  EXPECT_EQ(member(later, "outcome"), R"("kept")");
  EXPECT_EQ(member(later, "became_shortest"), "false");
  const auto earlier = scan(R"("(01)09521234543213(15)261220")");
  EXPECT_EQ(member(earlier, "outcome"), R"("applied")");
  EXPECT_EQ(member(earlier, "became_shortest"), "true");
  EXPECT_EQ(member(earlier, "previous"),
            R"({"expiry_date":"2026-12-24","date_kind":"use_by","quantity":5})");
  expect_reading_is_read(earlier, "9521234543213");
  const auto again = scan(R"("(01)09521234543213(15)261220")");
  EXPECT_EQ(member(again, "outcome"), R"("kept")");
  EXPECT_EQ(member(again, "became_shortest"), "false");
}

TEST_F(Scan, of_two_symbols_of_a_pack_is_one_item) {
  const auto made = scan(R"("]E09521234543213","]C115261224")", R"(,"name":"Oats","quantity":7)");
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.text("GTIN"), "9521234543213");
  EXPECT_THAT(member(made, "reading"), HasSubstr(R"("expiry_date":"2026-12-24")"));
  EXPECT_THAT(member(made, "reading"), HasSubstr(R"("date_kind":"best_before")"));
  EXPECT_THAT(member(made, "reading"), HasSubstr(R"("quantity":7)"));
}

TEST_F(Scan, with_a_kind_is_a_check_or_a_count) {
  scan_pack();
  const auto check = scan(R"("(01)09521234543213(17)270131")", R"(,"kind":"check")");
  EXPECT_EQ(member(check, "became_shortest"), "true") << "a check can move the date later";
  EXPECT_THAT(member(check, "reading"), HasSubstr(R"("expiry_date":"2027-01-31")"));
  const auto count = scan(R"("9521234543213")", R"(,"quantity":12)");
  EXPECT_EQ(member(count, "outcome"), R"("applied")") << "a quantity needs no date";
  EXPECT_THAT(member(count, "reading"), HasSubstr(R"("quantity":12)"));
  const auto both = scan(R"("(01)09521234543213(17)261201")", R"(,"kind":"count","quantity":11)");
  EXPECT_THAT(member(both, "reading"), HasSubstr(R"("expiry_date":"2027-01-31")"));
  EXPECT_THAT(member(both, "reading"), HasSubstr(R"("quantity":11)"));
}

TEST_F(Scan, says_what_is_missing_and_records_nothing) {
  scan_pack();
  const auto before = counts();
  struct Case {
    const char* codes;
    const char* more;
    const char* missing;
    bool reading;
  };
  for (const auto& [codes, more, missing, reading] : {
           Case{R"("9521234543213")", "", R"(["expiry_date"])", true},
           Case{R"("9521234543213")", R"(,"kind":"check")", R"(["expiry_date"])", true},
           Case{R"("(17)261224")", "", R"(["GTIN"])", false},
           Case{R"("(10)A")", "", R"(["GTIN","expiry_date"])", false},
           Case{R"("4006381333931")", "", R"(["expiry_date","name"])", false},
           Case{R"("4006381333931")", R"(,"name":"Tea")", R"(["expiry_date"])", false},
           Case{R"("(01)04006381333931(17)261224")", "", R"(["name"])", false},
           Case{R"("4006381333931")", R"(,"quantity":3)", R"(["name"])", false},
       }) {
    SCOPED_TRACE(std::string{codes} + more);
    auto headers = staff();
    headers.emplace("Idempotency-Key", "missing");
    const auto response = scan(codes, more, headers);
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(member(response, "missing"), missing);
    EXPECT_EQ(member(response, "outcome"), "null");
    EXPECT_EQ(member(response, "became_shortest"), "false");
    EXPECT_EQ(member(response, "previous"), "null");
    EXPECT_EQ(response.header("Cache-Control"), "no-store");
    if (reading) {
      expect_reading_is_read(response, "9521234543213");
    } else {
      EXPECT_EQ(member(response, "reading"), "null");
    }
  }
  EXPECT_EQ(counts(), before) << "the key was not used either";
}

TEST_F(Scan, of_codes_with_errors_explains_them) {
  const auto response = scan(R"("]d2010952123454321317261332","hello","")");
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(member(response, "parsed"),
              HasSubstr(R"("error":{"at":23,"detail":"The month of this date is not 01 to 12."})"));
  EXPECT_THAT(member(response, "parsed"),
              HasSubstr(R"("error":{"at":0,"detail":"This is neither a GTIN)"));
  EXPECT_THAT(member(response, "parsed"), HasSubstr(R"("detail":"This code is empty.")"));
  EXPECT_EQ(member(response, "missing"), R"(["GTIN","expiry_date"])");
  EXPECT_EQ(member(response, "outcome"), "null");
  const auto good = scan(R"("hello","(01)09521234543213(17)261224")", R"(,"name":"Oats")");
  EXPECT_EQ(good.status, 201) << "the other codes are enough";
}

TEST_F(Scan, dry_run_reads_the_codes_and_looks_up) {
  scan_pack();
  const auto before = counts();
  const auto known = scan(R"("(01)09521234543213(17)261201")", R"(,"dry_run":true)");
  EXPECT_EQ(known.status, 200);
  EXPECT_EQ(member(known, "outcome"), "null");
  EXPECT_EQ(member(known, "missing"), "[]");
  EXPECT_THAT(member(known, "item"), HasSubstr(R"("expiry_date":"2026-12-01")"));
  expect_reading_is_read(known, "9521234543213");
  const auto unknown = scan(R"("(01)04006381333931(17)261201")", R"(,"dry_run":true)");
  EXPECT_EQ(member(unknown, "missing"), R"(["name"])");
  EXPECT_EQ(member(unknown, "reading"), "null");
  EXPECT_EQ(counts(), before);
}

TEST_F(Scan, reports_digits_that_can_be_two_things_as_both) {
  const auto both = scan(R"("01457384")", R"(,"dry_run":true)");
  EXPECT_EQ(member(both, "parsed"),
            R"([{"symbology":null,"form":"gtin","gtin":"01457384","elements":[],)"
            R"("alternatives":[{"form":"upc_e","gtin":"014573000084","elements":[]}]}])");
  const auto chosen = scan(R"("01457384")", R"(,"dry_run":true,"upc_e":true)");
  EXPECT_THAT(member(chosen, "item"), HasSubstr(R"("GTIN":"014573000084")"));
}

TEST_F(Scan, accepts_the_character_that_a_scanner_sends_as_separator) {
  const auto made =
      scan(R"("01095212345432131726122410ABC~2177")", R"(,"separator":"~","name":"Oats")");
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_THAT(member(made, "item"), HasSubstr(R"("lot":"ABC","serial":"77")"));
}

TEST_F(Scan, shows_weights_and_prices_as_numbers) {
  const auto response = scan(R"("]d20199521234543216310300125039220299")", R"(,"dry_run":true)");
  EXPECT_THAT(member(response, "parsed"), HasSubstr(R"("number":1.25)"));
  EXPECT_THAT(member(response, "parsed"), HasSubstr(R"("number":2.99)"));
  EXPECT_THAT(member(response, "item"), HasSubstr(R"("weight":1.25)"));
  const auto own = scan(R"("2671328008153")", R"(,"dry_run":true)");
  EXPECT_THAT(member(own, "item"), HasSubstr(R"("restricted":true)"));
}

TEST_F(Scan, of_codes_that_contradict_each_other_is_refused) {
  const auto before = counts();
  for (const auto* more : {R"(,"name":"Oats")", R"(,"dry_run":true)"}) {
    const auto gtins = scan(R"("]E09521234543213","]E04006381333931","(17)261224")", more);
    EXPECT_EQ(gtins.status, 422);
    EXPECT_EQ(gtins.text("type"), "urn:codasync:problem:conflicting-codes");
    EXPECT_THAT(gtins.body, HasSubstr(R"(["Code 2: The codes have different GTINs)"));
    const auto dates = scan(R"("(01)09521234543213(17)261224","(17)261231")", more);
    EXPECT_EQ(dates.status, 422);
    EXPECT_THAT(dates.body, HasSubstr("has two different values"));
  }
  EXPECT_EQ(counts(), before);
}

TEST_F(Scan, of_bad_requests_is_400) {
  std::string many{"\"9521234543213\""};
  for (int i = 1; i < 17; ++i) many += ",\"9521234543213\"";
  std::string thousands{"\"9521234543213\""};
  for (int i = 1; i < 5000; ++i) thousands += ",\"9521234543213\"";
  for (const auto& codes : {std::string{}, many, thousands, std::string{"1"}, std::string{"null"},
                            std::string{R"(["9521234543213"])"}, quoted(std::string(2001, '1'))}) {
    const auto response = scan(codes);
    EXPECT_EQ(response.status, 400) << codes.substr(0, 100);
    EXPECT_THAT(response.body, HasSubstr("a list of 1 to 16 strings of at most 2000 bytes each"));
  }
  EXPECT_EQ(scan(many.substr(0, many.rfind(',')), R"(,"dry_run":true)").status, 200);
  EXPECT_EQ(scan(quoted(std::string(2000, '1')), R"(,"dry_run":true)").status, 200);
  for (const auto* more :
       {R"(,"kind":"count")", R"(,"kind":"void")", R"(,"quantity":-1)", R"(,"dry_run":1)",
        R"(,"upc_e":null)", R"(,"separator":"a")", R"(,"separator":"")", R"(,"name":"")",
        R"(,"observed_at":null)", R"(,"GTIN":"9521234543213")"}) {
    EXPECT_EQ(scan(R"("9521234543213")", more).status, 400) << more;
  }
  EXPECT_EQ(post(kPath, R"({"shop":1})", staff()).status, 400);
  EXPECT_EQ(post(kPath, R"({"codes":["9521234543213"]})", staff()).status, 400);
  auto empty_key = staff();
  empty_key.emplace("Idempotency-Key", "");
  EXPECT_EQ(scan(R"("9521234543213")", "", empty_key).status, 400);
  const auto old = scan(R"("(01)09521234543213(17)990101")", R"(,"name":"Oats")");
  EXPECT_EQ(old.status, 400) << "1999 is no expiry date";
  EXPECT_THAT(old.body, HasSubstr("An expiry date must be from 2000-01-01"));
}

TEST_F(Scan, of_an_unknown_shop_is_refused) {
  for (const auto* codes : {R"("9521234543213")", R"("(01)09521234543213(17)261224")"}) {
    const auto response =
        post(kPath, R"({"shop":999,"name":"Oats","codes":[)" + std::string{codes} + "]}", staff());
    EXPECT_EQ(response.status, 422) << codes;
    EXPECT_EQ(response.text("type"), "urn:codasync:problem:unknown-shop");
  }
}

TEST_F(Scan, is_for_staff_of_the_shop_and_admins) {
  const auto other = staff_of_another_shop();
  const auto before = counts();
  for (const auto* more : {R"(,"name":"Oats")", R"(,"dry_run":true)", R"(,"kind":"check")"}) {
    for (const auto* codes :
         {R"("(01)09521234543213(17)261224")", R"("9521234543213")", R"("x")"}) {
      EXPECT_EQ(scan(codes, more, {}).status, 401);
      EXPECT_EQ(scan(codes, more, {{"Authorization", "Bearer wrong"}}).status, 401);
      EXPECT_EQ(scan(codes, more, other).status, 403);
    }
  }
  EXPECT_EQ(counts(), before);
  EXPECT_EQ(scan(quoted(kPack), R"(,"name":"Oats")", admin()).status, 201);
  EXPECT_EQ(scan(quoted(kPack), "", staff()).status, 200);
}

TEST_F(Scan, needs_a_token_that_is_still_valid) {
  const auto token = post("/api/v1/tokens", R"({"name":"Phone","role":"staff"})", admin());
  const httplib::Headers phone{{"Authorization", "Bearer " + token.text("token")}};
  EXPECT_EQ(scan(quoted(kPack), R"(,"name":"Oats")", phone).status, 201);
  database().run("update tokens set revoked_at = now() where id = " +
                 std::to_string(token.number("id")));
  EXPECT_EQ(scan(quoted(kPack), "", phone).status, 401);
  EXPECT_EQ(scan(quoted(kPack), R"(,"dry_run":true)", phone).status, 401);
}

TEST_F(Scan, with_an_idempotency_key_counts_once) {
  auto keyed = staff();
  keyed.emplace("Idempotency-Key", "scan-1");
  const auto first = scan(quoted(kPack), R"(,"name":"Oats")", keyed);
  ASSERT_EQ(first.status, 201);
  scan(R"("(01)09521234543213(17)261201")");
  const auto again = scan(quoted(kPack), R"(,"name":"Oats")", keyed);
  EXPECT_EQ(again.status, 201);
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(again.header("Idempotency-Replayed"), "true");
  EXPECT_EQ(database().run("select count(*) from stock_events"), "2");
  EXPECT_EQ(scan(quoted(kPack), R"(,"name":"Rye")", keyed).status, 422);
}

TEST_F(Scan, of_an_earlier_time_takes_its_place_among_the_others) {
  scan_pack(R"(,"name":"Oats","kind":"check")");
  const auto late =
      scan(R"("(01)09521234543213(17)261201")", R"(,"observed_at":"2026-01-01T00:00:00Z")");
  EXPECT_EQ(late.status, 200);
  EXPECT_EQ(member(late, "outcome"), R"("kept")") << "the check is newer";
  EXPECT_EQ(member(late, "became_shortest"), "false");
}

TEST_F(Scan, respects_if_match) {
  scan_pack();
  auto conditional = staff();
  conditional.emplace("If-Match", "\"999\"");
  EXPECT_EQ(scan(R"("(01)09521234543213(17)261201")", "", conditional).status, 412);
}

}  // namespace
}  // namespace codasync::test
