"""proctor doctor on machines with and without what it looks for."""
import fcntl
import json
import os
import pathlib
import socket
import subprocess
import tempfile
import unittest

CLI = os.environ["PROCTOR_CLI"]


class DoctorTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="proctor-doctor-test-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        os.chmod(self.folder, 0o755)
        self.data = self.folder / "data"

    def doctor(self, *flags, environment=None):
        env = {k: v for k, v in os.environ.items() if not k.startswith("PROCTOR_") and k != "XDG_DATA_HOME"}
        done = subprocess.run([CLI, "doctor", "--json", "--data-dir", str(self.data), "--listen", "127.0.0.1:0", *flags],
                              capture_output=True, text=True, timeout=100, env={**env, **(environment or {})})
        findings = [json.loads(line) for line in done.stdout.splitlines()]
        return done.returncode, {finding["subject"]: finding for finding in findings}

    def fake_browser(self, text):
        path = self.folder / "browser"
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o755)
        return str(path)

    def test_a_machine_with_everything_passes(self):
        code, findings = self.doctor()
        self.assertEqual("ok", findings["browser"]["health"], findings)
        self.assertEqual("ok", findings["sandbox"]["health"], findings)
        self.assertEqual("ok", findings["data directory"]["health"], findings)
        self.assertEqual("note", findings["server"]["health"], "a server that is not started yet is nothing missing")
        self.assertIn("proctord", findings["server"]["mend"])
        self.assertEqual(0, code)
        self.assertFalse(self.data.exists(), "the doctor changes nothing")

    def test_a_missing_browser_is_named_with_its_package(self):
        code, findings = self.doctor("--browser", "/no/such/chromium")
        self.assertEqual(1, code)
        self.assertEqual("missing", findings["browser"]["health"])
        self.assertIn("/no/such/chromium", findings["browser"]["found"])
        self.assertIn("apt-get install chromium-headless-shell", findings["browser"]["mend"])
        self.assertNotIn("sandbox", findings)

    def test_a_browser_that_hangs_or_lies_is_missing(self):
        code, findings = self.doctor("--browser", self.fake_browser("exec sleep 100\n"), "--timeout", "1s")
        self.assertEqual((1, "missing"), (code, findings["browser"]["health"]))
        code, findings = self.doctor("--browser", self.fake_browser("echo nothing\n"))
        self.assertEqual((1, "missing"), (code, findings["browser"]["health"]))

    def test_a_browser_without_a_sandbox_is_told_how_to_mend_it(self):
        browser = self.fake_browser('[ "$1" = --version ] && { echo Chromium 1.2; exit; }\n'
                                    'echo "FATAL: No usable sandbox!" >&2; exit 1\n')
        code, findings = self.doctor("--browser", browser)
        self.assertEqual((1, "missing"), (code, findings["sandbox"]["health"]))
        self.assertIn("No usable sandbox", findings["sandbox"]["found"])
        self.assertIn("kernel.unprivileged_userns_clone", findings["sandbox"]["mend"])
        config = self.folder / "proctord.yaml"
        config.write_text(f"browser: {{executable: {browser}, allow_unsandboxed: true}}\n")
        code, findings = self.doctor("--config", str(config))
        self.assertEqual((0, "note", "note"), (code, findings["sandbox"]["health"], findings["unsandboxed"]["health"]))

    def test_desktops_and_phones_are_needed_only_where_they_are_on(self):
        nowhere = {"PATH": str(self.folder)}
        code, findings = self.doctor(environment=nowhere)
        self.assertEqual((0, "note", "note"), (code, findings["desktop"]["health"], findings["android"]["health"]))
        self.assertIn("--enable desktop", findings["desktop"]["found"])
        config = self.folder / "proctord.yaml"
        config.write_text("environments: {desktop: {enabled: true}, android: {enabled: true}}\n"
                          "desktop: {applications: {editor: {command: [no-such-editor]}}}\n")
        code, findings = self.doctor("--config", str(config), environment=nowhere)
        self.assertEqual((1, "missing", "missing"), (code, findings["desktop"]["health"], findings["android"]["health"]))
        self.assertIn("apt-get install --no-install-recommends tigervnc-standalone-server", findings["desktop"]["mend"])
        self.assertIn("no-such-editor", findings["desktop"]["found"])
        self.assertIn("adb", findings["android"]["mend"])

    def test_a_taken_port(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = "127.0.0.1:%d" % taken.getsockname()[1]
            env = {k: v for k, v in os.environ.items() if not k.startswith("PROCTOR_")}
            done = subprocess.run([CLI, "doctor", "--data-dir", str(self.data), "--listen", address, "--browser", "/no"],
                                  capture_output=True, text=True, timeout=100, env=env)
        self.assertIn(f"MISSING  port: {address} is used, and no proctord is reached there: something listens at {address}, but", done.stdout)
        self.assertIn("if it wants TLS, give --tls-ca", done.stdout)
        self.assertEqual(1, done.returncode)

    def test_a_data_directory_that_others_can_read(self):
        self.data.mkdir(mode=0o755)
        self.data.chmod(0o755)
        code, findings = self.doctor("--browser", "/no")
        self.assertEqual((1, "missing"), (code, findings["data directory"]["health"]))
        self.assertIn(f"chmod 700 {self.data}", findings["data directory"]["mend"])

    def test_a_named_server_that_does_not_answer_is_missing(self):
        code, findings = self.doctor("--browser", "/no", "--address", "127.0.0.1:1")
        self.assertEqual((1, "missing"), (code, findings["server"]["health"]))
        self.assertEqual("none answers at 127.0.0.1:1", findings["server"]["found"])

    def test_a_data_directory_that_was_named_is_not_exchanged_for_another_server(self):
        _, findings = self.doctor("--browser", "/no", environment={"PROCTOR_ADDRESS": "127.0.0.1:1"})
        self.assertEqual(("note", f"none is known to run on {self.data}"), (findings["server"]["health"], findings["server"]["found"]))

    def test_a_server_that_starts_or_stops_is_not_to_be_started(self):
        self.data.mkdir(mode=0o700)
        with open(self.data / "lock", "w") as lock:
            print(os.getpid(), file=lock, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
            for addresses, at in (("", ""), (f'{{"unix_socket": "{self.data}/gone.sock"}}', f" at unix:{self.data}/gone.sock")):
                if addresses:
                    (self.data / "addresses.json").write_text(addresses)
                code, findings = self.doctor("--browser", "/no")
                self.assertEqual((1, "missing"), (code, findings["server"]["health"]))
                self.assertEqual(f"process {os.getpid()} runs on {self.data}, but does not answer{at}: it is starting, stopping or hung",
                                 findings["server"]["found"])
                self.assertNotIn("start it", findings["server"]["mend"])
        # The pid of one that is over stays behind.
        _, findings = self.doctor("--browser", "/no")
        self.assertEqual(f"none answers at unix:{self.data}/gone.sock", findings["server"]["found"])

    def test_a_server_that_wants_tls_or_hangs_is_there(self):
        self.data.mkdir(mode=0o700)
        with socket.socket() as silent, open(self.data / "lock", "w") as lock:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            address = "127.0.0.1:%d" % silent.getsockname()[1]
            what = (f"something listens at {address}, but it does not answer within 1 s as a proctord without TLS does: "
                    "busy, stopped or hung? Or if it wants TLS, give --tls-ca (PROCTOR_TLS_CA)")
            (self.data / "addresses.json").write_text(json.dumps({"grpc": address}))
            _, findings = self.doctor("--browser", "/no")
            self.assertEqual(("note", what), (findings["server"]["health"], findings["server"]["found"]))
            print(os.getpid(), file=lock, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
            _, findings = self.doctor("--browser", "/no")
            self.assertEqual(("missing", f"process {os.getpid()} runs on {self.data}: {what}"),
                             (findings["server"]["health"], findings["server"]["found"]))
            _, findings = self.doctor("--browser", "/no", "--address", address)
            self.assertEqual(("missing", what), (findings["server"]["health"], findings["server"]["found"]))

    def test_a_token_that_cannot_be_read_is_not_taken_for_a_server_that_hangs(self):
        self.data.mkdir(mode=0o700)
        gone = str(self.folder / "token")
        with open(self.data / "lock", "w") as lock:
            print(os.getpid(), file=lock, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
            (self.data / "addresses.json").write_text(f'{{"unix_socket": "{self.data}/proctord.sock"}}')
            for flags, environment in (([], {"PROCTOR_TOKEN_FILE": gone}), (["--token-file", gone], {})):
                code, findings = self.doctor("--browser", "/no", *flags, environment=environment)
                self.assertEqual((1, "missing", f"cannot read {gone}"), (code, findings["server"]["health"], findings["server"]["found"]))
                self.assertIn("PROCTOR_TOKEN_FILE", findings["server"]["mend"])

    def test_a_bad_configuration_is_refused_with_its_line(self):
        config = self.folder / "proctord.yaml"
        config.write_text("log: {level: info}\nbrowsr: {}\n")
        done = subprocess.run([CLI, "doctor", "--config", str(config)], capture_output=True, text=True, timeout=100)
        self.assertEqual(1, done.returncode)
        self.assertIn("proctord.yaml:2", done.stderr)


if __name__ == "__main__":
    unittest.main()
