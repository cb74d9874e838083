"""What of the Python clients goes into another process: clients by pickle, without their token, and nothing by fork."""
import copy
import pickle
import subprocess
import sys
import tempfile
import unittest

import proctor
import proctor.aio

from fake_sessions import FakeSessions

TOKEN = "proctor_" + "7" * 64
FORKS = """
import os, sys
import proctor

client = proctor.Client(sys.argv[1])
env = proctor.Env(client, "null", observe=["text"])
env.reset(options={"task": "tasks/t"})
stream = proctor.RewardStream(client, "c")
child = os.fork()
if child == 0:
    with client, env:
        for use in (lambda: client.get_environment("null"), lambda: env.step(proctor.noop()), lambda: env.reset(options={"task": "tasks/t"}),
                    lambda: next(client.list_jobs()), lambda: next(iter(stream)), lambda: client.wait_job("a"),
                    lambda: client.read_blob("0" * 64), lambda: client.record_trajectory("t").__enter__()):
            try:
                use()
            except proctor.FailedPrecondition as error:
                print(error, flush=True)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
print(env.step(proctor.answer("hello"))[1])
"""


class PickleTest(unittest.TestCase):
    def setUp(self):
        self.server = FakeSessions()
        self.addCleanup(self.server.server.stop, None)

    def again(self, client):
        made = pickle.loads(pickle.dumps(client))
        self.addCleanup(made.close)
        return made

    def test_a_client_connects_again(self):
        with proctor.connect(self.server.address) as client:
            again = self.again(client)
        self.assertEqual("environments/null", again.get_environment("null").name)

    def test_a_token_is_read_again_and_never_pickled(self):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(TOKEN)
            file.flush()
            with proctor.Client(self.server.address, proctor.Security(token_file=file.name)) as client:
                self.assertNotIn(TOKEN.encode(), pickle.dumps(client))
                again = self.again(client)
        self.assertEqual("environments/null", again.get_environment("null").name)
        self.assertEqual(["Bearer " + TOKEN], self.server.tokens)
        security = proctor.Security(token=TOKEN)
        with proctor.Client(self.server.address, security) as client:
            for holder in (client, security):
                with self.assertRaisesRegex(TypeError, "token_file") as raised:
                    pickle.dumps(holder)
                self.assertNotIn(TOKEN, str(raised.exception))
        self.assertEqual([security, security], [copy.copy(security), copy.deepcopy(security)])

    def test_what_belongs_to_its_process_says_so(self):
        client = proctor.aio.Client(self.server.address)
        for kept, advice in ((client, "proctor.aio.connect in the worker"), (proctor.aio.Env(client, "null"), "make one in the worker"),
                             (proctor.Env(None, "null"), "make one in the worker")):
            with self.assertRaisesRegex(TypeError, advice):
                pickle.dumps(kept)


class ForkTest(unittest.TestCase):
    def test_nothing_is_used_in_the_child_and_nothing_is_lost_in_the_parent(self):
        server = FakeSessions()
        self.addCleanup(server.server.stop, None)
        done = subprocess.run([sys.executable, "-c", FORKS, server.address], capture_output=True, text=True, timeout=60)
        self.assertEqual(0, done.returncode, done.stderr)
        lines = done.stdout.splitlines()
        self.assertEqual(8 * ["FAILED_PRECONDITION: this client was made before fork: connect in the worker"], lines[:-1])
        self.assertEqual("1.0", lines[-1])


if __name__ == "__main__":
    unittest.main()
