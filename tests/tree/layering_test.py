"""Checks the folder rules of docs/architecture.md from the include lines."""
import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Rows from the top; a folder may include what lies in lower rows, and itself.
ROWS = [
    {"server"},
    {"env", "evaluator", "proposer", "reward"},
    {"trajectory", "model"},
    {"storage", "imaging", "net"},
    {"common", "proto"},
]
ROW_OF = {room: i for i, row in enumerate(ROWS) for room in row}

# Third-party headers and the only folders that may include them.
OWNERS = {
    r"opencv2/": {"imaging"},
    r"boost/(?!math/)": {"net"},
    r"boost/math/": {"evaluator"},
    r"curl/": {"net"},
    r"sqlite3\.h": {"storage"},
    r"grpc(pp)?/|.*\.grpc\.pb\.h": {"server", "clients"},
    r"yaml-cpp/": {"common"},
    r"rfb/|X11/|gio/|glib": {"env"},
    r"prometheus/": {"server"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]', re.MULTILINE)


def sources(room):
    return sorted(p for p in (ROOT / room).rglob("*") if p.suffix in (".cc", ".h"))


def violations(files):
    """(file, include, why) for every include that breaks a rule; `files` maps path to text."""
    found = []
    for path, text in files.items():
        room = path.split("/")[0]
        for include in INCLUDE.findall(text):
            target = include.split("/")[0]
            if target in ROW_OF and "/" in include and room in ROW_OF and target != room:
                if ROW_OF[target] <= ROW_OF[room]:
                    found.append((path, include, f"{room} must not depend on {target}"))
            if room == "clients" and target in ROW_OF and target not in ("common", "proto"):
                found.append((path, include, "clients use the wire, not the server's folders"))
            for pattern, owners in OWNERS.items():
                if re.match(pattern, include) and room not in owners:
                    found.append((path, include, f"only {sorted(owners)} may include it"))
    return found


class LayeringTest(unittest.TestCase):
    def test_every_include_points_down(self):
        files = {}
        for room in [*ROW_OF, "clients"]:
            for path in sources(room):
                files[str(path.relative_to(ROOT))] = path.read_text()
        self.assertGreater(len(files), 20)
        self.assertEqual([], violations(files))

    def test_the_check_sees_a_violation(self):
        self.assertTrue(violations({"reward/a.cc": '#include "evaluator/b.h"\n'}))
        self.assertTrue(violations({"common/a.cc": '#include "net/b.h"\n'}))
        self.assertTrue(violations({"env/a.cc": "#include <opencv2/core.hpp>\n"}))
        self.assertTrue(violations({"clients/cpp/a.cc": '#include "server/b.h"\n'}))
        self.assertFalse(violations({"server/a.cc": '#include "reward/b.h"\n'}))


class RegistrationTest(unittest.TestCase):
    def test_every_test_file_is_built(self):
        listed = "\n".join(p.read_text() for p in (ROOT / "tests").rglob("CMakeLists.txt"))
        missing = [str(p.relative_to(ROOT)) for p in sorted((ROOT / "tests").rglob("*_test.*"))
                   if p.suffix in (".cc", ".py") and p.name not in listed]
        self.assertEqual([], missing, "not named in any CMakeLists.txt: they never run")

    def test_every_source_is_built(self):
        lists = [*ROOT.rglob("CMakeLists.txt"), *ROOT.rglob("*.cmake")]
        listed = "\n".join(p.read_text() for p in lists if "build" not in p.relative_to(ROOT).parts)
        rooms = [*ROW_OF, "clients", "bench"]
        missing = [str(p.relative_to(ROOT)) for room in rooms for p in sources(room)
                   if p.suffix == ".cc" and p.name not in listed]
        self.assertEqual([], missing)


if __name__ == "__main__":
    sys.exit(unittest.main())
