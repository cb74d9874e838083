"""Resource names, and names of an enum's values."""

from __future__ import annotations

import uuid
from typing import Any

from google.protobuf import message


def resource(collection: str, name: str) -> str:
    """`environments/web` from `web` or `environments/web`; "" stays."""
    return name if not name or name.startswith(collection + "/") else f"{collection}/{name}"


def write_out(target: message.Message, **collections: str) -> None:
    """Writes short names out, in the message: by field, a string or several, the collection that it names."""
    for field, collection in collections.items():
        value = getattr(target, field)
        if isinstance(value, str):
            if value:
                setattr(target, field, resource(collection, value))
        else:
            value[:] = [resource(collection, name) for name in value]


def choice(enum: Any, name: str | int) -> int:
    """An enum's value from its name in any case, with or without the prefix that all of them have ("success", "OUTCOME_SUCCESS"), or
    from the value itself.

    Raises `ValueError` with the choices.
    """
    if isinstance(name, int) and name in enum.values():
        return name
    prefix = enum.keys()[0].removesuffix("UNSPECIFIED")
    choices = {key.removeprefix(prefix).lower(): value for key, value in enum.items() if key != prefix + "UNSPECIFIED"}
    wanted = str(name).lower().removeprefix(prefix.lower())
    if wanted not in choices:
        raise ValueError(f"{name!r} is no {enum.DESCRIPTOR.name}; choose one of: {', '.join(choices)}")
    return choices[wanted]


def request_id() -> str:
    """A new request id: the same id on a retry gives the same answer."""
    return uuid.uuid4().hex
