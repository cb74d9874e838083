"""Actions drawn on screenshots, and the page that shows recorded episodes."""
import contextlib
import io
import os
import pathlib
import re
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from unittest import mock

import proctor
from proctor import drawing, report
from proctor.v1 import action_pb2, observation_pb2, trajectory_pb2, verdict_pb2

HOSTILE = "<script>alert(1)</script>\"'&"


def seen(width: int = 1280, height: int = 800, digest: str = "d0") -> observation_pb2.Observation:
    observation = observation_pb2.Observation()
    observation.viewport.width, observation.viewport.height = width, height
    if digest:
        observation.screenshot.digest = digest
    element = observation.elements.add(mark=7, role="button", name="Save")
    element.box.x, element.box.y, element.box.width, element.box.height = 100, 40, 80, 20
    return observation


def drawn(action: action_pb2.Action, before: observation_pb2.Observation | None = None, **places) -> ElementTree.Element | None:
    step = trajectory_pb2.Step(action=action)
    for name, (x, y) in places.items():
        getattr(step, name).x, getattr(step, name).y = x, y
    svg = drawing.of_step(step, before or seen(), 320)
    return ElementTree.fromstring(svg) if svg else None


def shapes(svg: ElementTree.Element, tag: str) -> list[ElementTree.Element]:
    return [shape for shape in svg if shape.tag == tag]


class DrawingTest(unittest.TestCase):
    def test_a_click_is_a_circle_where_the_record_says(self):
        svg = drawn(proctor.click(7), target_point=(640, 400))
        self.assertEqual("0 0 1280 800", svg.get("viewBox"))
        self.assertEqual({("640.0", "400.0")}, {(c.get("cx"), c.get("cy")) for c in shapes(svg, "circle")})

    def test_without_a_recorded_place_the_action_says_where(self):
        for target, at in ((7, ("140.0", "50.0")), ((10, 20), ("10.0", "20.0")), (proctor.fraction(0, 1), ("0.0", "799.0"))):
            circle = shapes(drawn(proctor.click(target)), "circle")[0]
            self.assertEqual(at, (circle.get("cx"), circle.get("cy")))
        self.assertIsNone(drawn(proctor.click(99)))

    def test_double_clicks_have_two_rings(self):
        radii = {c.get("r") for c in shapes(drawn(proctor.click((1, 2), count=2)), "circle")}
        self.assertEqual(2, len(radii))

    def test_swipes_and_drags_are_arrows_to_where_they_ended(self):
        for action in (proctor.swipe((10, 500), (10, 100)), proctor.drag((10, 500), (10, 100))):
            svg = drawn(action, target_point=(10, 500), release_point=(10, 100))
            self.assertTrue(shapes(svg, "polyline")[0].get("points").startswith("10.0,500.0 10.0,"))
            self.assertTrue(shapes(svg, "polygon")[0].get("points").startswith("10.0,100.0"))
        via = shapes(drawn(proctor.drag((0, 0), (100, 0), via=[(50, 50)])), "polyline")[0]
        self.assertIn("50.0,50.0", via.get("points"))

    def test_a_drag_to_where_it_began_has_no_arrow(self):
        self.assertEqual([], shapes(drawn(proctor.drag((5, 5), (5, 5))), "polygon"))

    def test_scrolls_point_the_way(self):
        def tip(action):
            x, y = shapes(drawn(action), "polygon")[0].get("points").split()[0].split(",")
            return float(x) - 640, float(y) - 400
        self.assertGreater(tip(proctor.scroll(300))[1], 0)
        self.assertLess(tip(proctor.scroll(-300))[1], 0)
        self.assertGreater(tip(proctor.scroll(0, 300))[0], 0)
        self.assertLess(abs(tip(proctor.scroll(1e9))[1]), 400)

    def test_parts_of_a_sequence_are_numbered(self):
        svg = drawn(proctor.sequence(proctor.click((1, 2)), proctor.press("Enter"), proctor.drag((3, 4), (50, 60))))
        self.assertEqual(["1", "3"], [text.text for text in shapes(svg, "text")])

    def test_what_failed_has_another_colour(self):
        step = trajectory_pb2.Step(action=proctor.click((1, 2)))
        done = drawing.of_step(step, seen(), 320)
        step.observation.action_error = "covered"
        failed = drawing.of_step(step, seen(), 320)
        self.assertIn(drawing.DONE, done)
        self.assertNotIn(drawing.DONE, failed)

    def test_every_kind_can_be_drawn(self):
        for field in action_pb2.Action.DESCRIPTOR.oneofs_by_name["kind"].fields:
            action = action_pb2.Action()
            getattr(action, field.name).SetInParent()
            drawn(action)
            drawing.keys_of(action)

    def test_numbers_that_are_none_break_nothing(self):
        self.assertIsNone(drawn(proctor.click((1, 2)), seen(0, 0)))
        self.assertIsNone(drawn(action_pb2.Action()))
        drawn(proctor.swipe((float("inf"), 0), (0, float("nan"))))

    def test_keys_are_captions(self):
        action = proctor.sequence(proctor.type_text(None, "milk", submit=True), proctor.press("Control+s", "Enter"), proctor.key_down("Shift"))
        self.assertEqual(["\u2328 milk \u23ce", "Control+s Enter", "Shift down"], drawing.keys_of(action))
        self.assertEqual(["Home"], drawing.keys_of(proctor.press_button("home")))


class ReportTest(unittest.TestCase):
    def trajectory(self, *actions: action_pb2.Action, width: int = 1280, height: int = 800) -> trajectory_pb2.Trajectory:
        made = trajectory_pb2.Trajectory(name="trajectories/t", environment="environments/desktop")
        made.task.goal = "Save the list."
        made.initial_observation.CopyFrom(seen(width, height))
        for index, action in enumerate(actions):
            step = made.steps.add(index=index, action=action)
            step.observation.CopyFrom(seen(width, height, f"d{index + 1}"))
        return made

    def test_a_step_stands_on_the_screen_that_it_began_at(self):
        episode = report.make_episode(self.trajectory(proctor.click((1, 2)), proctor.press("Enter")), lambda digest: digest.encode())
        self.assertEqual([b"d0", b"d1", b"d2"], [shot.picture for shot in episode.shots])
        self.assertEqual(["1. click (1, 2)", "2. press Enter", "the end"], [shot.text for shot in episode.shots])
        self.assertIn("circle", episode.shots[0].drawn)
        self.assertEqual("", episode.shots[2].drawn)

    def test_an_answer_is_the_end(self):
        episode = report.make_episode(self.trajectory(proctor.answer("42")), lambda digest: b"x")
        self.assertEqual(1, len(episode.shots))

    def test_pictures_of_phones_are_high_and_those_of_desktops_wide(self):
        widths = {}
        for name, size in (("phone", (1080, 2400)), ("desktop", (1280, 800))):
            episode = report.make_episode(self.trajectory(proctor.noop(), width=size[0], height=size[1]), lambda digest: b"x")
            widths[name] = float(re.search(r'class="shot" style="width:(\d+)px"', report.episode_html(episode))[1])
        self.assertEqual({"phone": 207, "desktop": 380}, widths)

    def test_everything_untrusted_is_escaped(self):
        record = self.trajectory(proctor.type_text(None, HOSTILE), proctor.answer(HOSTILE))
        record.task.goal = record.policy.policy = HOSTILE
        record.steps[0].observation.action_error = HOSTILE
        record.steps.add(agent_text=proctor.agent_text("pyautogui", HOSTILE))
        page = report.page([report.make_episode(record, lambda digest: b"x", verdict_pb2.Verdict(rationale=HOSTILE))], HOSTILE)
        self.assertNotIn("<script", page)
        self.assertIn("default-src 'none'", page)

    def test_long_texts_are_cut(self):
        page = report.page([report.make_episode(self.trajectory(proctor.answer("x" * 60000)), lambda digest: b"x")])
        self.assertLess(len(page), 10000)

    def test_files_are_written_whole_or_not_at_all(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "report.html"
            report._write(path, "old")
            with self.assertRaises(UnicodeEncodeError):
                report._write(path, "\ud800")
            self.assertEqual(["report.html"], [p.name for p in pathlib.Path(folder).iterdir()])
            self.assertEqual("old", path.read_text())

    def test_without_a_server_it_says_so(self):
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(
                report, "connect", lambda address: proctor.connect(address, timeout=0.2)):
            self.assertEqual(1, report.main(["t", "--address", f"unix:{folder}/none", "--out", f"{folder}/report.html"]))

    def test_a_token_that_would_travel_in_plain_text_is_an_error_and_no_traceback(self):
        with mock.patch.dict(os.environ, {"PROCTOR_TOKEN": "secret"}), contextlib.redirect_stderr(io.StringIO()) as shown:
            self.assertEqual(1, report.main(["t", "--address", "example.invalid:1"]))
        self.assertRegex(shown.getvalue(), "^error: .*in plain text.*\n$")


if __name__ == "__main__":
    unittest.main()
