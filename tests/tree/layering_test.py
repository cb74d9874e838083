"""Checks the folder rules of docs/architecture.md from the include lines."""
import pathlib
import re
import sys
import tempfile
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


def words(folder):
    """What the CMakeLists.txt and *.cmake of a folder name, comments left out."""
    lists = [*folder.glob("CMakeLists.txt"), *folder.glob("*.cmake")]
    return {word for p in lists for word in re.split(r'[\s()";]+', re.sub("#.*", "", p.read_text()))}


def unlisted(root, files):
    """Those of `files` that no list names, be it in their folder or above, by the path from there: a name alone may be another file's."""
    named = {}

    def is_named(path):
        for folder in path.parents:
            if folder not in named:
                named[folder] = words(folder)
            if path.relative_to(folder).as_posix() in named[folder]:
                return True
            if folder == root:
                return False
        raise ValueError(f"{path} is not below {root}")

    return [str(p.relative_to(root)) for p in files if not is_named(p)]


class RegistrationTest(unittest.TestCase):
    def test_every_test_file_is_built(self):
        files = sorted(p for p in (ROOT / "tests").rglob("*_test.*") if p.suffix in (".cc", ".py"))
        self.assertGreater(len(files), 300)
        self.assertEqual([], unlisted(ROOT, files), "not named in any CMakeLists.txt: they never run")

    def test_every_source_is_built(self):
        files = [p for room in [*ROW_OF, "clients", "bench"] for p in sources(room) if p.suffix == ".cc"]
        self.assertGreater(len(files), 400)
        self.assertEqual([], unlisted(ROOT, files))

    def test_a_file_taken_out_is_noticed_where_others_have_its_name_or_end_in_it(self):
        texts = {"net/CMakeLists.txt": "add_test(net SOURCES http_client_test.cc deep/client_test.cc)  # client_test.cc\n",
                 "storage/CMakeLists.txt": 'add_test(storage SOURCES "store_test.cc")\n', "storage/more.cmake": "add(part/pool_test.cc)\n",
                 "CMakeLists.txt": "add_test(all above/top_test.cc)\n"}
        listed = ["net/http_client_test.cc", "net/deep/client_test.cc", "storage/store_test.cc", "storage/part/pool_test.cc", "above/top_test.cc"]
        lost = ["net/client_test.cc", "storage/client_test.cc", "storage/pool_test.cc", "above/store_test.cc"]
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in texts.items():
                (root / name).parent.mkdir(exist_ok=True)
                (root / name).write_text(text)
            self.assertEqual(lost, unlisted(root, [root / name for name in [*listed, *lost]]))


if __name__ == "__main__":
    sys.exit(unittest.main())
