"""The users of a chain of shops, for Locust. `tests/load/run locust` starts it; load.py sets the number of each kind."""

import csv
import datetime
import os
import random
import uuid
from pathlib import Path
from typing import Any

import gevent
from locust import FastHttpUser, between, events, task

PLACE = Path(os.environ["CODASYNC_LOAD"])
NUMBER = dict(entry.split("=") for entry in os.environ["CODASYNC_LOAD_MIX"].split(","))
with (PLACE / "readings.csv").open(newline="") as file:
    READINGS = list(csv.DictReader(file))
# A few products get most requests: the first ones of a shuffled list, by Zipf's law.
random.shuffle(READINGS)
POPULARITY = [1 / (place + 1) for place in range(len(READINGS))]

results = (PLACE / "results.csv").open("w", newline="")
lines = csv.writer(results)
lines.writerow(["elapsed", "label", "success"])


@events.request.add_listener
def record(name: str, response_time: float, exception: BaseException | None, **_: Any) -> None:
    lines.writerow([f"{response_time:.3f}", name, "false" if exception else "true"])


@events.init.add_listener
def end_in_time(environment: Any, **_: Any) -> None:
    """The duration starts when all users are started. (Locust's --run-time starts before a slow start.)"""

    def begin(**_: Any) -> None:
        gevent.spawn_later(float(os.environ["CODASYNC_LOAD_SECONDS"]), environment.runner.quit)

    environment.events.spawning_complete.add_listener(begin)


@events.quitting.add_listener
def write_out(**_: Any) -> None:
    results.close()


def popular() -> dict[str, str]:
    return random.choices(READINGS, POPULARITY)[0]


def some() -> dict[str, str]:
    return random.choice(READINGS)


def soon() -> str:
    return (datetime.date.today() + datetime.timedelta(days=random.randint(1, 400))).isoformat()


class Client(FastHttpUser):
    """A user with a persistent connection."""

    abstract = True
    token = ""

    def read(self, path: str, label: str, **headers: str) -> Any:
        with self.client.get(
            f"/api/v1{path}", name=f"read {label}", headers=self.signed(headers), catch_response=True
        ) as response:
            if response.status_code == 304:  # Locust would count it as an error
                response.success()
            return response

    def write(self, method: str, path: str, label: str, body: Any) -> None:
        headers = self.signed({"Idempotency-Key": str(uuid.uuid4())})
        self.client.request(method, f"/api/v1{path}", name=f"write {label}", json=body, headers=headers)

    def signed(self, headers: dict[str, str]) -> dict[str, str]:
        return headers | {"Authorization": f"Bearer {self.token}"} if self.token else headers


class Storefront(Client):
    """Reads products and stock, and repeats reads with If-None-Match. Needs no token."""

    fixed_count = int(NUMBER["storefront"])
    wait_time = between(0.2, 1.0)

    def on_start(self) -> None:
        self.tags: dict[str, str] = {}

    @task(10)
    def look_at_a_product_in_a_shop(self) -> None:
        one = popular()
        path = f"/shops/{one['shop']}/stock/{one['gtin']}"
        known = {"If-None-Match": self.tags[path]} if path in self.tags else {}
        response = self.read(path, "a product in a shop", **known)
        if tag := (response.headers or {}).get("ETag"):
            self.tags[path] = tag

    @task(4)
    def look_where_a_product_is(self) -> None:
        self.read(f"/products/{popular()['gtin']}/stock", "a product in all shops")

    @task(4)
    def look_at_a_product(self) -> None:
        self.read(f"/products/{popular()['gtin']}", "a product")

    @task(1)
    def search(self) -> None:
        self.read(f"/products/?search={random.choice(('load', 'test', 'tea', 'milk'))}&limit=20", "a search for products")


class Staff(Client):
    """Works in a shop: what expires soon, counts, sales."""

    fixed_count = int(NUMBER["staff"])
    wait_time = between(0.5, 2.0)
    token = os.environ["CODASYNC_STAFF_TOKEN"]

    @task(4)
    def list_by_date(self) -> None:
        self.read(f"/stock-readings/?shop={some()['shop']}&ordering=expiry_date&limit=50", "a list by date")

    @task(3)
    def count(self) -> None:
        self.write("PATCH", f"/stock-readings/{some()['reading']}", "a count", {"quantity": random.randint(500, 1000)})

    @task(3)
    def sell(self) -> None:
        self.write("POST", f"/stock-readings/{some()['reading']}/adjust", "a sale", {"delta": -1})

    @task(1)
    def read_a_history(self) -> None:
        self.read(f"/stock-readings/{some()['reading']}/history?limit=20", "a history")


class Scanner(Client):
    """A handheld scanner: one item after the other, often the same product as another scanner."""

    fixed_count = int(NUMBER["scanner"])
    wait_time = between(0.1, 0.5)
    token = os.environ["CODASYNC_STAFF_TOKEN"]

    @task(8)
    def scan(self) -> None:
        one = popular()
        body = {"shop": int(one["shop"]), "GTIN": one["gtin"], "expiry_date": soon()}
        self.write("POST", "/stock-readings/", "a scan", body)

    @task(1)
    def check_a_shelf(self) -> None:
        one = some()
        body = {"shop": int(one["shop"]), "GTIN": one["gtin"], "expiry_date": soon(), "kind": "check"}
        self.write("POST", "/stock-readings/", "a check", body)


class Admin(Client):
    """Maintains the catalogue."""

    fixed_count = int(NUMBER["admin"])
    wait_time = between(1.0, 3.0)
    token = os.environ["CODASYNC_ADMIN_TOKEN"]

    @task(3)
    def browse(self) -> None:
        self.read("/products/?limit=100", "a page of products")

    @task(2)
    def change_a_brand(self) -> None:
        self.write("PATCH", f"/products/{some()['gtin']}", "a product's brand", {"brand": f"Brand {random.randint(1, 9)}"})

    @task(1)
    def look_at_tokens(self) -> None:
        self.read("/tokens/", "the tokens")
