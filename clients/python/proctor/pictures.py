"""What a picture's first bytes tell."""

from __future__ import annotations

import struct

from .v1 import observation_pb2


def describe(picture: bytes) -> observation_pb2.Image:
    """Format and size in pixels, from a PNG's, JPEG's or WebP's header. Raises `ValueError` for anything else."""
    if picture[:8] == b"\x89PNG\r\n\x1a\n" and len(picture) >= 24:
        return _image(observation_pb2.IMAGE_FORMAT_PNG, *struct.unpack(">II", picture[16:24]))
    if picture[:2] == b"\xff\xd8":
        return _image(observation_pb2.IMAGE_FORMAT_JPEG, *_jpeg_size(picture))
    if picture[:4] == b"RIFF" and picture[8:12] == b"WEBP" and len(picture) >= 30:
        return _image(observation_pb2.IMAGE_FORMAT_WEBP, *_webp_size(picture))
    raise ValueError(f"a picture is neither PNG, JPEG nor WebP: it has {len(picture)} bytes and begins with {picture[:8]!r}")


def _image(kind: int, width: int, height: int) -> observation_pb2.Image:
    return observation_pb2.Image(format=kind, width_px=width, height_px=height)


def _jpeg_size(picture: bytes) -> tuple[int, int]:
    """From the first frame header (SOF); the segments before it are stepped over."""
    at = 2
    while at + 9 <= len(picture) and picture[at] == 0xff:
        marker = picture[at + 1]
        if 0xc0 <= marker <= 0xcf and marker not in (0xc4, 0xc8, 0xcc):
            height, width = struct.unpack(">HH", picture[at + 5:at + 9])
            return width, height
        # A marker may have fill bytes before it.
        at += 1 if marker == 0xff else 2 + struct.unpack(">H", picture[at + 2:at + 4])[0]
    raise ValueError("a JPEG picture has no frame header: it is damaged")


def _webp_size(picture: bytes) -> tuple[int, int]:
    kind = picture[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(picture[24:27], "little"), 1 + int.from_bytes(picture[27:30], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(picture[21:25], "little")
        return 1 + (bits & 0x3fff), 1 + (bits >> 14 & 0x3fff)
    width, height = struct.unpack("<HH", picture[26:30])
    return width & 0x3fff, height & 0x3fff
