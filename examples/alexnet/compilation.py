# SPDX-License-Identifier: Apache-2.0
"""What the scripts of this example share: compiling the networks, and running them in C."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import bnnc

from .images import normalization

SIZE = 227


def import_options(size: int) -> dict[str, Any]:
    """How the networks are read: pixels 0 to 255 go in, the middle convolutions are binary."""
    return {
        "input_shapes": {"input": (1, size, size, 3)},
        "set_values": {"binary_weights": True, **normalization()},
    }


def compile_network(
    path: Path,
    target: str,
    out: Path,
    size: int = SIZE,
    *,
    samples: NDArray[np.float32] | None = None,
) -> bnnc.Compiled:
    """Compile a network of Torch to C in a folder.

    Args:
        path: the file of Torch.
        target: what to compile for.
        out: the folder.
        size: of the image.
        samples: images [N, size, size, 3]; with them what is not binary is quantized to 8 bits.
    """
    options: dict[str, Any] = {"import_options": import_options(size)}
    if samples is not None:
        options |= {"quantize": "int8", "calibrate": {"input": samples}}
    return bnnc.compile(path, target=target, out=out, **options)


def milliseconds(compiled: bnnc.Compiled, image: NDArray[np.float32], repeat: int) -> float:
    """The time of one image as the generated driver measures it, over some repetitions."""
    compiled.run({"input": image})  # builds the project
    out, name = compiled.out, compiled.module.name
    with tempfile.TemporaryDirectory() as folder:
        source, result = Path(folder, "image.bin"), Path(folder, "output.bin")
        source.write_bytes(image.astype("<f4").tobytes())
        done = subprocess.run(
            [out / name, out / f"{name}.bnnw", source, result, "--repeat", str(repeat)],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
    found = re.search(r"([\d.]+) (ns|us|ms|s)\b", done.stdout + done.stderr)
    if found is None:
        raise RuntimeError(f"the driver of {name} printed no time")
    return float(found[1]) * {"ns": 1e-6, "us": 1e-3, "ms": 1.0, "s": 1e3}[found[2]]
