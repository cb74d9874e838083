"""The refinement loop's parts for desktops, without a server."""
import argparse
import pathlib
import sys
import unittest

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "clients" / "examples"))

from proctor.v1 import observation_pb2, solution_pb2, task_pb2  # noqa: E402
from refine import candidates, desktop, experiment, features, learn, places, policy, report, scripted, statistics  # noqa: E402

GOAL = 'Write "seven lamps" into the editor and save the file.'


def add(observation, tag, name="", role="", box=(0, 0, 50, 20), **more):
    element = observation.elements.add(mark=len(observation.elements) + 1, tag=tag, name=name, role=role or tag, application="app", **more)
    element.box.x, element.box.y, element.box.width, element.box.height = box


def files() -> observation_pb2.Observation:
    """As a file manager shows a folder: a table of names and sizes."""
    observation = observation_pb2.Observation(title="home - Thunar")
    for left, name in ((0, "Name"), (100, "Size")):
        add(observation, "table column header", name, box=(left, 0, 100, 20))
    for row, (name, size) in enumerate((("a.txt", "120 bytes"), ("b.txt", "3.1 KiB"))):
        add(observation, "table cell", name, "gridcell", (20, 30 + 30 * row, 80, 20))
        add(observation, "table cell", size, "gridcell", (110, 31 + 30 * row, 80, 20))
    add(observation, "push button", "Home", "button", states=[observation_pb2.ELEMENT_STATE_DISABLED])
    return observation


def editor(value: str) -> observation_pb2.Observation:
    observation = observation_pb2.Observation(title="notes.txt - Mousepad")
    add(observation, "menu", "File", "menuitem")
    add(observation, "text", "", "textbox", value=value, editable=True, states=[observation_pb2.ELEMENT_STATE_FOCUSED])
    return observation


def calculator() -> observation_pb2.Observation:
    observation = observation_pb2.Observation(title="galculator")
    add(observation, "text", "", "textbox", value="42", states=[observation_pb2.ELEMENT_STATE_FOCUSED])
    add(observation, "toggle button", "7", "button")
    return observation


class DigestTest(unittest.TestCase):
    def test_cells_know_their_row_and_column(self):
        found = {s.text: (s.label, s.column) for s in desktop.digest(files()).snippets}
        self.assertEqual(("a.txt", "Size"), found["120 bytes"])
        self.assertEqual(("b.txt", "Size"), found["3.1 KiB"])
        self.assertEqual(("", "Name"), found["b.txt"])
        self.assertNotIn("Home", found)

    def test_lines_of_a_document_are_read_and_what_follows_a_colon(self):
        found = {s.text: s.label for s in desktop.digest(editor("Colour: red\nplain\n\n")).snippets}
        self.assertEqual({"red": "Colour", "Colour: red": "", "plain": ""}, found)

    def test_hostile_elements_do_no_harm(self):
        observation = observation_pb2.Observation(title="x")
        add(observation, "table cell", "", box=(0, 0, 0, 0))
        add(observation, "table cell", "c" * 100_000)
        add(observation, "text", value="\n".join(["v: " + "w" * 10_000] * 5_000))
        page = desktop.digest(observation)
        self.assertLessEqual(len(page.snippets), 150)
        self.assertTrue(desktop.candidates(page, GOAL))


class CandidatesTest(unittest.TestCase):
    def test_files_are_clicked_and_opened_and_disabled_buttons_are_not(self):
        found = desktop.candidates(desktop.digest(files()), 'Open the file "a.txt".')
        self.assertIn(("open", "a.txt"), [(c.kind, c.text) for c in found])
        self.assertNotIn("Home", [c.text for c in found])

    def test_text_goes_into_documents_or_where_the_focus_is(self):
        typed = [c for c in desktop.candidates(desktop.digest(editor("")), GOAL) if c.kind == "type"]
        self.assertEqual([("seven lamps", 2)], [(c.text, c.element.mark) for c in typed])
        typed = [c for c in desktop.candidates(desktop.digest(calculator()), 'Calculate "6*7".') if c.kind == "submit"]
        self.assertEqual([("6*7", None)], [(c.text, c.element) for c in typed])
        self.assertFalse(typed[0].action().type.HasField("target"))

    def test_every_candidate_makes_an_action(self):
        for observation in (files(), editor("x: y"), calculator()):
            for candidate in desktop.candidates(desktop.digest(observation), GOAL):
                action = candidate.action()
                self.assertIsNotNone(action.WhichOneof("kind"))
                self.assertEqual(2 if candidate.kind == "open" else action.click.count, action.click.count)
                if candidate.kind == "press":
                    self.assertEqual([candidate.chord], list(action.press_keys.chords))

    def test_the_kinds_are_those_that_features_know(self):
        kinds = {c.kind for c in desktop.candidates(desktop.digest(files()), GOAL)}
        self.assertLessEqual(kinds, set(candidates.KINDS))


class LearnTest(unittest.TestCase):
    def test_what_is_learned_of_one_text_holds_for_another(self):
        """Typing what is quoted, then saving: learned from one task, done in another with other words."""
        def decisions(goal, chosen):
            page, history, made = desktop.digest(editor("")), features.History(), []
            for kind, name in chosen:
                options = desktop.candidates(page, goal)
                index = next(i for i, o in enumerate(options) if (o.kind, o.text) == (kind, name))
                made.append(policy.Decision(index, features.featurize(page, goal, options, history), 0.0))
                history = history.after(options[index], False, page.everything)
                page = desktop.digest(editor(name))
            return made

        samples = [learn.Sample(f"t{n}", decisions(f'Write "{words}" into the editor and save the file.', [("type", words), ("press", "save")]), 1.0, True)
                   for n, words in enumerate(("blue door", "old boat", "new key"))]
        weights = learn.FilteredCloning(features.SIZE).update(np.zeros(features.SIZE), samples)
        for decision in decisions('Save the text "tall tree" with the editor.', [("type", "tall tree"), ("press", "save")]):
            self.assertEqual(decision.chosen, int(np.argmax(decision.rows @ weights)))


class TestsOfTemplatesTest(unittest.TestCase):
    def test_sign_test_is_exact(self):
        self.assertEqual(1.0, statistics.sign_test(0, 0))
        self.assertAlmostEqual(2 / 2**10, statistics.sign_test(10, 0))
        self.assertAlmostEqual(2 / 2**10, statistics.sign_test(0, 10))
        self.assertAlmostEqual(1.0, statistics.sign_test(3, 3))
        self.assertAlmostEqual(2 * (1 + 8) / 2**8, statistics.sign_test(7, 1))

    def test_holm_multiplies_by_how_many_are_left_and_never_falls(self):
        np.testing.assert_allclose([0.03, 0.06, 0.06], statistics.holm([0.01, 0.04, 0.03]))
        self.assertEqual([], statistics.holm([]))

    def test_report_tells_how_many_templates_rose(self):
        row = {"template": "files/<x>", "tasks": 10, "before": 0.0, "after": 1.0, "better": 10, "worse": 0, "p": 0.002, "p_holm": 0.004}
        page = report._chosen([row, {**row, "after": 0.0, "better": 0, "p": 1.0, "p_holm": 1.0}])
        self.assertIn("1 of 2 rose significantly", page)
        self.assertNotIn("<x>", page)
        self.assertEqual("", report._chosen([]))


class PlaceTest(unittest.TestCase):
    def test_held_out_tasks_are_spread_evenly_over_the_chosen_templates(self):
        place = places.Desktop(argparse.Namespace(seed=1, held_out=6))
        tasks = [task_pb2.Task(name=f"tasks/{template}-{n}", template=template, split=task_pb2.SPLIT_TEST if n % 2 else task_pb2.SPLIT_TRAIN)
                 for template in place.chosen[:3] for n in range(12)]
        held_out = place.sets(tasks)[0].tasks
        self.assertEqual([2, 2, 2], [sum(t.template == name for t in held_out) for name in place.chosen[:3]])
        self.assertTrue(all(t.split == task_pb2.SPLIT_TEST for t in held_out))
        self.assertEqual(3, len({t.template for t in held_out[:3]}))

    def test_the_command_line_comes_before_the_places_defaults(self):
        options = argparse.Namespace(site=None, environment="desktop", **{**dict.fromkeys(places.Desktop.defaults), "sessions": 2})
        places.place_for(options).fill_in()
        self.assertEqual((2, places.Desktop.defaults["tasks"]), (options.sessions, options.tasks))


class ScriptedTest(unittest.TestCase):
    def test_steps_of_a_solution_become_actions(self):
        step = solution_pb2.SolutionStep
        self.assertEqual(3, scripted.action_of(files(), step(click=solution_pb2.ElementRef(name="a.txt"))).click.target.mark)
        typed = scripted.action_of(files(), step(type=solution_pb2.TypeInto(text="x", submit=True))).type
        self.assertEqual((False, "x", True), (typed.HasField("target"), typed.text, typed.submit))
        self.assertEqual(["Control+S"], list(scripted.action_of(files(), step(press_key="Control+S")).press_keys.chords))
        with self.assertRaises(LookupError):
            scripted.action_of(files(), step(click=solution_pb2.ElementRef(name="c.txt")))
        with self.assertRaises(ValueError):
            scripted.action_of(files(), step(go_back=True))

    def test_measurements_are_taken_apart_by_template(self):
        results = [argparse.Namespace(task=task_pb2.Task(name=f"tasks/{n}", template="a" if n < 2 else "b")) for n in range(3)]
        measured = experiment.Measurement([1.0, 0.0, 1.0], ["a", "a", "b"], [r.task.name for r in results], 0, results)
        self.assertEqual({"tasks/0": 1.0, "tasks/1": 0.0}, measured.by_template("a"))


if __name__ == "__main__":
    unittest.main()
