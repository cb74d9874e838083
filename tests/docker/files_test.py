"""docker/ as it stands is right, and each check finds what it is there for in a spoilt copy. Nothing is built here."""
import http.server
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "docker"))

from checks import problems
from container_files import named_volumes, parse_dockerfile, sent_to_the_builder
from documented import Command, commands, parse

#: What the checks read.
READ = ("docker", "scripts", "cmake", "CMakeLists.txt", "CMakePresets.json", "LICENSE", "README.md", "server", ".dockerignore")

#: (file, what is replaced, by what, what must be said)
SPOILT = [
    ("docker/Dockerfile", '$2 == "build"', '$2 == "built"', "no group built"),
    ("docker/Dockerfile", '|| $2 == "image"', "", "instead of build, then run and image"),
    ("docker/Dockerfile", "xargs apt-get install -y --no-install-recommends \\\n    && apt-get clean",
     "xargs apt-get install -y --no-install-recommends vim \\\n    && apt-get clean", "installs vim by name"),
    ("docker/Dockerfile", "chromium-sandbox\" {print", "chromium-sandboxes\" {print", "leaves out chromium-sandboxes"),
    ("scripts/debian-packages.txt", " image\n", " picture\n", "no group image"),
    ("docker/Dockerfile", "COPY docker/healthcheck ", "COPY docker/health ", "COPY docker/health: it does not exist"),
    ("docker/Dockerfile", "--from=programs", "--from=program", "no stage before it"),
    (".dockerignore", "!docker/healthcheck\n", "", "COPY docker/healthcheck: .dockerignore keeps it"),
    (".dockerignore", "!storage\n", "", "keeps storage/CMakeLists.txt from the builder"),
    (".dockerignore", "!LICENSE\n", "", "keeps LICENSE from the builder"),
    (".dockerignore", "!docs\n", "", "keeps docs from the builder"),
    (".dockerignore", "*\n!CMakeLists.txt", "!CMakeLists.txt", "lets build/release/server/proctord through"),
    (".dockerignore", "!docker/proctord.yaml", "!docker", "lets docker/secrets/server.key through"),
    (".dockerignore", "**/__pycache__\n**/*.pyc\n", "", "client.cpython-311.pyc through"),
    ("docker/Dockerfile", "USER 10001:10001", "USER 0:0", "USER is not an unprivileged user"),
    ("docker/Dockerfile", "USER 10001:10001\n", "", "USER is not an unprivileged user"),
    ("docker/Dockerfile", 'CMD ["/usr/lib/proctor/healthcheck"]', "CMD /usr/lib/proctor/healthcheck", "HEALTHCHECK is not in the exec form"),
    ("docker/Dockerfile", "COPY docker/healthcheck /usr/lib/proctor/healthcheck", "COPY docker/healthcheck /usr/lib/health",
     "nothing is copied to /usr/lib/proctor/healthcheck"),
    ("docker/Dockerfile", 'ENTRYPOINT ["/usr/bin/tini", "--",', "ENTRYPOINT exec", "ENTRYPOINT is not in the exec form"),
    ("docker/Dockerfile", ', "--config", "/etc/proctor/proctord.yaml"]', "]", "ENTRYPOINT does not end with --config"),
    ("docker/Dockerfile", "STOPSIGNAL SIGTERM", "STOPSIGNAL SIGKILL", "STOPSIGNAL is not SIGTERM"),
    ("docker/Dockerfile", "VOLUME /var/lib/proctor", "VOLUME /data", "VOLUME is not the data directory"),
    ("docker/proctord.yaml", "127.0.0.1:9464", "", "no http listener on loopback"),
    ("docker/proctord.yaml", "data_dir:", "listen_address: 0.0.0.0:50551\ndata_dir:", "must not open itself"),
    ("docker/compose.yaml", "    cap_drop: [ALL]\n", "", "does not give up all privileges"),
    ("docker/compose.yaml", "    mem_limit: ${PROCTOR_MEMORY:-8g}\n", "", "may take all of the machine's memory"),
    ("docker/compose.yaml", "restart: unless-stopped\n\n  # Any", "restart: on-failure:5\n\n  # Any", "does not come back"),
    ("docker/compose.yaml", "seccomp.json}", "seccomp-none.json}", "no seccomp profile docker/seccomp-none.json"),
    ("docker/compose.yaml", "    - socket:/run/proctor\n", "", "/run/proctor of docker/proctord.yaml is no volume"),
    ("docker/compose.yaml", "  socket:\n", "", "the volume socket is not declared"),
    ("docker/compose.yaml", "  backups:\n", "", "the volume backups is not declared"),
    ("docker/Dockerfile", " /run/proctor /backups\n", " /run/proctor\n", "/backups is no folder of the user proctor"),
    ("docker/Dockerfile", "install -d -o proctor -g proctor", "install -d", "/backups is no folder of the user proctor"),
    ("docker/compose.yaml", "    - ${PROCTOR_BACKUPS:-backups}:/backups\n", "", "is no folder of a volume of its own"),
    ("docker/README.md", "--backup /backups/", "--backup /var/lib/proctor/", "is no folder of a volume of its own"),
    ("docker/README.md", "proctord --backup /backups/", "proctord --back-up /backups/", "no flag --back-up"),
    ("docker/README.md", "-a /backups/2026-11-26/. .", "-a /backups/2026-11-25/. .", "is not restored"),
    ("docker/README.md", "exec proctord proctord --fsck --data-dir /backups", "exec proctord proctord --fsck --data-dir /backup", "the backup does not check"),
    ("docker/README.md", "docker compose stop proctord", "docker stop proctord", "not docker compose"),
    ("docker/compose.yaml", "dockerfile: docker/Dockerfile", "dockerfile: Dockerfile", "does not lead to the Dockerfile"),
    ("docker/compose.yaml", "    profiles: [model]\n", "", "not only in the profile model"),
    ("docker/compose.yaml", "${PROCTOR_IMAGE:-proctor}", "${PROCTOR_IMAGE}", "PROCTOR_IMAGE has no default"),
    ("docker/compose.yaml", "services:\n", "services: [\n", "not YAML"),
    ("docker/compose.yaml", "--port 8000", "--port 8080", "does not listen at http://model:8000"),
    ("docker/compose.gpu.yaml", "  model:\n", "  models:\n", "has no service models"),
    ("docker/compose.network.yaml", "--tokens-file", "--token-file", "proctord has no flag --token-file"),
    ("docker/model.env", "--model-name judge", "--model-name other", "is not told the name"),
    ("docker/model.env", "COMPOSE_PROFILES=model", "COMPOSE_PROFILES=", "does not switch the profile"),
    ("docker/seccomp.json", "SCMP_ACT_ERRNO", "SCMP_ACT_ALLOW", "allows what it does not name"),
    ("docker/seccomp.json", '"access"', '"access", "ptrace"', "names ptrace"),
    ("docker/seccomp.json", '"value": 235012096', '"value": 503447552', "clone cannot make the namespaces"),
    ("docker/seccomp.json", '"value": 235012224', '"value": 128', "unshare can make namespaces"),
    ("docker/seccomp.json", '"value": 16, ', '"value": 40, ', "sockets of family 40"),
]


class FilesTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="proctor-docker-files-")
        self.addCleanup(folder.cleanup)
        self.copy = pathlib.Path(folder.name) / "tree"
        self.copy.mkdir()
        for name in READ:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, self.copy / name, ignore=shutil.ignore_patterns("__pycache__", "secrets"))
            else:
                shutil.copy(ROOT / name, self.copy / name)

    def test_everything_is_right(self):
        self.assertEqual([], problems(ROOT))
        self.assertEqual([], problems(self.copy))

    def test_what_is_spoilt_is_found(self):
        for file, old, new, said in SPOILT:
            with self.subTest(file=file, said=said):
                path = self.copy / file
                right = path.read_text()
                self.assertIn(old, right)
                path.write_text(right.replace(old, new))
                self.assertIn(said, "\n".join(problems(self.copy)))
                path.write_text(right)

    def test_a_health_check_that_is_not_executable_is_found(self):
        (self.copy / "docker" / "healthcheck").chmod(0o644)
        self.assertEqual(["HEALTHCHECK: docker/healthcheck is not executable"], problems(self.copy))

    def test_the_readme_names_every_file(self):
        readme = (ROOT / "docker" / "README.md").read_text()
        for path in (ROOT / "docker").iterdir():
            if path.name not in ("README.md", "secrets"):
                self.assertIn(path.name, readme)


class ReadingTest(unittest.TestCase):
    def test_a_dockerfile(self):
        first, second = parse_dockerfile("# a\nARG BASE=debian\nFROM ${BASE} AS one\nRUN a \\\n# between\n  && b\nFROM one\n"
                                         "COPY --from=one /a /b\nHEALTHCHECK --retries=3 CMD [\"/c\"]\n")
        self.assertEqual(("debian", "one"), first[:2])
        self.assertEqual("a    && b", first.last("RUN").rest)
        self.assertEqual(({"from": "one"}, ["/a", "/b"]), (second.last("COPY").flags, second.last("COPY").words()))
        self.assertEqual(["/c"], second.last("HEALTHCHECK").exec_form())

    def test_a_dockerignore(self):
        text = "# all\n*\n!a\n!b/c\n**/*.pyc\n!a/keep.pyc\n"
        for path, sent in (("a", True), ("a/x/y", True), ("ab", False), ("b", False), ("b/c", True), ("b/d", False), ("a/x.pyc", False),
                           ("a/d/x.pyc", False), ("a/keep.pyc", True), ("x", False)):
            self.assertEqual(sent, sent_to_the_builder(text, path), path)
        self.assertTrue(sent_to_the_builder("", "x"))


    def test_volumes(self):
        service = {"volumes": ["data:/a", "${FOLDER:-kept}:/b:ro", "${SECRETS:-./secrets}:/c", "/srv:/d"]}
        self.assertEqual({"/a": "data", "/b": "kept"}, named_volumes(service))

    def test_commands(self):
        entry = ["/tini", "/server"]
        for line, command, runs in (
                ("docker compose exec proctord ls /  # why", Command("exec", None, ["ls", "/"]), ["ls", "/"]),
                ("docker compose run --rm proctord --fsck", Command("run", None, ["--fsck"]), [*entry, "--fsck"]),
                ("docker compose run --rm --entrypoint sh proctord -c 'a; b'", Command("run", "sh", ["-c", "a; b"]), ["sh", "-c", "a; b"])):
            self.assertEqual(command, parse(line))
            self.assertEqual(runs, command.runs(entry))
        for line in ("ls", "docker run proctord", "docker compose run proctord", "docker compose exec model ls", "docker compose stop", "docker compose down"):
            with self.assertRaises(ValueError):
                parse(line)
        text = "## One\n```\ndocker compose up -d\n```\n## Two\n```\ndocker compose stop proctord\n\ndocker compose up -d # on\n```\ntext\n```\n```\n"
        self.assertEqual([["stop", "up"], []], [[command.verb for command in block] for block in commands(text, "Two")])
        with self.assertRaises(ValueError):
            commands(text, "Three")


@unittest.skipUnless(shutil.which("docker-compose"), "docker-compose is not installed: compose files are only read as YAML")
class ComposeTest(unittest.TestCase):
    def configure(self, folder, *arguments, **variables):
        environment = {name: value for name, value in os.environ.items() if not re.match("PROCTOR_|MODEL_|COMPOSE_|HF_", name)}
        return subprocess.run(["docker-compose", *arguments, "config"], cwd=folder, capture_output=True, text=True, timeout=60,
                              env={**environment, **variables})

    def test_every_combination_is_valid(self):
        for arguments in ((), ("--env-file", "model.env"), ("-f", "compose.yaml", "-f", "compose.network.yaml"),
                          ("--env-file", "model.env", "-f", "compose.yaml", "-f", "compose.gpu.yaml")):
            with self.subTest(arguments=arguments):
                done = self.configure(ROOT / "docker", *arguments)
                self.assertEqual(0, done.returncode, done.stderr)
                self.assertIn("proctord:", done.stdout)
                self.assertEqual("--env-file" in arguments, "--model-endpoint http://model:8000/v1" in done.stdout)

    def test_backups_are_in_a_volume_or_in_a_folder_of_the_machine(self):
        for variables, mounted in (({}, "backups:/backups:rw"), ({"PROCTOR_BACKUPS": "/mnt/disk2/proctor"}, "/mnt/disk2/proctor:/backups:rw")):
            with self.subTest(mounted=mounted):
                done = self.configure(ROOT / "docker", **variables)
                self.assertEqual(0, done.returncode, done.stderr)
                composed = yaml.safe_load(done.stdout)
                self.assertIn(mounted, composed["services"]["proctord"]["volumes"])
                self.assertIn("backups", composed["volumes"])

    def test_a_wrong_key_is_told(self):
        with tempfile.TemporaryDirectory(prefix="proctor-docker-files-") as folder:
            shutil.copy(ROOT / "docker" / "seccomp.json", folder)
            text = (ROOT / "docker" / "compose.yaml").read_text()
            (pathlib.Path(folder) / "compose.yaml").write_text(text.replace("cap_drop:", "cap_drops:"))
            done = self.configure(folder)
            self.assertNotEqual(0, done.returncode)
            self.assertIn("cap_drops", done.stderr)


class HealthCheckTest(unittest.TestCase):
    """docker/healthcheck against a server that answers as it is told."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="proctor-docker-health-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "proctor").mkdir()

    def check(self, http=None):
        if http is not None:
            addresses = {"grpc": "", "unix_socket": "/run/proctor/proctord.sock", "http": http, "pid": 1}
            (self.folder / "proctor" / "addresses.json").write_text(json.dumps(addresses) + "\n")
        done = subprocess.run([ROOT / "docker" / "healthcheck"], env={"PATH": "/usr/bin:/bin", "XDG_DATA_HOME": str(self.folder)},
                              capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def serve(self, status, body):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(status if self.path == "/readyz" else 404)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.addCleanup(thread.join, 30)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return f"127.0.0.1:{server.server_port}"

    def test_a_server_that_is_ready(self):
        self.assertEqual((0, "ready\n"), self.check(self.serve(200, b"ready\n")))

    def test_a_server_that_is_not_ready_says_why(self):
        self.assertEqual((1, "draining\nno browser\n"), self.check(self.serve(503, b"draining\nno browser\n")))

    def test_no_server(self):
        code, said = self.check()
        self.assertEqual(1, code)
        self.assertIn("has not started yet", said)

    def test_a_server_without_an_http_listener(self):
        code, said = self.check("")
        self.assertEqual(1, code)
        self.assertIn("set http.listen_address", said)

    def test_nobody_answers(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            code, said = self.check(f"127.0.0.1:{taken.getsockname()[1]}")
        self.assertEqual(1, code)
        self.assertIn("does not answer", said)


@unittest.skipUnless("PROCTORD" in os.environ, "$PROCTORD names no server")
class ConfigurationTest(unittest.TestCase):
    def check(self, *flags):
        return subprocess.run([os.environ["PROCTORD"], "--config", ROOT / "docker" / "proctord.yaml", "--check-config", *flags],
                              capture_output=True, text=True, timeout=60)

    def test_the_server_takes_the_configuration_of_the_image(self):
        done = self.check()
        self.assertEqual(0, done.returncode, done.stderr)
        for line in ("data_dir: /var/lib/proctor", "unix_socket: /run/proctor/proctord.sock", "127.0.0.1:9464", "127.0.0.1:50551"):
            self.assertIn(line, done.stdout.replace('"', ""))

    def test_and_the_flags_of_the_model(self):
        line = next(line for line in (ROOT / "docker" / "model.env").read_text().splitlines() if line.startswith("PROCTOR_FLAGS="))
        done = self.check(*line.split("=", 1)[1].split())
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("http://model:8000/v1", done.stdout)

    def test_and_does_not_open_itself_without_tls_and_tokens(self):
        done = self.check("--listen", "0.0.0.0:50551")
        self.assertEqual(2, done.returncode, done.stdout)
        self.assertIn("refused without auth.tls and auth.tokens_file", done.stderr)


if __name__ == "__main__":
    unittest.main()
