"""What proctor doctor says of a proctord with TLS and tokens, by what it is given of them."""
import hashlib
import json
import os
import subprocess
import sys
import pathlib
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from proctord import Proctord

CLI = os.environ["PROCTOR_CLI"]
TOKEN = "proctor_" + "7" * 64


class DoctorServerTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Proctord()
        folder = cls.server.folder
        cls.certificate, key, tokens = folder / "server.pem", folder / "server.key", folder / "tokens.yaml"
        made = subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost",
                               "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cls.certificate],
                              capture_output=True, timeout=60)
        if made.returncode != 0:
            raise unittest.SkipTest("openssl is not installed")
        tokens.write_text(f"tokens:\n- {{name: reader, sha256: {hashlib.sha256(TOKEN.encode()).hexdigest()}, scopes: [act]}}\n")
        for secret in (key, tokens):
            os.chmod(secret, 0o600)
        cls.server.flags = ("--tokens-file", str(tokens), "--tls-certificate", str(cls.certificate), "--tls-key", str(key))
        cls.server.start()
        cls.addClassCleanup(cls.server.__exit__)
        cls.address = json.loads((cls.server.data / "addresses.json").read_text())["grpc"]

    def doctor(self, *flags):
        env = {k: v for k, v in os.environ.items() if not k.startswith("PROCTOR_")}
        done = subprocess.run([CLI, "doctor", "--json", "--data-dir", str(self.server.data), "--browser", "/no", *flags],
                              capture_output=True, text=True, timeout=100, env=env)
        return {finding["subject"]: finding for finding in map(json.loads, done.stdout.splitlines())}

    def test_its_port_is_its_own_though_it_cannot_be_asked_there(self):
        findings = self.doctor("--listen", self.address)
        self.assertEqual(("ok", f"{self.address} is used by the proctord that runs on {self.server.data}"),
                         (findings["port"]["health"], findings["port"]["found"]))
        self.assertEqual("ok", findings["server"]["health"])

    def test_without_tls_it_is_there_and_it_is_said_what_to_give(self):
        server = self.doctor("--address", self.address)["server"]
        self.assertEqual(("note", f"a server that wants TLS answers at {self.address}; it was not asked"), (server["health"], server["found"]))
        self.assertIn("--tls-ca", server["mend"])

    def test_without_a_token_it_is_said_what_to_give(self):
        tls = ("--address", self.address, "--tls-ca", str(self.certificate), "--tls-server-name", "localhost")
        findings = self.doctor(*tls)
        self.assertEqual(("ok", "note"), (findings["server"]["health"], findings["environments"]["health"]))
        self.assertIn("--token-file", findings["environments"]["mend"])
        self.assertEqual("missing", self.doctor(*tls, "--token", "wrong")["environments"]["health"])
        self.assertEqual("ok", self.doctor(*tls, "--token", TOKEN)["environments/null"]["health"])

    def test_another_certificate_than_is_trusted_is_something_to_mend(self):
        server = self.doctor("--address", self.address, "--tls-ca", "system")["server"]
        self.assertEqual("missing", server["health"])
        self.assertIn("--tls-server-name", server["found"])


if __name__ == "__main__":
    unittest.main()
