# SPDX-License-Identifier: Apache-2.0
"""Photographs as XNOR-Net takes them, and names of classes."""

from __future__ import annotations

import json
import math
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

SHORTER_SIDE = 256
# Of ImageNet's training images, by which XNOR-Net normalizes; of red, green, blue, from 0 to 1.
MEAN = (0.48262745, 0.45231372, 0.40098038)
DEVIATION = (0.22589999, 0.22120000, 0.22099999)


def normalization() -> dict[str, list[float]]:
    """Mean and deviation of pixels with values 0 to 255, as options of the import."""
    return {
        "mean": [round(255 * v, 6) for v in MEAN],
        "std": [round(255 * v, 6) for v in DEVIATION],
    }


def read(path: Path, size: int) -> NDArray[np.float32]:
    """Return the middle of an image, [1, size, size, 3], red, green, blue, 0 to 255.

    The shorter side is resized to 256 pixels first, as XNOR-Net's own test does (donkey.lua).

    Args:
        path: any kind of file that Pillow reads.
        size: the side of the square that the network takes.

    Raises:
        SystemExit: the file is no image.
    """
    pillow: Any = import_module("PIL.Image")
    try:
        with pillow.open(path) as file:
            image = file.convert("RGB")
    except OSError as error:
        raise SystemExit(f"cannot read {path}: {error}") from None
    scale = max(SHORTER_SIDE, size) / min(image.size)
    width, height = (max(round(side * scale), size) for side in image.size)
    image = image.resize((width, height), pillow.Resampling.BILINEAR)
    left, top = math.ceil((width - size) / 2), math.ceil((height - size) / 2)
    left, top = min(left, width - size), min(top, height - size)
    middle = image.crop((left, top, left + size, top + size))
    return np.asarray(middle, np.float32)[np.newaxis]


def read_names(path: Path) -> list[str]:
    """Return the names of classes from a file, in order.

    Read are text files with one name on a line, with or without a WordNet number in front of it
    (``n01440764 tench, Tinca tinca``), and JSON files of the form ``{"0": ["n01440764", "tench"]}``
    or ``["tench", ...]``, as several frameworks come with them.
    """
    text = path.read_text(encoding="utf-8")
    if text.lstrip()[:1] in ("{", "["):
        content: Any = json.loads(text)
        if isinstance(content, dict):
            entries = cast("dict[str, Any]", content)
            content = [entries[key] for key in sorted(entries, key=int)]
        return [_name(entry) for entry in content]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return [_without_number(line) for line in lines]


def _name(entry: Any) -> str:
    return str(entry if isinstance(entry, str) else entry[-1]).replace("_", " ")


def _without_number(line: str) -> str:
    head, _, rest = line.partition(" ")
    return rest if rest and head[:1] == "n" and head[1:].isdigit() and len(head) == 9 else line
