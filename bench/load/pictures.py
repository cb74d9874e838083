"""Pictures of 1024 x 768 to record: like screenshots, or of noise, which no encoding makes smaller."""
from __future__ import annotations

import struct
import zlib

import numpy as np

WIDTH, HEIGHT = 1024, 768


def png(pixels: np.ndarray) -> bytes:
    """An ordinary PNG, 8 bits a channel, no alpha; each row as its difference to the one above."""
    height, width, _ = pixels.shape
    rows = pixels.reshape(height, width * 3).astype(np.int16)
    up = np.diff(np.vstack([np.zeros((1, width * 3), np.int16), rows]), axis=0).astype(np.uint8)
    filtered = np.hstack([np.full((height, 1), 2, np.uint8), up]).tobytes()

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(filtered, 6)) + chunk(b"IEND", b"")


class Page:
    """A shop's page: a header, columns of text in made-up letters, photographs. `turn` scrolls it and fills in a field."""

    def __init__(self, seed: int):
        self._random = np.random.default_rng(seed)
        # Letters with soft edges, as a browser draws them.
        self._letters = [255 - 200 * np.kron(self._random.random((6, 4)) < 0.45, np.ones((2, 2))) * self._random.uniform(0.6, 1, (12, 8))
                         for _ in range(60)]
        self._paper = self._draw()

    def _draw(self) -> np.ndarray:
        random, height = self._random, HEIGHT * 3
        paper = np.full((height, WIDTH, 3), 255, np.uint8)
        for top in range(80, height - 20, 18):
            if random.random() < 0.12:
                continue
            x, end = 40, random.integers(300, 640)
            while x < end:
                for _ in range(random.integers(2, 11)):
                    if x + 8 > end:
                        break
                    paper[top:top + 12, x:x + 8] = self._letters[random.integers(60)][:, :, None]
                    x += 9
                x += 7
        for top in range(100, height - 240, 260):
            down, across = np.mgrid[0:220, 0:300] / 60.0
            waves = random.uniform(0.3, 2, (3, 2))
            photo = np.stack([128 + 90 * np.sin(down * a + across * b) for a, b in waves], axis=2)
            paper[top:top + 220, 680:980] = np.clip(photo + random.normal(0, 6, photo.shape), 0, 255)
        return paper

    def at(self, turn: int) -> bytes:
        scroll = min(turn * 140, HEIGHT * 2)
        view = self._paper[scroll:scroll + HEIGHT].copy()
        view[:56] = (35, 47, 62)
        view[14:42, 200:700] = 255
        for place in range(turn * 3):
            view[22:34, 210 + 9 * place:218 + 9 * place] = self._letters[(7 * place) % 60][:, :, None]
        return png(view)


def noise(seed: int) -> bytes:
    return png(np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8))
