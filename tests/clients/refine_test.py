"""The refinement loop's parts that need no server."""
import collections
import contextlib
import io
import math
import pathlib
import sys
import types
import unittest
from unittest import mock

import grpc
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "clients" / "examples"))

import proctor  # noqa: E402
from proctor.v1 import (episode_pb2, evaluation_service_pb2, measurement_pb2, observation_pb2, reward_pb2,  # noqa: E402
                        task_pb2, verdict_pb2)
from refine import (__main__ as command, candidates, experiment, exploration, features, judging, learn, page, policy,  # noqa: E402
                    rollout, text, trainer)

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


class RewardsTest(unittest.TestCase):
    def test_missing_rewards_are_not_masked_ones_and_neither_is_learned_from(self):
        results = [rollout.Result(task_pb2.Task(name="tasks/a"), trajectory=f"trajectories/{name}") for name in ("won", "lost", "fault", "late")]
        rewards = {
            "trajectories/won": reward_pb2.Reward(status=reward_pb2.REWARD_STATUS_VALID, value=-0.5, success=True),
            "trajectories/lost": reward_pb2.Reward(status=reward_pb2.REWARD_STATUS_VALID, value=0.25),
            "trajectories/fault": reward_pb2.Reward(status=reward_pb2.REWARD_STATUS_MASKED, mask_reason=reward_pb2.MASK_REASON_WORLD_FAULT,
                                                    mask_message="the browser crashed"),
        }
        samples, masked, missing = trainer._samples(results, rewards)
        self.assertEqual([(-0.5, True), (0.25, False)], [(s.reward, s.success) for s in samples])
        self.assertEqual(({"WORLD_FAULT: the browser crashed": 1}, {"no reward in time": 1}), (masked, missing))

    def test_permuted_rewards_keep_what_they_are_for(self):
        samples = [learn.Sample("t", [], -float(n), n % 2 == 0) for n in range(20)]
        permuted = trainer._permuted(samples, np.random.default_rng(1))
        self.assertNotEqual(samples, permuted)
        self.assertEqual(sorted((s.reward, s.success) for s in samples), sorted((s.reward, s.success) for s in permuted))


class RewardsClient:
    """Its stream brings one group's rewards, and then nothing until it is closed."""

    def __init__(self):
        self.consumers = []

    def create_consumer(self, name, **_):
        self.consumers.append(name)

    def delete_consumer(self, name):
        self.consumers.remove(name.removeprefix("consumers/"))


class GroupRewardsTest(unittest.TestCase):
    def test_the_consumer_goes_with_its_reader(self):
        client = RewardsClient()
        with mock.patch.object(proctor.RewardStream, "__iter__", lambda _: iter(())):
            rewards = trainer.GroupRewards(client, "trainer")
            self.assertEqual(["trainer"], client.consumers)
            rewards.close()
            self.assertEqual([], client.consumers)
            # The server is gone, or somebody else was faster.
            rewards = trainer.GroupRewards(client, "trainer")
            with mock.patch.object(client, "delete_consumer", side_effect=proctor.NotFound(grpc.StatusCode.NOT_FOUND, "none")):
                rewards.close()


class BrokenEnv:
    """Fails to start `failures` times, and in its first step after that; and whenever it is closed."""

    def __init__(self, failures):
        self.failures = failures
        self.starts = 0
        self.closed = 0

    def reset(self, **_):
        self.starts += 1
        if self.starts <= self.failures:
            raise proctor.ProctorError(grpc.StatusCode.UNAVAILABLE, "no browser")
        return observation_pb2.Observation(), {"episode": episode_pb2.Episode(trajectory="trajectories/t")}

    def close(self):
        self.closed += 1
        raise proctor.Unavailable(grpc.StatusCode.UNAVAILABLE, "nobody is there")


class BrokenPlace:
    observe = ()

    def digest(self, _):
        raise proctor.ProctorError(grpc.StatusCode.UNAVAILABLE, "the page is gone")


class RunnerTest(unittest.TestCase):
    def run_one(self, failures):
        env = BrokenEnv(failures)
        runner = rollout.Runner(None, BrokenPlace(), 1, lambda _: 5)
        self.addCleanup(runner.close)
        runner._env = lambda: env
        runner._stopping.wait = lambda _: False
        (result,) = runner.run([rollout.Job(task_pb2.Task(name="tasks/a", goal="x"), "groups/g")], None, name="p", version="1")
        return env, result

    def test_what_did_not_start_starts_again_so_that_its_group_gets_whole(self):
        env, result = self.run_one(failures=2)
        self.assertEqual((3, "trajectories/t"), (env.starts, result.trajectory))
        self.assertIn("the page is gone", result.error)

    def test_what_never_starts_is_given_up(self):
        env, result = self.run_one(failures=100)
        self.assertEqual((rollout.STARTS, ""), (env.starts, result.trajectory))
        self.assertIn("no browser", result.error)

    def test_what_broke_after_its_start_is_not_played_twice(self):
        env, result = self.run_one(failures=0)
        self.assertEqual((1, 1), (env.starts, env.closed))
        self.assertIn("the page is gone", result.error)


class EndingEnv:
    """Every episode ends in its first step with this reward and verdict; the task's name says which."""

    ENDS = {"dear": (-0.4, True), "cheap": (0.8, True), "consoled": (0.3, False), "lost": (0.0, False)}

    def reset(self, *, options):
        self.episode = episode_pb2.Episode(trajectory="trajectories/t")
        self.ends = self.ENDS[options["task"].name]
        return shop(), {"episode": self.episode}

    def step(self, *_):
        self.episode.reward.value, self.episode.reward.success = self.ends
        return shop(), self.ends[0], True, False, {"episode": self.episode}

    def close(self):
        pass


class WebPlace:
    observe = ()
    digest = staticmethod(page.digest)
    candidates = staticmethod(candidates.candidates)


class SuccessTest(unittest.TestCase):
    def setUp(self):
        self.runner = rollout.Runner(None, WebPlace(), 1, lambda _: 5)
        self.addCleanup(self.runner.close)
        env = EndingEnv()
        self.runner._env = lambda: env

    def test_success_is_the_verdict_and_not_the_rewards_sign(self):
        tasks = [task_pb2.Task(name=name, goal=GOAL) for name in EndingEnv.ENDS]
        measured = experiment.measure(self.runner, tasks, policy.LinearPolicy(), name="p", version="1", seed=1, greedy=False, title="x")
        self.assertEqual({"dear": 1.0, "cheap": 1.0, "consoled": 0.0, "lost": 0.0}, measured.by_name())
        self.assertEqual([-0.4, 0.8, 0.3, 0.0], [result.reward for result in measured.results])

    def test_what_is_kept_of_training_are_successes_whatever_they_cost(self):
        learner = learn.FilteredCloning(features.SIZE)
        rows = np.zeros((2, features.SIZE), dtype=np.float32)
        learner.update(np.zeros(features.SIZE), [learn.Sample(name, [policy.Decision(0, rows, 0.0)], *ends)
                                                 for name, ends in EndingEnv.ENDS.items()])
        self.assertEqual({"dear", "cheap"}, set(learner.kept))


class MaskedEnv(EndingEnv):
    """Every episode ends in its first step by a fault of its world."""

    def step(self, *_):
        self.episode.reward.mask_message = "the browser\ncrashed"
        return shop(), math.nan, False, True, {"episode": self.episode, "masked": "MASK_REASON_WORLD_FAULT"}


class MaskedTest(unittest.TestCase):
    def test_where_all_are_masked_nothing_is_measured_and_it_is_told_why(self):
        runner = rollout.Runner(None, WebPlace(), 1, lambda _: 5)
        self.addCleanup(runner.close)
        runner._env = lambda env=MaskedEnv(): env
        tasks = [task_pb2.Task(name=name, goal=GOAL) for name in EndingEnv.ENDS]
        with contextlib.redirect_stderr(io.StringIO()) as shown:
            measured = experiment.measure(runner, tasks, policy.LinearPolicy(), name="p", version="1", seed=1, greedy=False, title="x")
        self.assertIn("nothing measured, 4 masked (4 WORLD_FAULT: the browser crashed)", shown.getvalue())
        self.assertTrue(math.isnan(measured.share))
        row = command._row(experiment.TaskSet("a", "A", tasks), measured, measured)
        self.assertEqual("held-out success: nothing was measured; 8 episodes masked: 8 WORLD_FAULT: the browser crashed",
                         command._summary(row, measured.reasons() + measured.reasons()))

    def test_only_the_commonest_reasons_are_told(self):
        self.assertEqual("5 a; 4 b; 3 c; ...", experiment.in_words({"a": 5, "c": 3, "b": 4, "d": 1}))
        self.assertEqual("2 a", experiment.in_words({"a": 2}))


class JudgedClient:
    """Two verdicts of each evaluator on every record, the newest first."""

    def __init__(self):
        self.rescored = []

    def rescore(self, request, **_):
        self.rescored.append(list(request.trajectories))
        return evaluation_service_pb2.RescoreResult(evaluated=len(request.trajectories))

    def measure_evaluator(self, _):
        return measurement_pb2.EvaluatorMeasurement()

    def list_verdicts(self, _):
        return [verdict_pb2.Verdict(evaluator=f"evaluators/{name}", outcome=outcome, rationale=rationale)
                for outcome, rationale in ((verdict_pb2.OUTCOME_SUCCESS, "new"), (verdict_pb2.OUTCOME_FAILURE, "old"))
                for name in ("oracle", "pae")]

    def get_trajectory(self, _):
        return types.SimpleNamespace(task=task_pb2.Task(goal="x"))


class JudgingTest(unittest.TestCase):
    def judge(self, *results):
        client = JudgedClient()
        runner = types.SimpleNamespace(run=lambda *_, **__: results)
        with contextlib.redirect_stderr(io.StringIO()):
            return client, judging.judge(client, runner, [], None, name="p", evaluator="pae", seed=1)

    def test_where_no_episode_came_to_its_end_nothing_is_rescored(self):
        task = task_pb2.Task(name="tasks/a")
        for results in ((), (rollout.Result(task), rollout.Result(task, trajectory="trajectories/t", error="gone"))):
            client, judged = self.judge(*results)
            self.assertEqual(([], None), (client.rescored, judged))
        with contextlib.redirect_stderr(io.StringIO()), self.assertRaises(SystemExit):
            command.parse_arguments(["--judge", "pae", "--judged", "0"])

    def test_the_newest_verdict_counts(self):
        client, judged = self.judge(rollout.Result(task_pb2.Task(name="tasks/a"), trajectory="trajectories/t"))
        self.assertEqual([["trajectories/t"]], client.rescored)
        self.assertEqual([["x", "SUCCESS", "SUCCESS", "new"]], judged["episodes"])


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

    def kinds_of(self, **fields):
        """Candidates on a page with these elements alone, without those that every page has."""
        observation = observation_pb2.Observation(**fields)
        return [c.kind for c in candidates.candidates(page.digest(observation), GOAL) if c.kind not in ("scroll", "back", "give_up")]

    def test_what_is_typed_into_or_selected_from_is_not_clicked(self):
        element = observation_pb2.Element
        self.assertEqual(["type", "submit"], self.kinds_of(elements=[element(mark=1, editable=True)]))
        self.assertEqual(["select"] * 2, self.kinds_of(elements=[element(mark=1, editable=True, options=["a", "b"])]))
        for kind in sorted(candidates._NO_TEXT_TYPES):
            self.assertEqual(["click"], self.kinds_of(elements=[element(mark=1, editable=True, input_type=kind)]))

    def test_the_caps_are_those_that_the_rule_tells(self):
        goal = "Type " + " then ".join(f'"word {n}"' for n in range(9))
        observation = observation_pb2.Observation(
            elements=[observation_pb2.Element(mark=n, editable=True) for n in range(20)]
            + [observation_pb2.Element(mark=20, options=[str(n) for n in range(99)])])
        observation.accessibility_tree.text = "\n".join([f'text "short {n}"' for n in range(500)] + [f'text "{"x" * 81}"'])
        counts = collections.Counter(c.kind for c in candidates.candidates(page.digest(observation), goal))
        self.assertEqual({"type": 48, "submit": 48, "select": 30, "answer": 150, "scroll": 1, "back": 1, "give_up": 1}, counts)
        for cap in ("8 fields", "6 spans", "30 options", "150 short texts", "at most 80 characters"):
            self.assertIn(cap, candidates.RULE)

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
            learn.Sample("t", [self.decision(0)], 1.0, True), learn.Sample("t", [self.decision(1)], 0.0),
            learn.Sample("t", [self.decision(2)], None)])
        after = self.probabilities(weights)
        self.assertEqual(0, after.argmax())
        self.assertGreater(after[0], 0.5)

    def test_prior_fades_as_successes_come_in(self):
        few, many = learn.FilteredCloning(features.SIZE), learn.FilteredCloning(features.SIZE)
        zero = np.zeros(features.SIZE)
        after_one = few.update(zero, [learn.Sample("t", [self.decision(0)], 1.0, True)])
        after_many = many.update(zero, [learn.Sample(f"t{n}", [self.decision(0)], 1.0, True) for n in range(20)])
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
            np.zeros(features.SIZE), [learn.Sample("t", [policy.Decision(home, links, 0.0)], 1.0, True)])
        options, sorting = rows('Sort by "Price"')
        score = {(o.kind, o.text): s for o, s in zip(options, sorting @ weights)}
        self.assertGreater(score["select", "Price"], score["select", "Name"])

    def test_without_trying_a_choice_is_the_policys_own(self):
        decision = policy.LinearPolicy().choose(self.page, GOAL, self.options, features.History(), np.random.default_rng(0))
        self.assertAlmostEqual(1 / len(self.options), math.exp(decision.log_prob), places=6)
        self.assertAlmostEqual(1.0, decision.own_share)

    def test_group_gradient_compares_within_the_group(self):
        learner = learn.GroupGradient(features.SIZE)
        good, bad = learn.Sample("t", [self.decision(0)], 1.0, True), learn.Sample("t", [self.decision(1)], 0.0)
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
    def setUp(self):
        self.page = page.digest(shop())
        self.options = candidates.candidates(self.page, GOAL)
        self.ends = np.array([option.kind in candidates.ENDS for option in self.options])
        self.scores = np.zeros(len(self.options))

    def trial(self, optimal_steps, *steps):
        return exploration.Trial(GOAL, optimal_steps, frozenset(steps), exploration.Tried())

    def test_more_is_tried_where_the_like_was_hardly_ever_solved(self):
        record = exploration.Record()
        self.assertEqual(exploration.TRY_UNSOLVED, record.share('Open "A"'))
        record.learn([('Open "B"', False)] * 4 + [('Close "B"', True)] * 4)
        self.assertEqual(exploration.TRY_UNSOLVED, record.share('Open "C"'))
        self.assertEqual(0.0, record.share('Close "C"'))
        record.learn([('Open "D"', True)] * 4)
        self.assertEqual(exploration.TRY_OPEN, record.share('Open "E"'))

    def test_what_is_known_of_a_wording_tells_something_of_a_similar_one(self):
        record = exploration.Record()
        record.learn([('Sort the laptops by price', True)] * 8)
        self.assertEqual(1.0, record.success('Sort the lamps by price'))
        self.assertEqual(0.0, record.success('Write a message'))

    def test_practised_are_the_hardest_and_then_what_is_not_mostly_solved(self):
        record = exploration.Record()
        record.learn([('Easy "A"', True)] * 4 + [('Open "A"', True), ('Open "A"', False)] * 2 + [('Hard "A"', False)] * 4)
        goals = ['Easy "B"', 'Open "B"', 'Easy "C"', 'Open "C"', 'Hard "B"', 'Easy "D"']
        self.assertEqual([4, 1, 3, 0], record.choose(goals, 4))
        self.assertEqual([6], record.choose([*goals, 'New "A"'], 1))
        self.assertEqual(4, len(set(record.choose(goals, 4))))
        self.assertEqual([0, 1], sorted(record.choose(goals[:2], 4)))

    def test_guided_episodes_end_at_their_last_step_and_not_before(self):
        for step, ends in ((0, 0.0), (1, 0.0), (2, 1.0), (3, 1.0)):
            for trial in (self.trial(3), self.trial(3, step)):
                self.assertAlmostEqual(ends, trial.probabilities(step, self.options, self.scores)[self.ends].sum())

    def test_what_is_tried_out_is_not_the_policys_first_choice(self):
        first = next(i for i, option in enumerate(self.options) if option.kind == "click")
        self.scores[first] = 9.0
        tried = self.trial(2, 0).probabilities(0, self.options, self.scores)
        self.assertEqual(0.0, tried[first])
        self.assertAlmostEqual(1.0, tried.sum())
        followed = self.trial(2, 1).probabilities(0, self.options, self.scores)
        self.assertEqual(first, int(np.argmax(followed)))

    def test_every_kind_and_role_has_its_share(self):
        link = next(option for option in self.options if option.kind == "click" and option.element.role == "link")
        select = next(option for option in self.options if option.kind == "select")
        options = [link] * 41 + [select]
        tried = exploration.to_try(options, np.zeros(42), np.zeros(42))
        self.assertGreater(tried[41], 0.25)

    def test_what_was_tried_for_tasks_worded_alike_is_tried_less(self):
        tried = exploration.Tried()
        sort = next(option for option in self.options if option.kind == "select")
        tried.note('Sort the laptops in "A"', 1, sort)
        at = self.options.index(sort)
        self.assertEqual(1.0, tried.counts('Sort the laptops in "B"', 1, self.options)[at])
        self.assertEqual(0.0, tried.counts('Sort the laptops in "B"', 2, self.options)[at])
        self.assertEqual(0.0, tried.counts("Write a message", 1, self.options)[at])
        counts = tried.counts('Sort the laptops in "B"', 1, self.options)
        fresh = exploration.to_try(self.options, self.scores, self.scores)
        self.assertLess(exploration.to_try(self.options, self.scores, counts)[at], fresh[at])

    def test_the_probability_of_what_was_tried_is_recorded(self):
        trial = self.trial(2, 0)
        decision = policy.LinearPolicy().choose(self.page, GOAL, self.options, features.History(), np.random.default_rng(0), trial=trial)
        self.assertGreater(math.exp(decision.log_prob), 0.0)
        self.assertLessEqual(decision.own_share, 1.0)
        self.assertEqual(1.0, trial.tried.counts(GOAL, 0, [self.options[decision.chosen]])[0])


if __name__ == "__main__":
    unittest.main()
