"""Every template of the practice sites, solved through the public API of a real proctord in its optimal number of steps."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "clients"))

import proctor
from proctor.v1 import task_service_pb2 as task_pb

from proctord import Proctord
from solutions import Sessions, solve


class SolveTemplatesTest(unittest.TestCase):
    def test_every_template_is_solved_in_its_optimal_number_of_steps(self):
        server = self.enterContext(Proctord())
        client = proctor.connect(server.address)
        self.addCleanup(client.close)
        templates = client.call(client.tasks.ListTaskTemplates, task_pb.ListTaskTemplatesRequest()).templates
        self.assertGreaterEqual(len(templates), 80)
        self.assertEqual(5, len({template.site for template in templates}))
        request = task_pb.ProposeTasksRequest(count=len(templates), seed=3)
        request.templates.include_impossible = True
        client.propose_tasks(request)
        tasks = client.list_tasks()
        self.assertEqual({t.name.removeprefix("templates/") for t in templates}, {t.template for t in tasks})
        lengths = {task.optimal_steps for task in tasks if not task.impossible}
        print(f"{len(templates)} templates, {min(lengths)} to {max(lengths)} steps")
        for task, (problem, _, steps) in zip(tasks, Sessions(client, "practice").map(solve, tasks)):
            with self.subTest(template=task.template, goal=task.goal):
                self.assertEqual(("", task.optimal_steps), (problem, steps))


if __name__ == "__main__":
    unittest.main()
