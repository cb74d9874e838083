"""Builds the image of docker/Dockerfile from a Debian that it makes itself, and runs it: health, an episode in the null environment and one in
a real browser with its sandbox on, played from outside through the shared socket; stopping; backup and restore as docker/README.md says;
what it says where the kernel allows no sandbox; the door with TLS and tokens. Asks no registry. By hand: scripts/test --docker. Needs root, and 10 GB in $TMPDIR."""
from __future__ import annotations

import argparse
import contextlib
import errno
import hashlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "docker"), str(ROOT / "tests" / "soak")]

import proctor
from proctor.v1 import environment_pb2, task_pb2

from buildah import Buildah, make_debian, remove, say
from crun import USER, Container, require_mount_namespace, seccomp_of
from documented import Command, commands
from processes import ProcessId, alive, command_line, descendants, wait_until

BASE, IMAGE = "localhost/proctor-test-debian", "localhost/proctor-test"
SECCOMP = ROOT / "docker" / "seccomp.json"
TASK = "goal: Say hello.\nenvironment: environments/null\noracle: {answer: {match: {equals: {values: [hello]}}}}\n"
TOKEN = "proctor_" + "7" * 64
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000


class Server(Container):
    """The image's own command with its volumes, and what is asked of it."""

    def health(self) -> subprocess.CompletedProcess:
        """The image's health check; in a container where nothing else runs, if the server does not."""
        check = self.image["Healthcheck"]["Test"][1:]
        return self.execute(*check) if self.process is not None and self.process.poll() is None else self.run(*check)

    def wait_until_healthy(self) -> None:
        def healthy() -> bool:
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended with {self.process.returncode}:\n{self.log.read_text()}")
            return self.health().returncode == 0
        wait_until(healthy, 120, "the health check passes")

    @property
    def addresses(self) -> dict:
        return json.loads((self.volumes["/var/lib/proctor"] / "addresses.json").read_text())

    @property
    def address(self) -> str:
        """By way of the shared volume, as from another container."""
        return f"unix:{self.volumes['/run/proctor']}/proctord.sock"

    def stop(self) -> int:
        """As `docker stop` does; the exit code."""
        self.send(signal.SIGTERM)
        return self.process.wait(90)

    def type(self, command: Command) -> tuple[int, str]:
        """What a person types who follows docker/README.md: the exit code and what is said."""
        if command.verb == "stop":
            return self.stop(), self.log.read_text()
        if command.verb == "up":
            self.start()
            self.wait_until_healthy()
            return 0, ""
        words = command.runs(self.image["Entrypoint"])
        done = self.execute(*words) if command.verb == "exec" else self.run(*words)
        return done.returncode, done.stdout + done.stderr


def status(process: ProcessId) -> dict[str, str]:
    lines = pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def zombies(server: Server) -> list[str]:
    """The processes of the container that ended and that nobody asked about."""
    shown = server.execute("sh", "-c", "grep -l '^State:.Z' /proc/[0-9]*/status 2>/dev/null")
    return shown.stdout.splitlines()


class ImageTest(unittest.TestCase):
    folder: pathlib.Path
    buildah: Buildah
    programs: pathlib.Path | None

    @classmethod
    def setUpClass(cls):
        began = time.monotonic()
        say("making a Debian")
        make_debian(cls.folder / "debian")
        cls.buildah.commit_folder(cls.folder / "debian", "/", BASE)
        options = ["--build-arg", f"BASE={BASE}", "--build-arg", f"JOBS={os.cpu_count()}"]
        if cls.programs:
            say(f"taking the programs of {cls.programs}")
            built = cls.folder / "built"
            subprocess.run([ROOT / "docker" / "collect_programs", cls.programs, built / "programs"], check=True, timeout=300)
            options += ["--build-context", f"programs={built}"]
        say("building the image" + ("" if cls.programs else ", from source"))
        cls.buildah.build(ROOT, ROOT / "docker" / "Dockerfile", IMAGE, 5400, *options)
        cls.image = cls.buildah.config(IMAGE)
        cls.files = pathlib.Path(cls.buildah("mount", cls.buildah("from", "--pull-never", IMAGE)))
        size = json.loads(cls.buildah("images", "--json", IMAGE))[0]["size"]
        say(f"built after {time.monotonic() - began:.0f} s; the image has {size}")

    def server(self, name, profile=None, **options):
        seccomp = seccomp_of(profile or json.loads(SECCOMP.read_text()))
        made = Server(self.folder / name, self.image, self.files, seccomp, **options)
        self.addCleanup(made.close)
        return made

    def cli(self, server, *words, stdin=""):
        done = server.execute("proctor", "--json", *words, stdin=stdin)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_it_says_what_it_is(self):
        config = self.image
        self.assertEqual(f"{USER}:{USER}", config["User"])
        self.assertEqual("SIGTERM", config["StopSignal"])
        self.assertEqual(["/var/lib/proctor"], list(config["Volumes"]))
        self.assertEqual(["50551/tcp"], list(config["ExposedPorts"]))
        self.assertEqual("CMD", config["Healthcheck"]["Test"][0])
        self.assertFalse(config.get("Cmd"))

    def test_nothing_is_in_it_that_should_not_be(self):
        server = self.server("content")
        found = server.run("sh", "-c", "find / -xdev -perm /6000 -type f; ls -d /src /programs /usr/bin/g++ /usr/include/grpcpp; ls /var/lib/apt/lists; id")
        self.assertNotIn("\n/", found.stdout)
        self.assertTrue(found.stdout.startswith(f"uid={USER}(proctor) gid={USER}(proctor)"), found.stdout + found.stderr)

    def play(self, address, environment, task, actions, **options):
        with proctor.connect(address, **options) as client, proctor.Env(client, environment, observe=["elements", "text"]) as env:
            observation, _ = env.reset(options={"task": task})
            for action in actions:
                observation, *_, info = env.step(action(observation))
            return info["episode"]

    def check_browser(self, server):
        """A page is shown by a process in other namespaces than the server's, under one more filter."""
        proctord = self.proctord(server)
        browsers = server.processes("/usr/lib/chromium/chromium-headless-shell")
        pages = [process for process in browsers if "--type=renderer" in " ".join(command_line(process.pid))]
        self.assertTrue(pages)
        for page in pages:
            for kind in ("user", "pid", "net"):
                self.assertNotEqual(os.readlink(f"/proc/{proctord.pid}/ns/{kind}"), os.readlink(f"/proc/{page.pid}/ns/{kind}"))
            self.assertGreater(int(status(page)["Seccomp_filters"]), int(status(proctord)["Seccomp_filters"]))
        self.assertFalse(any("--no-sandbox" in " ".join(command_line(process.pid)) for process in browsers))

    def proctord(self, server):
        (process,) = server.processes("/usr/bin/proctord")
        return process

    def search_the_shop(self, address, look=lambda: None):
        task = task_pb2.Task(goal='Search the shop for "lamp".', environment="environments/practice")
        task.start_state.start_url = "__SHOP__/"
        task.oracle.page.expression = "location.pathname + location.search"
        task.oracle.page.match.equals_json = '"/search?q=lamp"'

        def type_lamp(observation):
            look()
            return proctor.type_text(next(e for e in observation.elements if e.editable).mark, "lamp", submit=True)
        return self.play(address, "practice", task, [type_lamp, lambda _: proctor.answer("done")])

    def test_it_serves_and_stops(self):
        server = self.server("serves")
        before = server.health()
        self.assertEqual(1, before.returncode)
        self.assertIn("has not started yet", before.stdout)
        server.start()
        server.wait_until_healthy()
        proctord = status(self.proctord(server))
        self.assertEqual({str(USER)}, set(proctord["Uid"].split()) | set(proctord["Gid"].split()))
        self.assertEqual((0, 0), (int(proctord["CapEff"], 16), int(proctord["CapBnd"], 16)))
        self.assertEqual(("2", "1"), (proctord["Seccomp"], proctord["NoNewPrivs"]))
        self.assertEqual(1, server.execute("sh", "-c", "touch /usr/x || exit 1").returncode)

        (task,) = self.cli(server, "task", "create", "-", stdin=TASK)
        null = self.play(server.address, "null", task["name"], [lambda _: proctor.noop(), lambda _: proctor.answer("hello")])
        (shown,) = self.cli(server, "episode", "wait", null.name, "--max-wait", "30s")
        self.assertEqual(("REWARD_STATUS_VALID", 1), (shown["reward"]["status"], shown["reward"]["value"]))
        browser = self.search_the_shop(server.address, lambda: self.check_browser(server))
        self.assertEqual(1, browser.reward.value, browser)
        self.assertEqual({null.name, browser.name}, {episode["name"] for episode in self.cli(server, "episode", "list")})
        doctor = server.execute("proctor", "doctor")
        self.assertEqual(0, doctor.returncode, doctor.stdout + doctor.stderr)
        say("proctor doctor:\n" + doctor.stdout)

        wait_until(lambda: not zombies(server), 60, "the ends of all processes were taken note of")
        everything = descendants(server.process.pid)
        self.assertEqual(0, server.stop(), server.log.read_text())
        self.assertFalse(list(filter(alive, everything)))
        self.assertEqual(1, server.health().returncode)
        with self.subTest("the data are still there, and a model that is not there yet keeps nobody waiting"):
            flags = re.search(r"^PROCTOR_FLAGS=(.*)$", (ROOT / "docker" / "model.env").read_text(), re.MULTILINE)[1]
            server.start(*flags.split())
            server.wait_until_healthy()
            self.assertEqual({null.name, browser.name}, {episode["name"] for episode in self.cli(server, "episode", "list")})
            self.assertEqual(0, server.stop(), server.log.read_text())

    def test_backup_and_restore_as_the_readme_says(self):
        server = self.server("kept")
        server.start()
        server.wait_until_healthy()
        (task,) = self.cli(server, "task", "create", "-", stdin=TASK)
        backup, restore = commands((ROOT / "docker" / "README.md").read_text(), "Backup and restore")

        def play():
            return self.play(server.address, "null", task["name"], [lambda _: proctor.answer("hello")]).name

        def episodes():
            return {episode["name"] for episode in self.cli(server, "episode", "list")}

        def follow(block):
            self.assertGreaterEqual(len(block), 2)
            for command in block:
                code, said = server.type(command)
                self.assertEqual(0, code, f"{command}:\n{said}")
                say(f"{command.verb} {' '.join(command.words)}: {said.strip() or 'done'}")
        before = play()
        follow(backup)
        after = play()
        self.assertEqual({before, after}, episodes())
        follow(restore)
        self.assertEqual({before}, episodes())
        (shown,) = self.cli(server, "episode", "wait", before, "--max-wait", "30s")
        self.assertEqual("REWARD_STATUS_VALID", shown["reward"]["status"])
        again = play()
        self.assertEqual({before, again}, episodes())
        with self.subTest("what was there before lies aside, and nothing is put over it"):
            self.assertEqual(0, server.execute("test", "-s", "/var/lib/proctor/.lost/proctor.db").returncode)
            (aside,) = (command for command in restore if ".lost" in " ".join(command.words))
            code, said = server.type(aside)
            self.assertNotEqual(0, code)
            self.assertIn("File exists", said)
            self.assertEqual({before, again}, episodes())
        self.assertEqual(0, server.stop(), server.log.read_text())
        with self.subTest("a backup of a stopped server"):
            follow([Command("run", program, [word.replace("/backups/", "/backups/stopped-") for word in words])
                    for program, *words in (command.words for command in backup)])

    def test_a_second_signal_ends_it_at_once(self):
        """The kernel keeps from process 1 the signals that it does nothing about: that is why proctord is not process 1."""
        server = self.server("impatient")
        server.start()
        server.wait_until_healthy()
        settings = environment_pb2.EnvironmentSettings()
        settings.null.step_delay.FromSeconds(60)
        client = proctor.connect(server.address)
        self.addCleanup(client.close)
        env = proctor.Env(client, "null", observe=["text"], settings=settings)
        env.reset(options={"task": task_pb2.Task(goal="Wait.", environment="environments/null")})

        def step():
            with contextlib.suppress(Exception):
                env.step(proctor.click(1))
        stepping = threading.Thread(target=step)
        stepping.start()
        self.addCleanup(stepping.join, 90)

        def busy():
            metrics = server.execute("curl", "-sS", f"http://{server.addresses['http']}/metrics").stdout
            return re.search(r'^proctor_sessions_busy\{environment="null"\} 1', metrics, re.MULTILINE)
        wait_until(busy, 60, "the step is taken")
        server.send(signal.SIGTERM)
        wait_until(lambda: "stopping" in server.log.read_text(), 60, "the drain begins")
        server.send(signal.SIGTERM)
        self.assertEqual(128 + signal.SIGTERM, server.process.wait(90), server.log.read_text())

    def test_without_user_namespaces_it_says_what_is_missing(self):
        # As Docker's own profile refuses them.
        profile = json.loads(SECCOMP.read_text())
        profile["defaultErrnoRet"] = errno.EPERM
        profile["syscalls"].append({"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": errno.ENOSYS})
        for rule in profile["syscalls"]:
            if rule["names"][0] in ("clone", "unshare"):
                rule["args"][0]["value"] |= CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET
        server = self.server("unsandboxed", profile)
        server.start()
        self.assertEqual(1, server.process.wait(120), server.log.read_text())
        self.assertIn("sandbox cannot be used here", server.log.read_text())
        say("where no user namespaces are allowed:\n" + server.log.read_text())
        doctor = server.run("proctor", "doctor")
        self.assertEqual(1, doctor.returncode)
        self.assertIn("in a container, a seccomp profile that lets unshare through", " ".join(doctor.stdout.split()))

    def test_the_door_to_the_network_has_a_lock(self):
        server = self.server("guarded", network=True)
        certificate, key, tokens = (server.secrets / name for name in ("server.pem", "server.key", "tokens.yaml"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate], check=True, capture_output=True, timeout=60)
        tokens.write_text(f"tokens:\n- {{name: agent, sha256: {hashlib.sha256(TOKEN.encode()).hexdigest()}, scopes: [act, propose]}}\n")
        for path in (key, tokens):
            path.chmod(0o600)
        flags = ("--http", "127.0.0.1:0", "--listen", "0.0.0.0:0", "--tls-certificate", "/etc/proctor/secrets/server.pem", "--tls-key", "/etc/proctor/secrets/server.key",
                 "--tokens-file", "/etc/proctor/secrets/tokens.yaml")
        with self.subTest("files of another user"):
            server.start(*flags)
            self.assertEqual(1, server.process.wait(120), server.log.read_text())
            self.assertIn("/etc/proctor/secrets/", server.log.read_text())
            say("files of another user:\n" + server.log.read_text())
        for path in (key, tokens):
            os.chown(path, USER, USER)
        server.start(*flags)
        server.wait_until_healthy()
        port = server.addresses["grpc"].rpartition(":")[2]
        security = {"tls_ca": str(certificate), "tls_server_name": "localhost"}
        task = task_pb2.Task(goal="Say hello.", environment="environments/null")
        self.play(f"127.0.0.1:{port}", "null", task, [lambda _: proctor.answer("hello")], security=proctor.Security(token=TOKEN, **security))
        with self.assertRaises(Exception) as refused:
            self.play(f"127.0.0.1:{port}", "null", task, [], security=proctor.Security(**security))
        self.assertIn("UNAUTHENTICATED", str(refused.exception))
        self.assertEqual(0, server.stop(), server.log.read_text())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=pathlib.Path, metavar="BUILD", help="take the programs from this build instead of compiling in the image")
    parser.add_argument("--filter", default="", metavar="REGEX", help="only tests whose name matches")
    arguments = parser.parse_args()
    require_mount_namespace()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # So that everything is removed then too.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="proctor-image-test-"))
    folder.chmod(0o755)
    ImageTest.folder, ImageTest.programs = folder, arguments.programs
    ImageTest.buildah = Buildah(folder / "store")
    names = [name for name in unittest.defaultTestLoader.getTestCaseNames(ImageTest) if re.search(arguments.filter, name)]
    try:
        result = unittest.TextTestRunner(verbosity=2).run(unittest.TestSuite(map(ImageTest, names)))
    finally:
        remove(folder)
    bad = len(result.failures) + len(result.errors)
    print(f"{max(0, result.testsRun - bad)} passed, {bad} failed")
    return 0 if bad == 0 and result.testsRun > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
