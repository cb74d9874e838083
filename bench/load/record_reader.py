"""Reads trajectories and all their pictures back over the wire and holds them: see trajectory_memory.py.

    record_reader.py --target=ADDRESS NAME...

Prints one line of JSON: what it read, how large this process was before, with the records, and with the pictures too.
"""
from __future__ import annotations

import argparse
import hashlib
import json
import pathlib
import re

import proctor


def rss_mib() -> float:
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path("/proc/self/status").read_text())[1]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", required=True)
    parser.add_argument("names", nargs="+")
    options = parser.parse_args()
    with proctor.connect(options.target) as client:
        told = {"mib_before": rss_mib()}
        records = [client.get_trajectory(name) for name in options.names]
        told["mib_records"] = rss_mib()
        told["record_bytes"] = sum(record.ByteSize() for record in records)
        digests = [observation.screenshot.digest for record in records
                   for observation in (record.initial_observation, *(step.observation for step in record.steps)) if observation.screenshot.digest]
        pictures = {digest: client.read_blob(digest) for digest in set(digests)}
        told["mib_pictures"] = rss_mib()
        told["pictures"] = len(digests)
        told["bytes"] = sum(map(len, pictures.values()))
        told["wrong"] = sum(hashlib.sha256(data).hexdigest() != digest for digest, data in pictures.items())
        told["steps"] = sum(len(record.steps) for record in records)
    print(json.dumps(told))


if __name__ == "__main__":
    main()
