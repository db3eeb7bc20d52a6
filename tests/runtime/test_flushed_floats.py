# SPDX-License-Identifier: Apache-2.0
"""Float layers in vectors of 32-bit ARM, which flush denormal numbers to zero."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from bnnc.backends import emulator_of, find_target
from bnnc.ir.interpreter.accumulators import float_accumulators
from bnnc.ir.interpreter.rounding import flush
from bnnc.runtime import runtime_dir

from . import naive, test_conv2d
from .conftest import compiler_of
from .library import Kernels
from .naive import F32, Geometry
from .test_conv2d import Case, check, check_nan

pytestmark = pytest.mark.slow
TINY = float(2.0**-126)  # the smallest normal number


@pytest.mark.parametrize("g", [*test_conv2d.PLAIN, *test_conv2d.WIDE])
def test_layers(neon_32_kernels: Kernels, g: Geometry) -> None:
    for order in ("muladd", "muladd.ftz"):
        case = Case(g, "ff", order=order)
        check(neon_32_kernels, case, "conv2d_ff_neon", "ff", naive.tile8(case.w))
        case = Case(g, "fb", order=order)
        check(neon_32_kernels, case, "conv2d_fb_neon", "fb", naive.tile_bits(case.logical_w))


@pytest.mark.parametrize("g", test_conv2d.DEPTHWISE)
def test_depthwise_layers(neon_32_kernels: Kernels, g: Geometry) -> None:
    for order in ("muladd", "muladd.ftz"):
        case = Case(g, "ff", order=order)
        check(neon_32_kernels, case, "depthwise_ff_neon", "ff", naive.tile8(case.w))
        case = Case(g, "fb", order=order)
        check(neon_32_kernels, case, "depthwise_fb_neon", "fb", naive.tile_bits(case.logical_w))


def _numbers() -> np.ndarray:
    """Zeros, denormals, the smallest normal numbers, roots of theirs, infinities, NaN."""
    units = 2.0**-149 * np.arange(-2, 3)
    root = np.ldexp(1 + np.arange(-3, 4) * 2.0**-23, -63)
    found = np.concatenate([[0, 1, 8, 2.0**-149, TINY / 2, 3e38], TINY + units, 1.5 * TINY + units])
    found = np.concatenate([found, root, root / 2, root * 2, [np.inf]])
    return np.concatenate([found, -found, [np.nan]]).astype(F32)


def check_sums(
    kernels: Kernels, symbol: str, acc: np.ndarray, x: np.ndarray, w: np.ndarray
) -> None:
    """acc * 1 + x * w, for each pair of acc and x, and each w."""
    pairs = np.stack(np.meshgrid(acc, x), axis=-1).reshape(-1, 1, 1, 2)
    weights = np.stack([np.ones_like(w), w], axis=-1).reshape(-1, 1, 1, 2)
    g = Geometry(n=len(pairs), ih=1, iw=1, ic=2, oc=len(w), kh=1, kw=1)
    with np.errstate(all="ignore"):
        want = float_accumulators(pairs[:, :, :, None, None], weights, 1, "muladd.ftz")
    got = np.empty(g.y_shape, F32)
    kernels.call(f"{symbol}_f32", "conv2d", g.fields(), pairs, naive.tile8(weights), None, got)
    nan = np.isnan(want)
    np.testing.assert_array_equal(np.isnan(got), nan)
    np.testing.assert_array_equal(got[~nan].view(np.int32), want[~nan].view(np.int32))


def test_special_numbers(neon_32_kernels: Kernels) -> None:
    check_sums(neon_32_kernels, "conv2d_ff_neon", _numbers(), _numbers(), _numbers())


def test_products_and_sums_around_the_smallest_normal_number(neon_32_kernels: Kernels) -> None:
    """Products that would be rounded up to it are flushed: what is tiny is so before rounding."""
    rng = np.random.default_rng(1)
    for _ in range(8):
        x = np.ldexp(1 + rng.random(200), rng.integers(-65, -60, 200)).astype(F32)
        near = (TINY / x.astype(np.float64)).astype(F32)
        for step in (-2, -1, 0, 1, 2):
            w = (near.view(np.int32) + np.int32(step)).view(F32)
            acc = np.array([0, TINY, -TINY, -1.25 * TINY], F32)
            check_sums(neon_32_kernels, "conv2d_ff_neon", acc, x[:40], w)


@pytest.mark.parametrize("nan_minus", [0, 1])
@pytest.mark.parametrize("symbol", ["conv2d_ff_neon", "conv2d_fb_neon"])
def test_nan(neon_32_kernels: Kernels, symbol: str, nan_minus: int) -> None:
    check_nan(neon_32_kernels, symbol, nan_minus)


@pytest.mark.parametrize("nan_minus", [0, 1])
def test_thresholds(neon_32_kernels: Kernels, nan_minus: int) -> None:
    """Every special number against every other."""
    x = _numbers().reshape(-1, 1, 1, 1)
    thr = _numbers()[:-1]
    g = Geometry(n=len(x), ih=1, iw=1, ic=1, oc=len(thr), kh=1, kw=1, nan_minus=nan_minus)
    want = naive.cut(flush(x), flush(thr), nan_minus)
    w, got = naive.tile8(np.ones(g.w_shape, F32)), np.full(want.shape, 0xAA, np.uint8)
    neon_32_kernels.call("conv2d_ff_neon_thr", "conv2d", g.fields(), x, w, thr, got)
    np.testing.assert_array_equal(got, want)


def test_flushing_shows() -> None:
    """The comparison is of bits, and flushing does matter."""
    case = Case(Geometry(ic=64), "ff", order="muladd.ftz")
    kept = naive.accumulate(case.g, case.x, case.w)
    assert np.any(case.scaled(alpha=False, bias=False) != kept)


@pytest.mark.parametrize(
    ("target", "compiler", "flags", "mode"),
    [
        ("armv7-neon", 0, (), 2),
        ("armv7-neon", 1, (), 2),
        ("armv7-neon", 1, ("-mfpu=neon-vfpv4", "-ffp-contract=fast"), 3),
        ("neon", 0, (), 1),
    ],
)
def test_the_canary_of_vectors(
    target: str, compiler: int, flags: tuple[str, ...], mode: int, tmp_path: Path
) -> None:
    """2: flushed, rounded twice; 1: fused; 3: both."""
    found = find_target(target)
    main = tmp_path / "main.c"
    main.write_text(
        '#include "bnnc/float_mode.h"\nint main(void) { return bnnc_vector_float_mode(); }\n'
    )
    root, program = runtime_dir(), tmp_path / "main"
    command = [*compiler_of(found, compiler).split(), *found.cflags, *flags]
    command += [f"-I{folder}" for folder in (root / "include", Path(__file__).parent)]
    sources = [str(main), str(root / "src/neon/vector_float_mode.c")]
    subprocess.run([*command, *sources, "-o", str(program)], check=True)
    assert subprocess.run([*emulator_of(found), str(program)], check=False).returncode == mode
