"""Metrics: a running service has every metric that rules and dashboard use, and rules, dashboard, runbook and tests agree."""

import re
import unittest

import monitoring
from stack import StackTest

GTIN = "4006381333931"


class Service(StackTest):
    def test_a_running_service_has_every_metric_of_rules_and_panels(self) -> None:
        stack = self.new_stack()
        stack.up("--no-demo")
        env = stack.env()
        direct = env["CODASYNC_INSTANCES"].split(",")[0]
        self.assertEqual(stack.request("/api/v1/shops/", {"name": "North"}, env["CODASYNC_ADMIN_TOKEN"])[0], 201)
        draft = {"shop": 1, "GTIN": GTIN, "name": "Green tea", "expiry_date": "2020-12-24"}
        self.assertEqual(stack.request("/api/v1/stock-readings/", draft, env["CODASYNC_STAFF_TOKEN"])[0], 201)
        for _ in range(2):
            self.assertEqual(stack.request(f"/api/v1/products/{GTIN}", base=direct)[0], 200)

        stack.request("/api/v1/stock-readings")  # a list over all shops is not cached
        status, metrics = stack.request("/metrics", base=direct)
        self.assertEqual(status, 200)
        self.assertEqual(monitoring.missing(monitoring.sample_names(metrics), ("codasync_", "process_")), [])

        # The metrics count what happened.
        for sample in (
            'codasync_http_requests_total{method="POST",route="/api/v1/stock-readings",status="201"} 1',
            'codasync_http_requests_total{method="GET",route="/api/v1/products/{gtin}",status="200"} 2',
            'codasync_cache_lookups_total{result="hit"} 1',
            'codasync_cache_reads_total{path="filled"} 1',
            'codasync_memcached_up{slot="0"} 1',
            'codasync_cache_slot_state{slot="0",state="up"} 1',
            'codasync_expired_readings{shop="1"} 1',
            "codasync_scrape_failures_total 0",
        ):
            self.assertTrue(f"\n{sample}\n" in metrics, sample)
        self.assertRegex(metrics, r'codasync_build_info\{version="\d+\.\d+\.\d+",compiler=".+",migration="\d+"\} 1\n')
        self.assertRegex(metrics, r"codasync_ledger_commit_seconds_count [1-9]")
        self.assertRegex(metrics, r'codasync_postgres_pool_wait_seconds_count\{pool="reads"\} [1-9]', "the read of all readings")

        # An unavailable Memcached is reported as down, and its own metrics are absent.
        (stack.folder / "sockets" / "memcached").rename(stack.folder / "sockets" / "away")
        status, metrics = stack.request("/metrics", base=direct)
        self.assertEqual(status, 200)
        self.assertIn('\ncodasync_memcached_up{slot="0"} 0\n', metrics)
        self.assertNotIn("\ncodasync_memcached_items", metrics)


class Files(unittest.TestCase):
    def test_each_panel_of_the_dashboard_has_a_query_and_a_place_of_its_own(self) -> None:
        panels = monitoring.panels()
        self.assertGreater(len(panels), 20)
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))
        self.assertEqual(len({panel["title"] for panel in panels}), len(panels))
        cells = set()
        for panel in panels:
            self.assertTrue(panel["targets"], panel["title"])
            place = panel["gridPos"]
            self.assertLessEqual(place["x"] + place["w"], 24, panel["title"])
            taken = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
            self.assertFalse(cells & taken, f"{panel['title']} overlaps another panel")
            cells |= taken

    def test_each_recorded_metric_that_rules_and_panels_use_has_its_rule(self) -> None:
        recorded = monitoring.rules("recording.yml", "record").keys()
        for user, queries in monitoring.queries().items():
            for name in monitoring.metrics_of(queries):
                self.assertTrue(":" not in name or name in recorded, f"{user} uses {name}, which no rule records")

    def test_a_metric_that_does_not_exist_is_found(self) -> None:
        existing = {name for queries in monitoring.queries().values() for name in monitoring.metrics_of(queries)}
        self.assertEqual(monitoring.missing(existing, ("codasync_",)), [])
        existing.remove("codasync_ledger_doubts_total")
        self.assertEqual(
            monitoring.missing(existing, ("codasync_",)),
            [
                "alert CommitsInDoubt uses codasync_ledger_doubts_total",
                "panel 'Refusals, retries and overload' uses codasync_ledger_doubts_total",
            ],
        )

    def test_each_alert_has_its_entry_in_the_runbook_and_its_test(self) -> None:
        alerts = list(monitoring.rules("alerts.yml", "alert"))
        self.assertGreater(len(alerts), 20)
        self.assertEqual(monitoring.file("alerts.yml").read_text().count("- alert:"), len(alerts))
        entries = re.findall(r"^## (\w+)$", monitoring.file("RUNBOOK.md").read_text(), re.MULTILINE)
        self.assertEqual(entries, alerts)
        tests = monitoring.file("alerts_test.yml").read_text()
        for alert in alerts:
            fires = re.search(rf"alertname: {alert}\n +exp_alerts:\n +- exp_labels", tests)
            self.assertTrue(fires, f"no test in which {alert} fires")
            self.assertIn(f"alertname: {alert}}}", tests, f"no test in which {alert} does not fire")

    def test_each_panel_that_the_runbook_names_is_on_the_dashboard(self) -> None:
        named = re.findall(r"\*([A-Z][^*\n]+)\*", monitoring.file("RUNBOOK.md").read_text())
        self.assertGreater(len(named), 5)
        for title in named:
            self.assertIn(title, monitoring.panel_queries())


if __name__ == "__main__":
    unittest.main()
