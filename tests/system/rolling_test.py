"""config/rolling-restart: another program, more or fewer instances, and clients who do not notice."""

import subprocess
import unittest
from pathlib import Path

from load import Load, new_readings
from stack import Stack, StackTest, call, eventually


class Rolling(StackTest):
    def roll(self, stack: Stack, *options: object) -> subprocess.CompletedProcess[str]:
        return call("rolling-restart", "--dir", stack.folder, *options)

    def pids(self, stack: Stack) -> list[str]:
        """Returns: the processes of the service that are alive."""
        return sorted(str(pid) for pid in stack.processes() if b"/api/codasync\0serve" in self.command_of(pid))

    def command_of(self, pid: int) -> bytes:
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes()
        except FileNotFoundError:  # it has ended since it was listed
            return b""

    def test_fails_no_request_while_instances_are_replaced_come_and_go(self) -> None:
        stack = self.new_stack()
        stack.up("--no-demo", "--instances", 2)
        readings = new_readings(stack, 4)
        with Load(stack, readings, 12, 12) as load:
            for count in (3, 1):
                before = self.pids(stack)
                said = self.roll(stack, "--instances", count)
                self.assertEqual(said.returncode, 0, said.stdout)
                self.assertIn("restarting instance 1 of", said.stdout)
                self.assertFalse(set(before) & set(self.pids(stack)), "an old process is still there")
                self.assertEqual(len(self.pids(stack)), count)
        print(load.seen)
        self.assertEqual(load.process.returncode, 0)
        for name in ("refused", "lost", "old"):
            self.assertEqual(load.seen[name], 0, name)
        instances = stack.env()["CODASYNC_INSTANCES"].split(",")
        self.assertEqual(len(instances), 1)
        self.assertEqual(stack.request("/readyz", base=instances[0])[0], 200)
        total = sum(stack.request(f"/api/v1/stock-readings/{one}")[1]["quantity"] for one in readings)
        self.assertEqual(total, load.seen["requests"] - load.seen["reads"])

    def test_keeps_the_old_ones_when_a_new_one_does_not_start(self) -> None:
        stack = self.new_stack()
        stack.up("--no-demo", "--instances", 2)
        before = self.pids(stack)
        (stack.folder / "sockets" / "successor").mkdir()  # where the first one would listen
        said = self.roll(stack, "--instances", 3)
        self.assertEqual(said.returncode, 1, said.stdout)
        self.assertIn("service-1 ended at once. Its last words:", said.stdout)
        self.assertIn("Of 2 instances 0 have the new program", said.stdout)
        self.assertEqual(self.pids(stack), before)
        (stack.folder / "sockets" / "successor").rmdir()
        self.assertEqual(self.roll(stack).returncode, 0)
        self.assertFalse(set(before) & set(self.pids(stack)))

    def test_what_was_restarted_comes_back_when_it_is_killed(self) -> None:
        stack = self.new_stack()
        stack.up("--no-demo")
        self.assertEqual(self.roll(stack).returncode, 0)
        killed = stack.pid_of("service-1")
        subprocess.run(["kill", "-KILL", str(killed)], check=True)
        eventually(lambda: stack.pid_of("service-1") != killed, "it is started again")
        eventually(lambda: stack.request("/readyz")[0] == 200, "Nginx finds it at its old place")
        stack.down()
        self.assertEqual(stack.processes(), [])

    def test_without_a_running_stack_says_how_to_start_it(self) -> None:
        stack = self.new_stack()
        said = self.roll(stack)
        self.assertEqual(said.returncode, 1)
        self.assertIn("config/up", said.stdout)


if __name__ == "__main__":
    unittest.main()
