"""config/up and config/down: start, stop, restart of killed servers, failed starts."""

import os
import pwd
import shutil
import signal
import socket
import ssl
import stat
import tempfile
import unittest
import urllib.request
from pathlib import Path

from stack import Stack, StackTest, call, eventually, pooled


class Up(StackTest):
    def test_a_first_start_serves_the_demo_catalogue_and_prints_addresses_and_paths(self) -> None:
        stack = self.new_stack()
        output = stack.up("--instances", 2).stdout
        env = stack.env()
        self.assertEqual(env["CODASYNC_URL"], f"http://127.0.0.1:{stack.port}")
        for text in (env["CODASYNC_URL"], str(stack.folder / "env"), str(stack.folder / "tokens" / "admin")):
            self.assertIn(text, output)
        self.assertNotIn(env["CODASYNC_ADMIN_TOKEN"], output)
        for file in ("env", "codasync.toml", "tokens/admin", "tokens/staff"):
            self.assertEqual(stat.S_IMODE((stack.folder / file).stat().st_mode), 0o600, file)

        instances = env["CODASYNC_INSTANCES"].split(",")
        self.assertEqual(len(instances), 2)
        for base in (env["CODASYNC_URL"], *instances):
            self.assertEqual(stack.request("/readyz", base=base)[0], 200, base)
        status, products = stack.request("/api/v1/products/")
        self.assertEqual(status, 200)
        self.assertTrue(products)

        draft = {"name": "Tested Shop"}
        self.assertEqual(stack.request("/api/v1/shops/", draft, env["CODASYNC_STAFF_TOKEN"])[0], 403)
        self.assertEqual(stack.request("/api/v1/shops/", draft, env["CODASYNC_ADMIN_TOKEN"])[0], 201)

        owners = {Path(f"/proc/{pid}").stat().st_uid for pid in stack.processes()}
        self.assertNotIn(0, owners, "a server runs as root")
        self.assertEqual(len(owners), 1)
        for secret in ("CODASYNC_ADMIN_TOKEN", "CODASYNC_STAFF_TOKEN"):
            for log in (stack.folder / "logs").iterdir():
                self.assertNotIn(env[secret], log.read_text(errors="replace"), log)

    def test_memcached_serves_as_many_requests_of_one_packet_as_the_look_up_module_sends(self) -> None:
        stack = self.new_stack()
        stack.up("--no-demo")
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(5.0)
            client.connect(str(stack.folder / "sockets" / "memcached"))
            client.sendall(b"stats settings\r\n")
            reply = b""
            while not reply.endswith(b"END\r\n") and (more := client.recv(65536)):
                reply += more
        self.assertIn(b"STAT reqs_per_event 200\r\n", reply)

    def test_with_tls_it_serves_https_with_a_certificate_for_this_machine(self) -> None:
        stack = self.new_stack()
        stack.up("--tls", "--no-demo")
        env = stack.env()
        self.assertEqual(env["CODASYNC_URL"], f"https://127.0.0.1:{stack.port}")
        self.assertEqual(stat.S_IMODE((stack.folder / "tls-key.pem").stat().st_mode), 0o600)
        trusted = ssl.create_default_context(cafile=env["CURL_CA_BUNDLE"])
        for host in ("127.0.0.1", "localhost"):
            with urllib.request.urlopen(f"https://{host}:{stack.port}/readyz", context=trusted, timeout=10) as response:
                self.assertEqual(response.status, 200)
        stack.down()
        stack.up("--no-demo")
        self.assertEqual(stack.request("/readyz")[0], 200)
        self.assertFalse((stack.folder / "tls-key.pem").exists())

    def test_a_second_start_finds_the_data_and_the_tokens(self) -> None:
        stack = self.new_stack()
        stack.up("--no-demo")
        before = stack.env()
        status, shop = stack.request("/api/v1/shops/", {"name": "Kept Shop"}, before["CODASYNC_ADMIN_TOKEN"])
        self.assertEqual(status, 201, shop)
        self.assertEqual(stack.down().returncode, 0)
        stack.up("--no-demo")
        again = stack.env()
        for name in before.keys() - {"CODASYNC_INSTANCES"}:  # instances listen where a port is free
            self.assertEqual(again[name], before[name])
        self.assertEqual(stack.request(f"/api/v1/shops/{shop['id']}")[1]["name"], "Kept Shop")

    def test_a_second_up_fails_because_the_stack_already_runs(self) -> None:
        stack = self.new_stack()
        stack.up("--no-demo")
        again = call("up", "--detach", "--dir", stack.folder, "--port", stack.port)
        self.assertNotEqual(again.returncode, 0)
        self.assertIn("already runs", again.stdout)
        self.assertEqual(stack.request("/readyz")[0], 200)

    def test_a_killed_server_is_restarted(self) -> None:
        stack = self.new_stack()
        stack.up("--no-demo", "--instances", 2)
        for server in ("service-1", "memcached", "nginx", "postgres", *["pgbouncer"] * pooled()):
            with self.subTest(server):
                killed = stack.pid_of(server)
                os.kill(killed, signal.SIGKILL)
                eventually(lambda: stack.pid_of(server) != killed, f"{server} is restarted")
                self.assertIn(f"{server} (pid {killed}) ended by SIGKILL; next start in", stack.log())
                eventually(lambda: stack.request("/readyz")[0] == 200, "Nginx passes requests to a ready service")
        for base in stack.env()["CODASYNC_INSTANCES"].split(","):
            eventually(lambda: stack.request("/readyz", base=base)[0] == 200, f"{base} is ready")

    def test_the_servers_of_a_killed_supervisor_end_and_the_next_start_recovers(self) -> None:
        stack = self.new_stack()
        stack.up("--no-demo")
        before = stack.env()
        os.kill(int((stack.folder / "lock").read_text()), signal.SIGKILL)
        stack.up("--no-demo")
        again = stack.env()
        for name in before.keys() - {"CODASYNC_INSTANCES"}:  # instances listen where a port is free
            self.assertEqual(again[name], before[name])
        self.assertEqual(stack.request("/readyz")[0], 200)

    def test_stale_files_after_a_power_failure_do_not_prevent_a_start(self) -> None:
        stack = self.new_stack()
        stack.up("--no-demo")
        pid_file = stack.folder / "postgres" / "postmaster.pid"
        stale = pid_file.read_text()
        stack.down()
        # The process id in the file is now that of another process: this one. PostgreSQL must start all the same.
        pid_file.write_text(stale.replace(stale.split("\n", 1)[0], str(os.getpid()), 1))
        (stack.folder / "sockets" / "memcached").touch()
        stack.up("--no-demo")
        self.assertEqual(stack.request("/readyz")[0], 200)

    def test_down_leaves_no_process_and_may_be_called_twice(self) -> None:
        stack = self.new_stack()
        stack.up("--no-demo")
        self.assertGreater(len(stack.processes()), 5)
        self.assertEqual(stack.down().returncode, 0)
        self.assertEqual(stack.processes(), [])
        self.assertEqual(stack.down().returncode, 0)

    def test_ctrl_c_in_the_foreground_stops_all_servers(self) -> None:
        stack = self.new_stack()
        with stack.foreground("--no-demo") as foreground:
            eventually(lambda: (stack.folder / "env").exists(), "the start", seconds=120)
            foreground.send_signal(signal.SIGINT)
            self.assertEqual(foreground.wait(timeout=60), 0)
        self.assertEqual(stack.processes(), [])

    def test_ctrl_c_during_the_first_start_leaves_no_process_and_the_next_start_completes_it(self) -> None:
        stack = self.new_stack()
        with stack.foreground("--no-demo") as foreground:
            eventually(lambda: (stack.folder / "postgres.new").exists(), "the start", seconds=120)
            foreground.send_signal(signal.SIGINT)
            foreground.wait(timeout=60)
        self.assertEqual(stack.processes(), [])
        stack.up("--no-demo")
        self.assertEqual(stack.request("/readyz")[0], 200)

    def test_a_taken_port_is_reported(self) -> None:
        stack = self.new_stack()
        with socket.socket() as other:
            other.bind(("127.0.0.1", stack.port))
            other.listen()
            result = call("up", "--detach", "--dir", stack.folder, "--port", stack.port)
        self.assertEqual(result.returncode, 1)
        self.assertIn(f"Port {stack.port} of 127.0.0.1 is taken", result.stdout)
        self.assertIn("--port", result.stdout)

    def test_a_failed_start_reports_the_reason_and_leaves_no_process(self) -> None:
        stack = self.new_stack()
        stack.up("--no-demo")
        stack.down()
        (stack.folder / "postgres" / "PG_VERSION").write_text("9.6\n")
        result = call("up", "--detach", "--dir", stack.folder, "--port", stack.port)
        self.assertEqual(result.returncode, 1)
        self.assertIn("postgres ended during its start. Last lines of its log:", result.stdout)
        self.assertIn("incompatible", result.stdout)
        self.assertEqual(stack.processes(), [])

    def test_wrong_options_are_refused_before_the_build(self) -> None:
        for options in (["--port", "80"], ["--port", "x"], ["--instances", "0"], ["--frob"], ["--dir", "/tmp/a b"]):
            result = call("up", *options)
            self.assertNotEqual(result.returncode, 0, options)
            self.assertNotIn("Building", result.stdout)
        self.assertIn("--instances N", call("up", "--help").stdout)

    @unittest.skipUnless(os.geteuid() == 0, "only root starts servers under another account")
    def test_a_folder_that_the_account_cannot_reach_becomes_a_link(self) -> None:
        hidden = Path(tempfile.mkdtemp(prefix="codasync-hidden."))  # 0700, like /root
        self.addCleanup(shutil.rmtree, hidden)
        stack = Stack(hidden / ".run")
        self.addCleanup(lambda: shutil.rmtree(stack.folder.resolve()))
        self.addCleanup(stack.down)
        output = stack.up("--no-demo").stdout
        real = stack.folder.resolve()
        self.assertEqual(real.parent, Path("/var/lib/codasync"))
        self.assertIn(f"becomes a link to {real}", output)
        self.assertEqual(pwd.getpwuid(real.stat().st_uid).pw_name, "codasync")
        self.assertEqual(stack.request("/readyz")[0], 200)
        self.assertEqual(stack.down().returncode, 0)
        self.assertEqual(stack.processes(), [])
