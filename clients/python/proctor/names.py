"""Resource names and addresses."""

from __future__ import annotations

import json
import os
import pathlib
import uuid


def resource(collection: str, name: str) -> str:
    """`environments/web` from `web` or `environments/web`."""
    return name if name.startswith(collection + "/") else f"{collection}/{name}"


def request_id() -> str:
    """A new request id: the same id on a retry gives the same answer."""
    return uuid.uuid4().hex


def default_data_dir() -> pathlib.Path:
    """Where proctord keeps its data unless told otherwise."""
    if "PROCTOR_DATA_DIR" in os.environ:
        return pathlib.Path(os.environ["PROCTOR_DATA_DIR"])
    if os.environ.get("XDG_DATA_HOME"):
        return pathlib.Path(os.environ["XDG_DATA_HOME"]) / "proctor"
    if os.geteuid() == 0:
        return pathlib.Path("/var/lib/proctor")
    return pathlib.Path.home() / ".local" / "share" / "proctor"


def default_address() -> str:
    """$PROCTOR_ADDRESS, else the unix socket of the running server, else 127.0.0.1:50551."""
    if "PROCTOR_ADDRESS" in os.environ:
        return os.environ["PROCTOR_ADDRESS"]
    try:
        addresses = json.loads((default_data_dir() / "addresses.json").read_text())
        return "unix:" + addresses["unix_socket"] if addresses.get("unix_socket") else addresses["grpc"]
    except (OSError, ValueError, KeyError):
        return "127.0.0.1:50551"
