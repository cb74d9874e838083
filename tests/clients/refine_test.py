"""The refinement loop's parts that need no server."""
import math
import pathlib
import sys
import tempfile
import unittest

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "clients" / "examples"))

from proctor.v1 import observation_pb2  # noqa: E402
from refine import candidates, experiment, features, learn, page, policy, report, statistics, text, trainer  # noqa: E402

GOAL = 'Add "Blue Lamp" to the cart'


def shop() -> observation_pb2.Observation:
    observation = observation_pb2.Observation(title="Shop")
    for mark, (role, name, editable) in enumerate(
            [("button", "Add to cart", False), ("link", "Home", False), ("searchbox", "Search", True)], start=1):
        observation.elements.add(mark=mark, role=role, name=name, editable=editable)
    observation.elements.add(mark=4, role="combobox", name="Sort", options=["Price", "Name"])
    observation.elements.add(mark=5, role="button", name="Buy", states=[observation_pb2.ELEMENT_STATE_DISABLED])
    observation.accessibility_tree.text = "\n".join([
        'heading "Blue Lamp"', 'table', '  row', '    columnheader "Name"', '    columnheader "Price"', '  row',
        '    rowheader "Blue Lamp"', '    cell "$3.50"', 'text "Stock: 7"', 'garbage \x00 line', ''])
    return observation


class TextTest(unittest.TestCase):
    def test_spans_are_the_quoted_ones_then_names(self):
        self.assertEqual(("Blue Lamp", "Alice Smith"), text.spans('Send "Blue Lamp" to Alice Smith.'))

    def test_overlap_ignores_endings_and_stop_words(self):
        self.assertEqual(text.content("the reviews"), text.content("Review"))


class PageTest(unittest.TestCase):
    def test_cells_know_their_row_column_and_heading(self):
        price = next(s for s in page.digest(shop()).snippets if s.text == "$3.50")
        self.assertEqual(("Blue Lamp", "Price", "Blue Lamp"), (price.label, price.column, price.heading))

    def test_words_before_a_colon_label_what_follows(self):
        stock = next(s for s in page.digest(shop()).snippets if s.text == "7")
        self.assertEqual("Stock", stock.label)


class CandidatesTest(unittest.TestCase):
    def test_every_rule_gives_its_candidates_and_disabled_elements_none(self):
        found = candidates.candidates(page.digest(shop()), GOAL)
        kinds = [c.kind for c in found]
        self.assertEqual(2, kinds.count("click"))
        self.assertEqual(1, kinds.count("type"))
        self.assertEqual(1, kinds.count("submit"))
        self.assertEqual(2, kinds.count("select"))
        self.assertNotIn("Buy", [c.text for c in found])
        for kind in ("scroll", "back", "give_up"):
            self.assertEqual(1, kinds.count(kind))

    def test_every_candidate_makes_an_action(self):
        for candidate in candidates.candidates(page.digest(shop()), GOAL):
            self.assertIsNotNone(candidate.action().WhichOneof("kind"))


class LearnTest(unittest.TestCase):
    def setUp(self):
        self.page = page.digest(shop())
        self.options = candidates.candidates(self.page, GOAL)
        self.rows = features.featurize(self.page, GOAL, self.options, features.History())

    def decision(self, chosen):
        return policy.Decision(chosen, self.rows, 0.0)

    def probabilities(self, weights):
        return np.exp(policy.log_softmax(self.rows @ weights))

    def test_zero_weights_are_uniform(self):
        self.assertAlmostEqual(1 / len(self.options), self.probabilities(np.zeros(features.SIZE))[0])

    def test_cloning_raises_what_succeeded_and_ignores_failures_and_masked(self):
        learner = learn.FilteredCloning(features.SIZE)
        weights = learner.update(np.zeros(features.SIZE), [
            learn.Sample("t", [self.decision(0)], 1.0), learn.Sample("t", [self.decision(1)], 0.0),
            learn.Sample("t", [self.decision(2)], None)])
        after = self.probabilities(weights)
        self.assertEqual(0, after.argmax())
        self.assertGreater(after[0], 0.5)

    def test_prior_fades_as_successes_come_in(self):
        few, many = learn.FilteredCloning(features.SIZE), learn.FilteredCloning(features.SIZE)
        zero = np.zeros(features.SIZE)
        after_one = few.update(zero, [learn.Sample("t", [self.decision(0)], 1.0)])
        after_many = many.update(zero, [learn.Sample(f"t{n}", [self.decision(0)], 1.0) for n in range(20)])
        self.assertGreater(self.probabilities(after_many)[0], self.probabilities(after_one)[0])

    def test_blocks_have_every_column_of_a_row(self):
        blocks = learn._blocks(self.rows)
        again = np.zeros_like(self.rows, dtype=np.float32)
        for index, first, end, values in blocks:
            again[index, first:end] = values
        np.testing.assert_array_equal(self.rows.astype(np.float32), again)
        acts = sum(option.kind in candidates.ACTS for option in self.options)
        self.assertEqual(len(self.rows) + acts, sum(len(index) for index, *_ in blocks))

    def test_what_is_learned_of_one_kind_helps_to_choose_another(self):
        def rows(goal):
            options = candidates.candidates(self.page, goal)
            return options, features.featurize(self.page, goal, options, features.History())

        options, links = rows('Open "Home"')
        home = next(i for i, o in enumerate(options) if o.text == "Home")
        weights = learn.FilteredCloning(features.SIZE).update(
            np.zeros(features.SIZE), [learn.Sample("t", [policy.Decision(home, links, 0.0)], 1.0)])
        options, sorting = rows('Sort by "Price"')
        score = {(o.kind, o.text): s for o, s in zip(options, sorting @ weights)}
        self.assertGreater(score["select", "Price"], score["select", "Name"])

    def test_what_is_tried_out_is_not_the_first_choice_and_its_probability_is_recorded(self):
        weights = np.zeros(features.SIZE)
        weights[features.NAMES.index("click:bias")] = 9.0
        linear = policy.LinearPolicy(weights)
        first = int(np.argmax(self.rows @ weights))
        ends = 0
        for seed in range(400):
            decision = linear.choose(self.page, GOAL, self.options, features.History(), np.random.default_rng(seed),
                                     explore=0.5, try_out=True)
            ends += self.options[decision.chosen].kind in candidates.ENDS
            self.assertLess(decision.own_share, 1.0)
            self.assertGreater(math.exp(decision.log_prob), 0.0)
        self.assertAlmostEqual(policy.ENDS_TRIED, ends / 400, delta=0.1)
        tried = policy._to_try(self.options, self.rows @ weights, np.random.default_rng(0))
        clicks = [i for i, option in enumerate(self.options) if option.kind == "click"]
        self.assertEqual(1, sum(tried[i] == 0 for i in clicks))
        self.assertAlmostEqual(1.0, tried.sum())
        self.assertIn(first, clicks)

    def test_without_trying_a_choice_is_the_policys_own(self):
        decision = policy.LinearPolicy().choose(self.page, GOAL, self.options, features.History(), np.random.default_rng(0))
        self.assertAlmostEqual(1 / len(self.options), math.exp(decision.log_prob), places=6)
        self.assertEqual(1.0, decision.own_share)

    def test_group_gradient_compares_within_the_group(self):
        learner = learn.GroupGradient(features.SIZE)
        good, bad = learn.Sample("t", [self.decision(0)], 1.0), learn.Sample("t", [self.decision(1)], 0.0)
        weights = learner.update(np.zeros(features.SIZE), [good, bad])
        after = self.probabilities(weights)
        self.assertGreater(after[0], after[1])
        equal = learner.update(np.zeros(features.SIZE), [good, good])
        self.assertFalse(equal.any())

    def test_gradient_is_the_derivative_of_the_log_probability(self):
        rng = np.random.default_rng(3)
        weights = rng.normal(0, 0.1, features.SIZE)
        gradient = learn.log_prob_gradient(weights, self.decision(1))
        direction = rng.normal(0, 1, features.SIZE)
        h = 1e-5
        log_prob = lambda w: policy.log_softmax(self.rows.astype(float) @ w)[1]  # noqa: E731
        slope = (log_prob(weights + h * direction) - log_prob(weights - h * direction)) / (2 * h)
        self.assertAlmostEqual(slope, float(gradient @ direction), places=4)


class ExplorationTest(unittest.TestCase):
    def test_more_is_tried_where_the_like_was_never_solved(self):
        exploration = trainer.Exploration(trainer.Settings("test"))
        self.assertEqual(0.5, exploration.share('Open "A"'))
        exploration.learn([('Open "B"', False)] * 4 + [('Close "B"', True)] * 4)
        self.assertEqual(0.75, exploration.share('Open "C"'))
        exploration.learn([('Turn "B"', False)])
        self.assertEqual(0.5, exploration.share('Open "C"'))
        exploration.learn([('Turn "B"', True)])
        self.assertEqual(0.0, exploration.share('Close "C"'))
        exploration.learn([('Open "D"', True)] * 4)
        self.assertEqual(0.5, exploration.share('Open "E"'))


class StatisticsTest(unittest.TestCase):
    def test_wilson_matches_a_value_worked_by_hand(self):
        low, high = statistics.wilson(8, 10)
        self.assertAlmostEqual(0.490, low, places=3)
        self.assertAlmostEqual(0.943, high, places=3)

    def test_clustered_interval_is_wider_than_the_tasks_suggest(self):
        after = [1.0] * 50 + [0.0] * 50
        narrow = statistics.paired_difference([0.0] * 100, after, [str(i) for i in range(100)])
        wide = statistics.paired_difference([0.0] * 100, after, ["a"] * 50 + ["b"] * 50)
        self.assertEqual(0.5, narrow[0])
        self.assertLess(wide[1], narrow[1])
        self.assertTrue(math.isnan(statistics.paired_difference([], [], [])[0]))


class MeasurementTest(unittest.TestCase):
    def test_bounds_take_masked_episodes_for_failed_and_for_succeeded(self):
        measured = experiment.Measurement([1.0, 0.0, 1.0], ["t"] * 3, ["a", "b", "c"], 1, [])
        self.assertEqual((0.5, 0.75), measured.bounds())


class ReportTest(unittest.TestCase):
    def row(self, low: float) -> dict:
        return {"title": "set", "tasks": 4, "before": 0.1, "after": 0.5, "low": low, "high": 0.6, "masked": 0,
                "before_bounds": (0.1, 0.1), "after_bounds": (0.5, 0.5)}

    def test_title_says_whether_it_got_better(self):
        self.assertIn("that got better", report._title(self.row(0.1)))
        self.assertIn("did not", report._title(self.row(0.0)))

    def test_page_escapes_what_pages_said(self):
        data = {"summary": "<b>", "description": "", "sets": [self.row(0.1)], "controls": [], "curve": [], "rounds": [], "timings": {},
                "breakdown": [], "weights": [], "gallery": [{"goal": "<script>", "template": "t", "outcome": "SUCCESS",
                                                             "rationale": "", "shots": [{"text": "<i>"}]}]}
        with tempfile.TemporaryDirectory() as folder:
            report.write(pathlib.Path(folder), data)
            html = (pathlib.Path(folder) / "report.html").read_text()
        self.assertNotIn("<script>", html)
        self.assertNotIn("<i>", html)


if __name__ == "__main__":
    unittest.main()
