"""Resource names."""

from __future__ import annotations

import uuid


def resource(collection: str, name: str) -> str:
    """`environments/web` from `web` or `environments/web`."""
    return name if name.startswith(collection + "/") else f"{collection}/{name}"


def request_id() -> str:
    """A new request id: the same id on a retry gives the same answer."""
    return uuid.uuid4().hex
