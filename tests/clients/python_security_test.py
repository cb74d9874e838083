"""The Python client at guarded doors: a real proctord with TLS and tokens."""
import asyncio
import hashlib
import json
import os
import subprocess
import unittest
from unittest import mock

import proctor
import proctor.aio
from proctor.v1 import reward_service_pb2 as reward_pb, task_pb2

from proctord import Proctord

TOKEN = "proctor_" + "7" * 64


class PythonSecurityTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Proctord()
        folder = cls.server.folder
        cls.certificate, key = folder / "server.pem", folder / "server.key"
        made = subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost",
                               "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cls.certificate],
                              capture_output=True, timeout=60)
        if made.returncode != 0:
            raise unittest.SkipTest("openssl is not installed")
        os.chmod(key, 0o600)
        cls.tokens = folder / "tokens.yaml"
        cls.tokens.write_text(f"tokens:\n- {{name: trainer, sha256: {hashlib.sha256(TOKEN.encode()).hexdigest()}, "
                              "scopes: [act, read_rewards]}\n")
        os.chmod(cls.tokens, 0o600)
        cls.server.flags = ("--tokens-file", str(cls.tokens), "--tls-certificate", str(cls.certificate), "--tls-key", str(key))
        cls.server.start()
        cls.addClassCleanup(cls.server.__exit__)
        cls.address = json.loads((cls.server.data / "addresses.json").read_text())["grpc"]

    def setUp(self):
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PROCTOR_TOKEN", "PROCTOR_TLS"))}
        patch = mock.patch.dict(os.environ, clean, clear=True)
        patch.start()
        self.addCleanup(patch.stop)

    def security(self, **fields):
        return proctor.Security(**{"tls_ca": str(self.certificate), "tls_server_name": "localhost", "token": TOKEN, **fields})

    def test_a_token_over_tls_acts_and_streams_rewards(self):
        with proctor.connect(self.address, security=self.security()) as client:
            env = proctor.Env(client, "null", observe=["text"])
            env.reset(options={"task": task_pb2.Task(goal="Say hello.", environment="environments/null")})
            self.assertFalse(env.step(proctor.noop())[2])
            env.close()
            client.call(client.rewards.ListRewards, reward_pb.ListRewardsRequest())

    def test_the_environment_gives_what_is_left_out(self):
        file = self.server.folder / "token"
        file.write_text(TOKEN + "\n")
        with mock.patch.dict(os.environ, {"PROCTOR_TOKEN_FILE": str(file), "PROCTOR_TLS_CA": str(self.certificate),
                                          "PROCTOR_TLS_SERVER_NAME": "localhost", "PROCTOR_ADDRESS": self.address}):
            with proctor.connect() as client:
                self.assertTrue(client.list_environments())

    def test_without_a_right_token_the_error_says_so(self):
        for token in ("", "wrong"):
            with proctor.connect(self.address, security=self.security(token=token)) as client:
                with self.assertRaises(proctor.Unauthenticated):
                    client.list_environments()
        with proctor.connect(self.address, security=self.security()) as client:
            with self.assertRaisesRegex(proctor.PermissionDenied, "propose"):
                client.create_task(task_pb2.Task(goal="x", environment="environments/null"))

    def test_the_asyncio_client_sends_its_token_with_every_kind_of_call(self):
        async def run():
            async with proctor.aio.connect(self.address, security=self.security()) as client:
                session = await client.create_session("null")
                self.assertEqual(session.name, (await client.keep_alive(session.name)).name)
                async with proctor.aio.Env(client, "null", observe=["text"]) as env:
                    await env.reset(options={"task": task_pb2.Task(goal="Say hello.", environment="environments/null")})
                    await env.step(proctor.noop())
            async with proctor.aio.connect(self.address, security=self.security(token="wrong")) as client:
                with self.assertRaises(proctor.Unauthenticated):
                    await client.create_session("null")
        asyncio.run(run())

    def test_another_machines_plain_text_gets_no_token(self):
        for connect in (proctor.connect, proctor.aio.connect):
            with self.assertRaisesRegex(ValueError, "plain text") as raised:
                connect("192.0.2.1:50551", security=proctor.Security(token=TOKEN))
            self.assertNotIn(TOKEN, str(raised.exception))
        proctor.Client("127.0.0.1:50551", proctor.Security(token=TOKEN)).close()
        proctor.Client("192.0.2.1:50551", proctor.Security(token=TOKEN, token_in_plain_text=True)).close()

    def test_nonsense_is_refused_and_a_token_is_not_shown(self):
        self.assertNotIn(TOKEN, repr(proctor.Security(token=TOKEN)))
        with self.assertRaises(ValueError):
            proctor.connect(self.address, security=self.security(token="two words"))
        with self.assertRaises(ValueError):
            proctor.connect(self.address, security=self.security(tls_key="/k"))
        with self.assertRaisesRegex(proctor.NotFound, "PROCTOR_TLS_CA"):
            proctor.connect(self.address, security=self.security(tls_ca="/no/such/file"))

    def test_the_command_takes_a_token_by_flag_file_and_variable(self):
        file = self.server.folder / "token"
        file.write_text(TOKEN + "\n")
        tls = ["--address", self.address, "--tls-ca", str(self.certificate), "--tls-server-name", "localhost"]

        def run(*flags, **environment):
            return subprocess.run([os.environ["PROCTOR_CLI"], *tls, *flags, "env", "list"], capture_output=True, text=True, timeout=60,
                                  env={**os.environ, **environment})
        for done in (run("--token", TOKEN), run("--token-file", str(file)), run(PROCTOR_TOKEN=TOKEN), run(PROCTOR_TOKEN_FILE=str(file))):
            self.assertEqual(0, done.returncode, done.stderr)
            self.assertIn("null", done.stdout)
        refused = run()
        self.assertNotEqual(0, refused.returncode)
        self.assertIn("token", refused.stderr)
        self.assertNotEqual(0, run("--token", "wrong").returncode)
        plain = subprocess.run([os.environ["PROCTOR_CLI"], "--address", "192.0.2.1:1", "--token", TOKEN, "env", "list"],
                               capture_output=True, text=True, timeout=60)
        self.assertIn("plain text", plain.stderr)
        self.assertNotIn(TOKEN, plain.stderr)

    def test_the_doctor_speaks_as_it_is_told(self):
        def doctor(*flags, token=TOKEN):
            done = subprocess.run([os.environ["PROCTOR_CLI"], "--address", self.address, "--token", token, *flags, "--json", "doctor",
                                   "--data-dir", str(self.server.folder / "none"), "--browser", "/no", "--listen", self.address],
                                  capture_output=True, text=True, timeout=100)
            return {finding["subject"]: finding for finding in map(json.loads, done.stdout.splitlines())}
        tls = ("--tls-ca", str(self.certificate), "--tls-server-name", "localhost")
        findings = doctor(*tls)
        self.assertEqual(("ok", f"serves at {self.address}"), (findings["server"]["health"], findings["server"]["found"]))
        self.assertEqual("ok", findings["environments/null"]["health"])
        self.assertEqual(("ok", f"{self.address} is used by a proctord"), (findings["port"]["health"], findings["port"]["found"]))
        findings = doctor(*tls, token="wrong")
        self.assertEqual("missing", findings["environments"]["health"])
        self.assertEqual(("ok", f"{self.address} is used by a proctord"), (findings["port"]["health"], findings["port"]["found"]))
        findings = doctor()
        self.assertEqual(("note", "missing"), (findings["server"]["health"], findings["port"]["health"]))
        self.assertIn("give --tls-ca", findings["server"]["mend"])
        self.assertIn("if it wants TLS, give --tls-ca", findings["port"]["found"])


if __name__ == "__main__":
    unittest.main()
