"""HTTPS: the versions, HTTP/2, and the headers that belong to it."""

import shutil
import socket
import ssl
import subprocess
import unittest

from edge import TOKEN, EdgeTest

REQUEST = b"GET /api/v1/shops/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


class Tls(EdgeTest):
    def setUp(self) -> None:
        super().setUp()
        self.service = self.start_service()
        certificate, key = self.folder / "certificate.pem", self.folder / "key.pem"
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        command += ["-subj", "/CN=codasync", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate]
        subprocess.run(command, check=True, capture_output=True)
        key.chmod(0o644)  # Nginx runs as another user in these tests
        self.certificate = certificate
        self.nginx = self.start_nginx([self.service.path], [], "--tls-certificate", str(certificate), "--tls-key", str(key))

    def ask(self, sent: bytes, **limits: ssl.TLSVersion) -> tuple[bytes, str | None]:
        """Returns: the response and the version of TLS."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        context.minimum_version = limits.get("minimum", ssl.TLSVersion.MINIMUM_SUPPORTED)
        context.maximum_version = limits.get("maximum", ssl.TLSVersion.MAXIMUM_SUPPORTED)
        with socket.create_connection(("127.0.0.1", self.nginx.port), 20) as plain:
            with context.wrap_socket(plain, server_hostname="127.0.0.1") as client:
                client.sendall(sent)
                return b"".join(iter(lambda: client.recv(65536), b"")), client.version()

    def test_it_serves_tls_1_2_and_1_3_and_nothing_older(self) -> None:
        for version, name in ((ssl.TLSVersion.TLSv1_3, "TLSv1.3"), (ssl.TLSVersion.TLSv1_2, "TLSv1.2")):
            response, used = self.ask(REQUEST, minimum=version, maximum=version)
            self.assertTrue(response.startswith(b"HTTP/1.1 200 "))
            self.assertEqual(used, name)
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{self.nginx.port}", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"]
        done = subprocess.run(command, input=b"", capture_output=True, timeout=20)
        self.assertNotEqual(done.returncode, 0)

    def test_a_response_limits_browsers_to_https(self) -> None:
        for sent in (REQUEST, REQUEST.replace(b"/api/v1/shops/1", b"/metrics")):
            self.assertIn(b"\r\nStrict-Transport-Security: max-age=63072000\r\n", self.ask(sent)[0])

    def test_http_at_this_port_is_400(self) -> None:
        with socket.create_connection(("127.0.0.1", self.nginx.port), 20) as client:
            client.sendall(REQUEST)
            response = b"".join(iter(lambda: client.recv(65536), b""))
        self.assertTrue(response.startswith(b"HTTP/1.1 400 "))
        self.assertIn(b"Content-Type: application/problem+json\r\n", response)

    @unittest.skipUnless(shutil.which("curl"), "needs curl")
    def test_it_serves_http_2_with_bodies_errors_and_limits(self) -> None:
        def ask(path: str, *options: str) -> tuple[str, str]:
            address = f"https://127.0.0.1:{self.nginx.port}{path}"
            command = ["curl", "-sS", "--http2", "--cacert", str(self.certificate), "-w", "\n%{http_version} %{http_code}", *options, address]
            lines = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.rsplit("\n", 1)
            return lines[1], lines[0]

        self.assertEqual(ask("/api/v1/shops/1"), ("2 200", '{"from":"here"}'))
        body = self.folder / "body"
        body.write_bytes(b"x" * 900_000)
        self.assertEqual(ask("/", "-H", f"Authorization: {TOKEN}", "--data-binary", f"@{body}")[0], "2 200")
        self.assertEqual(len(self.service.requests[-1].body), 900_000)
        self.assertEqual(ask("/", "-d", "x")[0], "2 401")
        self.assertEqual(ask("/metrics")[0], "2 404")


if __name__ == "__main__":
    unittest.main()
