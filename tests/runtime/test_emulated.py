# SPDX-License-Identifier: Apache-2.0
"""The program in which other machines' kernels are called."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from .conftest import emulated


@pytest.mark.parametrize(("bits", "floats"), [(64, 63), (48, 64)])
@pytest.mark.parametrize("target", ["neon", "armv7-neon"])
def test_an_overrun_ends_the_program(target: str, bits: int, floats: int, tmp_path: Path) -> None:
    """By one float behind the result, or behind the operand."""
    kernels = emulated(target, tmp_path, {"unpack_bits": "src/ref/bits.c"})
    arrays = np.zeros(bits // 8, np.uint8), np.zeros(floats, np.float32)
    with pytest.raises(RuntimeError, match="unpack_bits ended the program"):
        kernels.call("unpack_bits", "rows", {"rows": 1, "c": 64}, *arrays)
    kernels.close()
