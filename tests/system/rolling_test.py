"""config/rolling-restart: a new program, more or fewer instances, no failed request."""

import subprocess
import unittest
from pathlib import Path

from load import Load, failed_requests, new_readings
from stack import Stack, StackTest, call, eventually


class Rolling(StackTest):
    def roll(self, stack: Stack, *options: object) -> subprocess.CompletedProcess[str]:
        return call("rolling-restart", "--dir", stack.folder, *options)

    def pids(self, stack: Stack) -> list[str]:
        """Returns: the running processes of the service."""
        return sorted(str(pid) for pid in stack.processes() if b"/api/codasync\0serve" in self.command_of(pid))

    def command_of(self, pid: int) -> bytes:
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes()
        except FileNotFoundError:  # it has ended since it was listed
            return b""

    def test_no_request_fails_while_instances_are_replaced_added_and_removed(self) -> None:
        stack = self.new_stack()
        stack.up("--no-demo", "--instances", 2)
        readings = new_readings(stack, 4)
        with Load(stack, readings, 12, 12) as load:
            for count in (3, 1):
                before = self.pids(stack)
                done = self.roll(stack, "--instances", count)
                self.assertEqual(done.returncode, 0, done.stdout)
                self.assertIn("restarting instance 1 of", done.stdout)
                self.assertFalse(set(before) & set(self.pids(stack)), "an old process still runs")
                self.assertEqual(len(self.pids(stack)), count)
        print(load.seen)
        self.assertEqual(load.process.returncode, 0)
        for name in ("refused", "lost", "old"):
            self.assertEqual(load.seen[name], 0, f"{name}\n{failed_requests(stack)}")
        instances = stack.env()["CODASYNC_INSTANCES"].split(",")
        self.assertEqual(len(instances), 1)
        self.assertEqual(stack.request("/readyz", base=instances[0])[0], 200)
        total = sum(stack.request(f"/api/v1/stock-readings/{one}")[1]["quantity"] for one in readings)
        self.assertEqual(total, load.seen["requests"] - load.seen["reads"])

    def test_the_old_instances_continue_when_a_new_one_does_not_start(self) -> None:
        stack = self.new_stack()
        stack.up("--no-demo", "--instances", 2)
        before = self.pids(stack)
        (stack.folder / "sockets" / "successor").mkdir()  # the socket of the first new process
        done = self.roll(stack, "--instances", 3)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("service-1 ended during its start. Last lines of its log:", done.stdout)
        self.assertIn("0 of 2 instances have the new program", done.stdout)
        self.assertEqual(self.pids(stack), before)
        (stack.folder / "sockets" / "successor").rmdir()
        self.assertEqual(self.roll(stack).returncode, 0)
        self.assertFalse(set(before) & set(self.pids(stack)))

    def test_a_replaced_instance_is_restarted_when_it_is_killed(self) -> None:
        stack = self.new_stack()
        stack.up("--no-demo")
        self.assertEqual(self.roll(stack).returncode, 0)
        killed = stack.pid_of("service-1")
        subprocess.run(["kill", "-KILL", str(killed)], check=True)
        eventually(lambda: stack.pid_of("service-1") != killed, "it is restarted")
        eventually(lambda: stack.request("/readyz")[0] == 200, "Nginx reaches it at its old path")
        stack.down()
        self.assertEqual(stack.processes(), [])

    def test_without_a_running_stack_it_prints_how_to_start_one(self) -> None:
        stack = self.new_stack()
        done = self.roll(stack)
        self.assertEqual(done.returncode, 1)
        self.assertIn("config/up", done.stdout)


if __name__ == "__main__":
    unittest.main()
