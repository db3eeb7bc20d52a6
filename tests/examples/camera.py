# SPDX-License-Identifier: Apache-2.0
"""Building the camera demo around a network, and pictures for it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import bnnc

Pixels = NDArray[np.uint8]
SANITIZE = "-O1 -g -Wall -Wextra -Wconversion -Werror -fsanitize=address,undefined"


def echo(shape: Sequence[int]) -> bnnc.Module:
    """A network whose scores are the values that it reads."""
    count = int(np.prod(shape))
    image = f"tensor<1x{'x'.join(map(str, shape))}xf32>"
    return bnnc.parse(
        f"""bnnc.ir 1
module @model {{stage = "imported"}} {{
  func @main(%x: {image}) -> (tensor<1x{count}xf32>) {{inputs = ["x"], outputs = ["y"]}} {{
    %z = nn.reshape(%x) {{shape = [1, {count}]}} : tensor<1x{count}xf32>
    func.return(%z)
  }}
}}
"""
    )


class Camera:
    """The demo, built into `folder` around a network."""

    def __init__(
        self,
        repo: Path,
        folder: Path,
        model: bnnc.Module | Path,
        *,
        cc: str = "gcc",
        target: str = "c",
        flags: str = SANITIZE,
        link: str = "",
        run: Sequence[str] = (),
        compile_options: Mapping[str, object] | None = None,
    ) -> None:
        self.compiled = bnnc.compile(
            model, target=target, out=folder / "model", name="model", embed=True,
            **(compile_options or {}),  # type: ignore[arg-type]
        )  # fmt: skip
        self.command = [*run, str(folder / "build" / "camera")]
        arguments = [f"NETWORK={folder / 'model'}", f"BUILD={folder / 'build'}", f"CC={cc}"]
        arguments += [f"CFLAGS={flags}", f"LDFLAGS={link}"]
        make = ["make", "-s", "-C", str(repo / "examples" / "camera"), *arguments]
        done = subprocess.run(make, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def __call__(
        self, *arguments: str | Path, code: int = 0, env: Mapping[str, str] | None = None
    ) -> tuple[str, str]:
        """Run it; (stdout, stderr)."""
        done = subprocess.run(
            [*self.command, *map(str, arguments)], capture_output=True, text=True, check=False,
            timeout=120, env=os.environ | (env or {}),
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        return done.stdout, done.stderr

    def scores(self, *arguments: str | Path, env: Mapping[str, str] | None = None) -> np.ndarray:
        """The scores of every class, float32 [pictures, classes]."""
        count = int(np.prod(next(iter(self.compiled.module.outputs.values())).shape))
        printed, _ = self("--top", str(count), *arguments, env=env)
        rows: list[list[float]] = []
        for line in printed.splitlines():
            words = [part.split() for part in line.partition(": ")[2].split(", ")]
            by_class = {int(word[1]): float(word[2]) for word in words}
            assert sorted(by_class) == list(range(count))
            rows.append([by_class[i] for i in range(count)])
        return np.array(rows, np.float32)


def write_ppm(path: Path, pixels: Pixels) -> Path:
    """Pixels [height, width, 3] or [height, width]."""
    kind = b"P6" if pixels.ndim == 3 else b"P5"
    size = b"%d %d" % (pixels.shape[1], pixels.shape[0])
    path.write_bytes(kind + b"\n# a comment 12\n" + size + b"\n255\n" + pixels.tobytes())
    return path


def area_means(pixels: Pixels, height: int, width: int) -> NDArray[np.float32]:
    """Every element is the mean of its share of the picture: repeat first, then average blocks."""
    h, w, c = pixels.shape
    large = pixels.astype(np.float64).repeat(height, axis=0).repeat(width, axis=1)
    means = large.reshape(height, h, width, w, c).mean(axis=(1, 3))
    return np.asarray(means, np.float32)
