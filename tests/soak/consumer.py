"""A reward consumer that may be killed: writes down every record that it gets, and acknowledges late, so that a kill brings
redeliveries."""
from __future__ import annotations

import argparse
import base64

import proctor
from journal import Journal

# One acknowledgement for so many records.
ACK_EVERY = 5
#: The server may be killed, and started again, at any moment: also while a client connects.
PATIENCE = 120


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("address", "consumer", "journal"):
        parser.add_argument("--" + name, required=True)
    options = parser.parse_args()
    journal = Journal(options.journal)
    with proctor.connect(options.address, timeout=PATIENCE) as client:
        stream = proctor.RewardStream(client, options.consumer, patience=PATIENCE)
        for count, record in enumerate(stream, start=1):
            if record.HasField("group_complete"):
                identity = record.group_complete.group_complete_id
            else:
                identity = record.reward.reward_id
            journal.write(offset=record.offset, id=identity, group=record.group_complete.group.name,
                          record=base64.b64encode(record.SerializeToString(deterministic=True)).decode())
            if count % ACK_EVERY == 0:
                stream.ack(record.offset)


if __name__ == "__main__":
    main()
