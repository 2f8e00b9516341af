#include "storage/export.hpp"

#include <gmock/gmock.h>

#include "tests/support/database.hpp"

namespace codasync::storage {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

using Line = std::string;

/// Two shops with readings of five products, whose ids are not in the order of shops and GTINs.
class ExportTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    database_ = std::make_unique<test::TestDatabase>();
    database_->run(R"sql(
      insert into shops (name) values ('North'), ('South');
      insert into products (gtin, name, brand, category)
        select 95200000000 + g, 'Tea ' || g, case when g > 2 then 'Leaf' end, null from generate_series(1, 5) g;
      update products set removed_at = now() where gtin = 95200000005;
      insert into stock_readings (shop_id, gtin, expiry_date, date_kind, quantity, plain, lowest, present, version,
                                  observed_at, updated_at, looked_at, newest_at, received_at)
        select s, 95200000000 + g, date '2027-01-01' + g, case when g = 2 then 'u' end::"char", n, n, n, g <> 4, 1,
               t, t, t, t, t
        from generate_series(2, 1, -1) s, generate_series(4, 1, -1) g,
             lateral (select timestamptz '2026-01-01Z' + g * interval '1 s', nullif(g, 3)) as at (t, n);
      insert into stock_events (reading_id, observed_at, id, received_at, token_id, version, kind, quantity, outcome, actor)
        select id, observed_at, gen_random_uuid(), observed_at, 0, 1, 's', quantity, 'a', '=me' from stock_readings;
      -- One reading was last adjusted; one has more events than several of one moment get.
      insert into stock_events (reading_id, observed_at, id, received_at, token_id, version, kind, delta, outcome, actor, reason)
        select id, observed_at, gen_random_uuid(), observed_at, 0, 2, 'a', -1, 'a', 'till', 'sold' from stock_readings
        where shop_id = 1 and gtin = 95200000001;
      insert into stock_events (reading_id, observed_at, id, received_at, token_id, version, kind, delta, outcome, actor)
        select r.id, timestamptz '2025-06-01Z' + n / 2 * interval '1 s', gen_random_uuid(), now(), 0, n, 'a', n, 'a', 'till'
        from stock_readings r, generate_series(1, 5000) n where shop_id = 2 and gtin = 95200000002;
    )sql");
  }
  static void TearDownTestSuite() { database_.reset(); }

  static std::unique_ptr<Exports> exports(std::size_t max = 1) {
    return make_exports(database_->options(), max);
  }

  /// Returns: the rest of an export, with bars between the values.
  static std::vector<Line> rest_of(Export& records) {
    std::vector<Line> lines;
    while (records.next([&](const ExportRecord& record) {
      Line line;
      for (const auto& value : record) line += (line.empty() ? "" : "|") + value.value_or("-");
      lines.push_back(line);
    })) {
    }
    return lines;
  }

  static std::vector<Line> all(ExportKind kind, const ExportFilter& filter = {}) {
    return rest_of(*exports()->begin(kind, filter));
  }

  static std::unique_ptr<test::TestDatabase> database_;
};
std::unique_ptr<test::TestDatabase> ExportTest::database_;

TEST_F(ExportTest, has_the_products_that_are_not_removed_by_gtin) {
  EXPECT_THAT(all(ExportKind::products),
              ElementsAre("095200000001|Tea 1|-|-", "095200000002|Tea 2|-|-",
                          "095200000003|Tea 3|Leaf|-", "095200000004|Tea 4|Leaf|-"));
}

TEST_F(ExportTest, has_the_present_readings_by_shop_and_gtin) {
  EXPECT_THAT(
      all(ExportKind::stock_readings),
      ElementsAre("1|095200000001|Tea 1|2027-01-02|-|1|sighting|2026-01-01T00:00:01.000001Z",
                  "1|095200000002|Tea 2|2027-01-03|use_by|2|sighting|2026-01-01T00:00:02Z",
                  "1|095200000003|Tea 3|2027-01-04|-|-|sighting|2026-01-01T00:00:03Z",
                  "2|095200000001|Tea 1|2027-01-02|-|1|sighting|2026-01-01T00:00:01Z",
                  "2|095200000002|Tea 2|2027-01-03|use_by|2|sighting|2026-01-01T00:00:02Z",
                  "2|095200000003|Tea 3|2027-01-04|-|-|sighting|2026-01-01T00:00:03Z"))
      << "the first one is observed after the adjustment of the same moment";
}

TEST_F(ExportTest, has_only_the_shops_of_the_filter) {
  EXPECT_THAT(all(ExportKind::stock_readings, {.shops = {ShopId{2}}}), SizeIs(3));
  EXPECT_THAT(all(ExportKind::stock_readings, {.shops = {ShopId{1}, ShopId{2}}}), SizeIs(6));
  EXPECT_THAT(all(ExportKind::stock_readings, {.shops = {ShopId{3}}}), IsEmpty());
  EXPECT_THAT(all(ExportKind::events, {.shops = {ShopId{1}}}), SizeIs(5));
}

TEST_F(ExportTest, has_each_event_once_in_order_also_of_a_reading_with_many) {
  const auto events = all(ExportKind::events);
  ASSERT_EQ(std::to_string(events.size()), database_->run("select count(*) from stock_events"));
  std::vector<Line> expected;
  const auto text = database_->run(R"sql(
    select string_agg(e.id || '|' || r.shop_id || '|' || lpad(r.gtin::text, 12, '0') || '|' ||
                      case e.kind when 's' then 'sighting' else 'adjust' end, E'\n'
                      order by r.shop_id, r.gtin, e.observed_at, e.id)
    from stock_events e join stock_readings r on r.id = e.reading_id)sql");
  std::size_t at = 0;
  for (const auto& event : events) {
    const auto end = std::min(text.find('\n', at), text.size());
    ASSERT_EQ(event.substr(0, end - at), text.substr(at, end - at));
    at = end + 1;
  }
  EXPECT_THAT(events, testing::Contains(
                          testing::HasSubstr("|1|095200000001|adjust|-|-|-|-1|2026-01-01T00:00:01Z|"
                                             "2026-01-01T00:00:01Z|till|sold|applied|2|-|-")));
}

TEST_F(ExportTest, shows_one_moment_whatever_is_written_meanwhile) {
  const auto pool = exports();
  const auto records = pool->begin(ExportKind::stock_readings, {});
  database_->run("update products set name = 'Later' where gtin = 95200000003");
  const auto seen = rest_of(*records);
  database_->run("update products set name = 'Tea 3' where gtin = 95200000003");
  EXPECT_THAT(seen, SizeIs(6));
  EXPECT_THAT(seen, testing::Each(testing::HasSubstr("|Tea ")));
}

TEST_F(ExportTest, is_refused_while_as_many_as_allowed_are_in_progress) {
  const auto pool = exports(2);
  auto first = pool->begin(ExportKind::products, {});
  const auto second = pool->begin(ExportKind::events, {});
  EXPECT_EQ(pool->begin(ExportKind::products, {}), nullptr);
  first.reset();
  EXPECT_NE(pool->begin(ExportKind::products, {}), nullptr);
}

TEST_F(ExportTest, can_pause_longer_than_a_transaction_of_the_service) {
  auto options = database_->options();
  options.statement_timeout = std::chrono::milliseconds{50};
  options.lock_timeout = std::chrono::milliseconds{40};
  const auto pool = make_exports(options, 1);
  const auto records = pool->begin(ExportKind::products, {});
  database_->run("select pg_sleep(0.3)");
  EXPECT_THAT(rest_of(*records), SizeIs(4));
}

}  // namespace
}  // namespace codasync::storage
