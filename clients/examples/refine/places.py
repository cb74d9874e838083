"""Where the policy practises: which tasks are proposed, which of them are trained on, which are held out, and how it sees them."""

from __future__ import annotations

import argparse
import random
from typing import Sequence

from google.protobuf import duration_pb2

import proctor
from proctor.v1 import desktop_pb2, environment_pb2, task_pb2, task_service_pb2 as task_pb

from . import candidates, desktop, page
from .experiment import SHORT, TaskSet

#: Sites of the desktop's templates: the applications, and the desktop itself.
DESKTOP_SITES = ("calculator", "desktop", "editor", "files", "spreadsheet")


class Place:
    """What all places have in common. `options` are the command line's."""

    environment = "web"
    #: Of its sessions; None: the server's.
    settings: environment_pb2.EnvironmentSettings | None = None
    #: Parts of every observation.
    observe: tuple[str, ...] = ("elements", "accessibility_tree")
    #: Of options that the command line leaves out.
    defaults = {"tasks": 1600, "held_out": 200, "curve_tasks": 40, "rounds": 120, "groups": 16, "group_size": 4, "sessions": 6,
                "train_seconds": 480.0, "permuted_rounds": 10}
    #: Templates named before training, each of which is tested on its own; templates that are only played by their known solutions.
    chosen: tuple[str, ...] = ()
    digest = staticmethod(page.digest)
    #: What `candidates` does, for people.
    rule = candidates.RULE
    candidates = staticmethod(candidates.candidates)

    def __init__(self, options: argparse.Namespace):
        self.options = options

    def fill_in(self) -> None:
        """Puts the place's defaults where the command line said nothing."""
        for name, value in self.defaults.items():
            if getattr(self.options, name) is None:
                setattr(self.options, name, value)

    def request(self, client: proctor.Client, tags: dict[str, str]) -> task_pb.ProposeTasksRequest:
        """What to propose."""
        raise NotImplementedError

    def train_filter(self, tags: dict[str, str], tasks: Sequence[task_pb2.Task]) -> task_pb.TaskFilter:
        """Which of the proposed tasks are trained on."""
        return task_pb.TaskFilter(tags=tags, splits=[task_pb2.SPLIT_TRAIN])

    def sets(self, tasks: Sequence[task_pb2.Task]) -> list[TaskSet]:
        """Held-out tasks; the first set is what the summary tells of."""
        raise NotImplementedError

    def where(self) -> str:
        """For the report."""
        raise NotImplementedError

    def _held_out(self, tasks: Sequence[task_pb2.Task]) -> list[task_pb2.Task]:
        """Those of the TEST side, shuffled by the seed."""
        test = [t for t in tasks if t.split == task_pb2.SPLIT_TEST]
        random.Random(self.options.seed).shuffle(test)
        return test

    def _request(self, tags: dict[str, str]) -> task_pb.ProposeTasksRequest:
        return task_pb.ProposeTasksRequest(count=self.options.tasks, seed=self.options.seed, tags=tags)


class OneSite(Place):
    """Any site: its tasks are drawn from a crawl."""

    def request(self, client: proctor.Client, tags: dict[str, str]) -> task_pb.ProposeTasksRequest:
        request = self._request(tags)
        request.crawl.start_url = self.options.site
        request.split_shares.train, request.split_shares.test = 0.6, 0.4
        return request

    def sets(self, tasks: Sequence[task_pb2.Task]) -> list[TaskSet]:
        return [TaskSet("pages", "new tasks of the site, about pages never trained on", self._held_out(tasks)[:self.options.held_out])]

    def where(self) -> str:
        return f"site {self.options.site}."


class PracticeSites(Place):
    """The embedded sites: one of them and a fifth of the other sites' templates are held out."""

    environment = "practice"

    def request(self, client: proctor.Client, tags: dict[str, str]) -> task_pb.ProposeTasksRequest:
        request = self._request(tags)
        templates = [t for t in client.call(client.tasks.ListTaskTemplates, task_pb.ListTaskTemplatesRequest()).templates
                     if t.site not in DESKTOP_SITES]
        request.templates.sites.extend(sorted({t.site for t in templates}))
        request.templates.include_impossible = True
        request.templates.held_out_sites.append(self.options.held_out_site)
        request.templates.held_out_templates.extend(self._held_out_templates(templates))
        request.split_shares.train, request.split_shares.test = 0.5, 0.5
        return request

    def train_filter(self, tags: dict[str, str], tasks: Sequence[task_pb2.Task]) -> task_pb.TaskFilter:
        train_filter = super().train_filter(tags, tasks)
        train_filter.max_optimal_steps = SHORT
        # Giving up at once is right for every impossible task, and where training has them it is all that is learned.
        train_filter.kinds.extend(sorted({t.kind for t in tasks if not t.impossible}))
        return train_filter

    def _held_out_templates(self, templates: Sequence[task_pb.TaskTemplate]) -> list[str]:
        """A fifth of the templates of the sites that are trained on, drawn by the seed."""
        names = sorted(t.name for t in templates if t.site != self.options.held_out_site)
        return random.Random(self.options.seed).sample(names, max(1, round(len(names) * 0.2)))

    def sets(self, tasks: Sequence[task_pb2.Task]) -> list[TaskSet]:
        test, limit, site = self._held_out(tasks), self.options.held_out, self.options.held_out_site
        seen = {t.template for t in tasks if t.split == task_pb2.SPLIT_TRAIN}
        short = [t for t in test if t.optimal_steps <= SHORT and not t.impossible]
        rest = [t for t in test if t.optimal_steps > SHORT or t.impossible]
        sets = [
            TaskSet("instances", f"(a) new instances of trained templates, at most {SHORT} steps",
                    [t for t in short if t.template in seen][:limit]),
            TaskSet("templates", f"(b) templates never trained on, at most {SHORT} steps",
                    [t for t in short if t.template not in seen and t.site != site][:limit // 2]),
            TaskSet("site", f"(b) a site never trained on ({site}), at most {SHORT} steps",
                    [t for t in short if t.site == site][:limit // 2]),
            TaskSet("longer", "(c) longer tasks", [t for t in rest if not t.impossible][:limit // 4]),
            TaskSet("impossible", "(c) impossible tasks", [t for t in rest if t.impossible][:limit // 4]),
        ]
        return [s for s in sets if s.tasks]

    def where(self) -> str:
        return f"practice sites. Trained on possible tasks of at most {SHORT} steps only."


class Desktop(Place):
    """The practice desktop: some templates, named here, are trained on; the others are played by their known solutions."""

    environment = "desktop"
    #: An application that was just started must not be missed: the screen is at rest after 500 ms instead of 150.
    settings = environment_pb2.EnvironmentSettings(desktop=desktop_pb2.DesktopSettings(settle_still=duration_pb2.Duration(nanos=500_000_000)))
    observe = ("elements",)
    defaults = {"tasks": 300, "held_out": 120, "curve_tasks": 24, "rounds": 60, "groups": 12, "group_size": 4, "sessions": 8,
                "train_seconds": 600.0, "permuted_rounds": 4}
    #: Chosen before any training, for what they need: reading, calculating, typing and saving, finding and opening, the clipboard.
    chosen = ("calculator/copy_result", "calculator/evaluate", "editor/read_entry", "editor/write_text", "files/file_size",
              "files/open_file")
    digest = staticmethod(desktop.digest)
    rule = desktop.RULE
    candidates = staticmethod(desktop.candidates)

    def request(self, client: proctor.Client, tags: dict[str, str]) -> task_pb.ProposeTasksRequest:
        request = self._request(tags)
        request.templates.templates.extend(self.chosen)
        request.split_shares.train, request.split_shares.test = 0.5, 0.5
        return request

    def others(self, client: proctor.Client, tags: dict[str, str]) -> task_pb.ProposeTasksRequest:
        """Two tasks of each template that is not trained on."""
        templates = client.call(client.tasks.ListTaskTemplates, task_pb.ListTaskTemplatesRequest()).templates
        names = sorted(t.name.removeprefix("templates/") for t in templates if t.site in DESKTOP_SITES)
        rest = [name for name in names if name not in self.chosen]
        request = task_pb.ProposeTasksRequest(count=2 * len(rest), seed=self.options.seed, tags=tags)
        request.templates.templates.extend(rest)
        request.templates.include_impossible = True
        return request

    def sets(self, tasks: Sequence[task_pb2.Task]) -> list[TaskSet]:
        by_template: dict[str, list[task_pb2.Task]] = {}
        for task in self._held_out(tasks):
            by_template.setdefault(task.template, []).append(task)
        share = max(1, self.options.held_out // max(1, len(by_template)))
        rows = [by_template[name][:share] for name in sorted(by_template)]
        # In turn, so that a part of the set has all of them.
        mixed = [row[i] for i in range(share) for row in rows if i < len(row)]
        return [TaskSet("instances", "new instances of the chosen templates", mixed)]

    def where(self) -> str:
        return f"practice desktop. Trained on the templates {', '.join(self.chosen)}, chosen before training."


def place_for(options: argparse.Namespace) -> Place:
    """Where `--environment` and `--site` say."""
    if options.site:
        return OneSite(options)
    return Desktop(options) if options.environment == "desktop" else PracticeSites(options)
