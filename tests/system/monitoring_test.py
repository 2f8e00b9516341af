"""Figures: that a running service tells everything that rules and dashboard ask for, and that these agree among themselves."""

import re
import subprocess
import unittest

import figures
from stack import StackTest

GTIN = "4006381333931"


class Service(StackTest):
    def test_tells_everything_that_rules_and_panels_ask_for(self) -> None:
        stack = self.new_stack()
        stack.up("--no-demo")
        env = stack.env()
        direct = env["CODASYNC_INSTANCES"].split(",")[0]
        self.assertEqual(stack.request("/api/v1/shops/", {"name": "North"}, env["CODASYNC_ADMIN_TOKEN"])[0], 201)
        draft = {"shop": 1, "GTIN": GTIN, "name": "Green tea", "expiry_date": "2020-12-24"}
        self.assertEqual(stack.request("/api/v1/stock-readings/", draft, env["CODASYNC_STAFF_TOKEN"])[0], 201)
        for _ in range(2):
            self.assertEqual(stack.request(f"/api/v1/products/{GTIN}", base=direct)[0], 200)

        status, metrics = stack.request("/metrics", base=direct)
        self.assertEqual(status, 200)
        self.assertEqual(figures.missing(figures.told(metrics), ("codasync_", "process_")), [])

        # And they count what happened.
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
        self.assertRegex(metrics, r'codasync_postgres_pool_wait_seconds_count\{pool="reads"\} [1-9]')

        # A Memcached that is gone is told, and its figures with it.
        (stack.folder / "sockets" / "memcached").rename(stack.folder / "sockets" / "away")
        status, metrics = stack.request("/metrics", base=direct)
        self.assertEqual(status, 200)
        self.assertIn('\ncodasync_memcached_up{slot="0"} 0\n', metrics)
        self.assertNotIn("\ncodasync_memcached_items", metrics)


class Files(unittest.TestCase):
    def test_the_dashboard_is_what_its_script_prints(self) -> None:
        printed = subprocess.run([figures.file("dashboard")], check=True, stdout=subprocess.PIPE, text=True, timeout=30).stdout
        self.assertEqual(printed, figures.file("dashboard.json").read_text(), "config/deploy/prometheus/dashboard > config/deploy/prometheus/dashboard.json")

    def test_whatever_rules_and_panels_build_on_is_recorded(self) -> None:
        recorded = figures.rules("recording.yml", "record").keys()
        for who, queries in figures.asked().items():
            for name in figures.names(queries):
                self.assertTrue(":" not in name or name in recorded, f"{who} asks for {name}, which no rule records")

    def test_a_name_that_nobody_tells_is_found(self) -> None:
        there = {name for queries in figures.asked().values() for name in figures.names(queries)}
        self.assertEqual(figures.missing(there, ("codasync_",)), [])
        there.remove("codasync_ledger_doubts_total")
        self.assertEqual(
            figures.missing(there, ("codasync_",)),
            [
                "alert CommitsInDoubt asks for codasync_ledger_doubts_total",
                "panel 'What went another way' asks for codasync_ledger_doubts_total",
            ],
        )

    def test_each_alert_has_its_entry_in_the_runbook_and_its_test(self) -> None:
        alerts = list(figures.rules("alerts.yml", "alert"))
        self.assertGreater(len(alerts), 20)
        self.assertEqual(figures.file("alerts.yml").read_text().count("- alert:"), len(alerts))
        entries = re.findall(r"^## (\w+)$", figures.file("RUNBOOK.md").read_text(), re.MULTILINE)
        self.assertEqual(entries, alerts)
        tests = figures.file("alerts_test.yml").read_text()
        for alert in alerts:
            fires = re.search(rf"alertname: {alert}\n +exp_alerts:\n +- exp_labels", tests)
            self.assertTrue(fires, f"no test has seen {alert} fire")
            self.assertIn(f"alertname: {alert}}}", tests, f"no test has seen {alert} keep quiet")
