"""Where a server is."""

from __future__ import annotations

import json
import os
import pathlib
import socket

import grpc

from . import errors


def default_data_dir() -> pathlib.Path:
    """Where proctord keeps its data unless told otherwise."""
    if os.environ.get("PROCTOR_DATA_DIR"):
        return pathlib.Path(os.environ["PROCTOR_DATA_DIR"])
    if os.environ.get("XDG_DATA_HOME"):
        return pathlib.Path(os.environ["XDG_DATA_HOME"]) / "proctor"
    if os.geteuid() == 0:
        return pathlib.Path("/var/lib/proctor")
    return pathlib.Path.home() / ".local" / "share" / "proctor"


def default_address() -> str:
    """$PROCTOR_ADDRESS, else the unix socket (else the port) of the server that runs on $PROCTOR_DATA_DIR, else of the one that runs
    where this user's servers keep their data or, if none ever has, 127.0.0.1:50551.

    Raises:
      NotFound, PermissionDenied, FailedPrecondition: there is a data directory, but it names no server that can be used.
    """
    if os.environ.get("PROCTOR_ADDRESS"):
        return os.environ["PROCTOR_ADDRESS"]
    path = default_data_dir() / "addresses.json"
    try:
        addresses = json.loads(path.read_text())
        return "unix:" + addresses["unix_socket"] if addresses.get("unix_socket") else addresses["grpc"]
    except FileNotFoundError:
        if os.environ.get("PROCTOR_DATA_DIR"):
            raise errors.NotFound(grpc.StatusCode.NOT_FOUND, f"no proctord runs on {path.parent}: there is no {path}") from None
        return "127.0.0.1:50551"
    except OSError as error:
        raise errors.PermissionDenied(grpc.StatusCode.PERMISSION_DENIED, f"cannot read {path}: {error.strerror}") from None
    except (ValueError, KeyError, AttributeError, TypeError):
        raise errors.FailedPrecondition(grpc.StatusCode.FAILED_PRECONDITION, f"{path} names no address: is it proctord's?") from None


def check_address(address: str) -> None:
    """Raises `InvalidArgument` unless it is "unix:/path/to.sock", "host:port" or another form that gRPC knows.

    Thread-safe, like everything here.
    """
    def bad(advice: str) -> errors.InvalidArgument:
        return errors.InvalidArgument(grpc.StatusCode.INVALID_ARGUMENT, f"'{address}' is no address of a proctord: {advice}")
    if address == "unix:":
        raise bad("write unix:/path/to.sock")
    if address.startswith(("unix:", "unix-abstract:", "dns:", "ipv4:", "ipv6:")):
        return
    if "://" in address:
        raise bad("write host:port, without http://")
    if address.startswith("/"):
        raise bad("write unix: before the path of a socket")
    host, colon, port = address.rpartition(":")
    if not colon or not host:
        raise bad("write host:port")
    if ":" in host and not host.startswith("["):
        raise bad("write an IPv6 address as [host]:port")
    if not port.isascii() or not port.isdigit() or not 1 <= int(port) <= 65535:
        raise bad("write host:port, the port from 1 to 65535")


def why_unreachable(address: str, tls: bool, waited: float) -> str:
    """Why no server was reached at a good address within `waited` seconds, and what to do: by connecting once more, without speaking, for
    at most 1 s. `tls`: whether TLS was tried."""
    try:
        _connect(address)
    except (OSError, ValueError, OverflowError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        return f"no proctord answers at {address} ({why}); start it with: proctord"
    silent = f"something listens at {address}, but it does not answer within {waited:g} s"
    hung = ": busy, stopped or hung?"
    if address.startswith(("unix:", "unix-abstract:")):  # Served in plain text always.
        return silent + hung
    if tls:
        return (f"{silent} with TLS and a certificate that is trusted here and of this name{hung} "
                "Or see PROCTOR_TLS_CA and PROCTOR_TLS_SERVER_NAME")
    return f"{silent} as a proctord without TLS does{hung} Or if it wants TLS, set PROCTOR_TLS_CA"


def _connect(address: str) -> None:
    """To an address of any form that `check_address` lets pass, and away again. Errors are of any kind."""
    scheme, _, rest = address.partition(":")
    if scheme in ("unix", "unix-abstract"):
        with socket.socket(socket.AF_UNIX) as trial:
            trial.settimeout(1)
            trial.connect("\0" + rest if scheme == "unix-abstract" else rest)
        return
    # "dns://authority/host:port".
    target = rest.rpartition("/")[2] if scheme in ("dns", "ipv4", "ipv6") else address
    host, _, port = target.rpartition(":")
    if not port.isdigit():
        host, port = target, "443"  # gRPC's choice.
    socket.create_connection((host.strip("[]"), int(port)), timeout=1).close()
