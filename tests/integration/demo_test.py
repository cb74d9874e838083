"""scripts/demo as a person runs it, on what is built already: its last line, --site, --serve, and what Ctrl-C leaves behind."""
import http.server
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "soak"))

import proctor
from processes import alive, command_line, descendants, wait_until

BUILD = pathlib.Path(os.environ["PROCTORD"]).resolve().parents[1]
LAST_LINE = re.compile(r"held-out success: \d+\.\d% → \d+\.\d% \(95% interval of the difference: "
                       r"(-?\d+\.\d|nan) to (-?\d+\.\d|nan) points; \d+ tasks\)")
TINY = ("--rounds", "1", "--groups", "2", "--group-size", "2", "--tasks", "80", "--held-out", "4", "--curve-tasks", "2",
        "--permuted-rounds", "0", "--sessions", "2")

#: A page for each metal, in groups: symbol, melting point and who uses it.
METALS = {
    "Light metals": {"Aluminium": ("Al", "660 degrees", "window makers"), "Magnesium": ("Mg", "650 degrees", "camera makers"),
                     "Titanium": ("Ti", "1668 degrees", "dentists")},
    "Heavy metals": {"Copper": ("Cu", "1085 degrees", "electricians"), "Lead": ("Pb", "327 degrees", "organ builders"),
                     "Tungsten": ("W", "3422 degrees", "lamp makers")},
    "Noble metals": {"Gold": ("Au", "1064 degrees", "goldsmiths"), "Platinum": ("Pt", "1768 degrees", "chemists"),
                     "Silver": ("Ag", "962 degrees", "mirror makers")},
}


def site_pages():
    """Path to HTML of a site of a dozen pages and more, each reachable by links."""
    def path(name):
        return "/" + name.lower().replace(" ", "-")

    def document(title, body):
        return (f"<!doctype html><html lang=en><head><title>{title}</title></head><body><nav><a href=/>Start</a></nav><main><h1>{title}</h1>"
                f"{body}</main></body></html>")

    def links(names):
        return "<ul>" + "".join(f"<li><a href={path(name)}>{name}</a></li>" for name in names) + "</ul>"

    pages = {"/": document("The metals", "<p>What they are and who uses them.</p>" + links(METALS))}
    for group, metals in METALS.items():
        pages[path(group)] = document(group, links(metals))
        for metal, (symbol, melts, users) in metals.items():
            pages[path(metal)] = document(metal, f"<table><tr><th>Symbol</th><td>{symbol}</td></tr><tr><th>Melting point</th><td>{melts}</td></tr>"
                                                 f"<tr><th>Used by</th><td>{users}</td></tr></table>")
    return pages


class Site:
    """Serves the pages on a loopback port and remembers what was asked for."""

    def __init__(self):
        pages, self.asked = site_pages(), set()
        asked = self.asked

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked.add(self.path)
                page = pages.get(self.path)
                self.send_response(200 if page else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                body = (page or "no such page").encode()
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.pages = pages
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(30)


class DemoTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="proctor-demo-test-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.folder.chmod(0o755)
        self.temporary = self.folder / "tmp"
        self.temporary.mkdir()
        self.temporary.chmod(0o1777)
        self.log = self.folder / "log"
        self.seen = set()

    def start(self, *arguments):
        """The demo in a session of its own, as in a terminal."""
        with open(self.log, "wb") as log:
            demo = subprocess.Popen(
                [ROOT / "scripts" / "demo", "--build", BUILD, "--output", self.folder / "report", *TINY,
                 *os.environ.get("PROCTORD_FLAGS", "").split(), *arguments],
                stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True,
                env={**os.environ, "TMPDIR": str(self.temporary), "PYTHONUTF8": "1"})
        self.addCleanup(demo.stdout.close)
        self.addCleanup(demo.wait, 60)
        self.addCleanup(lambda: demo.poll() is None and demo.terminate())
        return demo

    def wait_for(self, condition, what):
        try:
            wait_until(condition, 120, what)
        except TimeoutError as error:
            self.fail(f"{error}\n{self.log.read_text()}")

    def look(self, demo):
        """Remembers the demo's processes."""
        now = descendants(demo.pid)
        self.seen |= now
        return [" ".join(command_line(process.pid)) for process in now]

    def check_nothing_is_left(self):
        self.wait_for(lambda: not any(map(alive, self.seen)), "the end of all processes")
        self.assertEqual([], sorted(path.name for path in self.temporary.iterdir()))

    def test_it_ends_with_its_line_and_leaves_only_the_report(self):
        demo = self.start()
        out, _ = demo.communicate(timeout=240)
        self.assertEqual(0, demo.returncode, self.log.read_text())
        self.assertRegex(out.splitlines()[-1], LAST_LINE)
        self.assertTrue({"report.html", "report.json", "proctord.log"} <= {p.name for p in (self.folder / "report").iterdir()})
        self.check_nothing_is_left()

    def test_a_site_that_it_is_given_is_crawled_and_practised_on(self):
        site = Site()
        self.addCleanup(site.close)
        demo = self.start("--site", site.url, "--tasks", "24")
        out, _ = demo.communicate(timeout=240)
        self.assertEqual(0, demo.returncode, self.log.read_text())
        line = out.splitlines()[-1]
        self.assertRegex(line, LAST_LINE)
        report = json.loads((self.folder / "report" / "report.json").read_text())
        self.assertEqual(line, report["summary"])
        self.assertLessEqual(set(site.pages), site.asked)
        self.assertIn("/robots.txt", site.asked)
        self.check_site_report(report, site.url)
        self.check_nothing_is_left()

    def check_site_report(self, report, url):
        """What is proposed of the site does not depend on its port: the sides go by host and path."""
        self.assertIn(url, report["description"])
        (pages,) = report["sets"]
        self.assertEqual("pages", pages["key"])
        self.assertTrue(1 <= pages["tasks"] <= 4, pages)
        self.assertEqual(2, len(report["controls"]))
        (done,) = report["rounds"]
        self.assertEqual(4, done["episodes"])
        self.assertGreater(done["steps"], 0)
        self.assertEqual([0, 1], [point["round"] for point in report["curve"]])
        self.assertIn(f"site {url.removeprefix('http://').rstrip('/')}", [row["key"] for row in report["breakdown"]])
        self.assertIn("Click each mark", report["candidates"])
        self.assertIn("</html>", (self.folder / "report" / "report.html").read_text())

    def test_serve_stays_up_until_ctrl_c(self):
        demo = self.start("--serve")
        self.assertRegex(demo.stdout.readline().rstrip("\n"), LAST_LINE, self.log.read_text())
        (addresses,) = self.temporary.glob("proctor-demo.*/data/addresses.json")
        with proctor.connect(f"unix:{addresses.parent / 'proctord.sock'}") as client:
            self.assertTrue(client.list_tasks(limit=10))
        self.assertTrue(any("proctord" in line for line in self.look(demo)))
        os.killpg(demo.pid, signal.SIGINT)
        self.assertEqual(130, demo.wait(60))
        self.check_nothing_is_left()

    def stop_in_the_middle(self, stop):
        demo = self.start()
        self.wait_for(lambda: "2/5" in self.log.read_text(), "the first episodes")
        self.wait_for(lambda: any("--type=renderer" in line for line in self.look(demo)), "a page")
        stop(demo)
        code = demo.wait(90)
        self.assertEqual("", demo.stdout.read())
        self.check_nothing_is_left()
        return code

    def test_ctrl_c_in_the_middle(self):
        self.assertEqual(130, self.stop_in_the_middle(lambda demo: os.killpg(demo.pid, signal.SIGINT)))
        self.assertIn("interrupted", self.log.read_text())

    def test_a_signal_to_the_script_alone_is_acted_on_at_once(self):
        self.assertEqual(143, self.stop_in_the_middle(lambda demo: demo.terminate()))

    def test_only_a_private_site_is_named_to_the_proxy_which_would_refuse_all_other_hosts(self):
        for host, public in (("127.0.0.1:8080", False), ("localhost", False), ("[::1]:80", False), ("10.1.2.3", False),
                             ("8.8.8.8", True), ("[2001:4860:4860::8888]:443", True), ("nosuch.invalid", True)):
            with self.subTest(host):
                done = subprocess.run(["bash", "-c", 'source "$0"; is_public "$1"', ROOT / "scripts" / "lib.sh", host], timeout=60)
                self.assertEqual(0 if public else 1, done.returncode)

    def test_help_tells_every_option(self):
        shown = subprocess.run([ROOT / "scripts" / "demo", "--help"], capture_output=True, text=True, check=True).stdout
        script = (ROOT / "scripts" / "demo").read_text()
        for option in set(re.findall(r"^    (--[a-z-]+)(?: \||\))", script, re.MULTILINE)):
            self.assertIn(option, shown)
        self.assertIn("→", shown)


if __name__ == "__main__":
    unittest.main()
