"""Compares what docs/architecture.md says about the wire with the protos."""
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def documented(text):
    """Methods by service, from rows like: | `TaskService` | CreateTask · **GetTask** (how) · Rescore (*later*) |"""
    found = {}
    for service, cell in re.findall(r"^\| `(\w+Service)` \| (.*) \|$", text, re.MULTILINE):
        items = [item for item in cell.split(" · ") if "*later*" not in item]
        found[service] = [re.match(r"\W*(\w+)", item)[1] for item in items]
    return found


def declared(text):
    """Methods by service, in order, of one proto file."""
    found = {}
    for service, body in re.findall(r"^service (\w+) \{(.*?)^\}", text, re.MULTILINE | re.DOTALL):
        found[service] = re.findall(r"^  rpc (\w+)\(", body, re.MULTILINE)
    return found


class WireTest(unittest.TestCase):
    def test_the_page_names_every_method_and_no_other(self):
        page = (ROOT / "docs" / "architecture.md").read_text()
        section = page[page.index("\n## 6. The wire"):page.index("\n## 7. ")]
        protos = {}
        for proto in sorted((ROOT / "proto" / "proctor" / "v1").glob("*.proto")):
            protos.update(declared(proto.read_text()))
        self.assertGreater(len(protos), 3)
        said = documented(section)
        self.assertEqual(sorted(protos), sorted(said))
        for service, methods in protos.items():
            self.assertEqual(sorted(methods), sorted(said[service]), service)

    def test_later_is_left_out_and_all_else_is_not(self):
        row = "| `AService` | Get (by name) · **Act** (stream). More · Rescore, Reflect (*later*) |\n"
        self.assertEqual({"AService": ["Get", "Act"]}, documented(row))


class DecisionsTest(unittest.TestCase):
    def test_every_decision_that_is_named_exists(self):
        records = {path.name[:4] for path in (ROOT / "docs" / "adr").glob("*.md")}
        for page in (ROOT / "docs").rglob("*.md"):
            for number in re.findall(r"ADR (\d{4})", page.read_text()):
                self.assertIn(number, records, page)


if __name__ == "__main__":
    unittest.main()
