"""The asyncio client: the same services and methods, awaited.

    async with proctor.aio.connect() as client:
        async with proctor.aio.Env(client, "practice", observe=["elements"]) as env:
            observation, info = await env.reset(options={"task": "tasks/abc"})
            observation, reward, terminated, truncated, info = await env.step(proctor.click(observation.elements[0].mark))
        async with proctor.aio.RewardStream(client, "trainer") as stream:
            async for record in stream:
                stream.ack(record.offset)

What is said of Python and PYTHONPATH in `proctor` holds here, too.
"""

from .client import Client, connect
from .environment import Env
from .recorder import Recording
from .rewards import RewardStream

__all__ = ["Client", "Env", "Recording", "RewardStream", "connect"]
