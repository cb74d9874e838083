"""How a client proves who it is, and knows whom it talks to."""

from __future__ import annotations

import dataclasses
import os
import pathlib
from typing import Any, Callable, Self

import grpc

from . import errors

#: "system": the authorities of this machine.
SYSTEM = "system"


@dataclasses.dataclass(frozen=True)
class Security:
    """TLS and token. What is None comes from the environment variable.

    Args:
      token: what `proctord --new-token` printed; $PROCTOR_TOKEN. Never pickled.
      token_file: a file with it, if there is no `token`; $PROCTOR_TOKEN_FILE.
      tls_ca: PEM file of the authorities that the server's certificate must come from, or "system"; $PROCTOR_TLS_CA. Gives TLS,
        as the next three do.
      tls_certificate, tls_key: PEM files of the client's own certificate; $PROCTOR_TLS_CERTIFICATE, $PROCTOR_TLS_KEY.
      tls_server_name: the name in the server's certificate, if it is not the address's host; $PROCTOR_TLS_SERVER_NAME.
      token_in_plain_text: send the token in plain text to another machine, where everybody on the way reads it.
    """

    token: str | None = dataclasses.field(default=None, repr=False)
    token_file: str | None = None
    tls_ca: str | None = None
    tls_certificate: str | None = None
    tls_key: str | None = None
    tls_server_name: str | None = None
    token_in_plain_text: bool = False

    def load_token(self) -> str:
        """The token, "" if there is none."""
        token, file = self.token, self.token_file
        if not token and not file:
            token, file = os.environ.get("PROCTOR_TOKEN"), os.environ.get("PROCTOR_TOKEN_FILE")
        # Bytes that are no text fail the test below.
        token = (token or (_read(file, "token_file").decode(errors="replace") if file else "")).strip()
        if not all("!" <= character <= "~" for character in token):
            raise ValueError("the token has blanks or other characters that no token has")
        return token

    def _or_environment(self, field: str) -> str | None:
        return getattr(self, field) or os.environ.get("PROCTOR_" + field.upper()) or None

    def tls(self) -> bool:
        """Whether addresses of ports are spoken to over TLS."""
        return any(map(self._or_environment, ("tls_ca", "tls_certificate", "tls_server_name")))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles all but a `token`: nobody knows where a pickle goes."""
        if self.token:
            raise TypeError("a token is not pickled: give it to the worker by token_file, $PROCTOR_TOKEN_FILE or $PROCTOR_TOKEN")
        return type(self), dataclasses.astuple(self)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        return self

    def channel(self, address: str, options: tuple[tuple[str, Any], ...], insecure: Callable[..., Any],
                secure: Callable[..., Any]) -> tuple[Any, tuple[tuple[str, str], ...]]:
        """(the channel, the metadata with the token that calls have). `insecure` and `secure` are grpc's or grpc.aio's functions.

        Raises `ValueError` rather than send a token to another machine in plain text; `NotFound`, `PermissionDenied` or `InvalidArgument`
        for a file that cannot be read.
        """
        token = self.load_token()
        ca, certificate, key, name = map(self._or_environment, ("tls_ca", "tls_certificate", "tls_key", "tls_server_name"))
        if bool(certificate) != bool(key):
            raise ValueError("a client certificate needs its key, and a key its certificate")
        # A unix socket is served in plain text always.
        if not address.startswith(("unix:", "unix-abstract:")) and self.tls():
            credentials = grpc.ssl_channel_credentials(
                _read(ca, "tls_ca") if ca and ca != SYSTEM else None,
                _read(key, "tls_key") if key else None, _read(certificate, "tls_certificate") if certificate else None)
            if name:
                options = (*options, ("grpc.ssl_target_name_override", name))
            channel = secure(address, credentials, options=options)
        elif token and not self.token_in_plain_text and not stays_here(address):
            raise ValueError(f"the token would go to {address} in plain text; use TLS (tls_ca, or \"system\" for this machine's "
                             "authorities), or say that this is meant (token_in_plain_text)")
        else:
            channel = insecure(address, options=options)
        return channel, (("authorization", "Bearer " + token),) if token else ()


def _read(path: str, field: str) -> bytes:
    try:
        return pathlib.Path(path).read_bytes()
    except OSError as error:
        code = {FileNotFoundError: grpc.StatusCode.NOT_FOUND, PermissionError: grpc.StatusCode.PERMISSION_DENIED}.get(
            type(error), grpc.StatusCode.INVALID_ARGUMENT)
        raise errors.from_code(code.value[0], f"cannot read {path}: {error.strerror}; it is what {field} (or $PROCTOR_{field.upper()}) "
                               "names: give another, or make it readable") from None


def stays_here(address: str) -> bool:
    """A unix socket or this machine's loopback."""
    return address.startswith(("unix:", "unix-abstract:")) or address.rpartition(":")[0] in ("127.0.0.1", "[::1]", "localhost")
