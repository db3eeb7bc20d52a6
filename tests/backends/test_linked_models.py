# SPDX-License-Identifier: Apache-2.0
"""Embedded weights, and two networks that are linked into one program."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from bnnc.backends import emit_project, run_project
from bnnc.ir import Module, bin

from .networks import NO_PAD, SANITIZE, Net, lower, random_inputs

pytestmark = pytest.mark.slow

TWO_MODELS = r"""
#include <stdio.h>

#include "one.h"
#include "two.h"

static uint64_t arena_one[one_ARENA_BYTES / 8 + 1], arena_two[two_ARENA_BYTES / 8 + 1];
static float in_one[one_IN0_BYTES / 4], in_two[two_IN0_BYTES / 4];
static float out_one[one_OUT0_BYTES / 4], out_two[two_OUT0_BYTES / 4], again[one_OUT0_BYTES / 4];

int main(void) {
    one_ctx one;
    two_ctx two;
    if (fread(in_one, 1, sizeof in_one, stdin) != sizeof in_one ||
        fread(in_two, 1, sizeof in_two, stdin) != sizeof in_two) return 1;
    if (((uintptr_t)one_weights | (uintptr_t)two_weights) % 64 != 0) return 2;
    if (one_init(&one, one_weights, one_WEIGHTS_BYTES, arena_one, sizeof arena_one)) return 3;
    if (two_init(&two, two_weights, two_WEIGHTS_BYTES, arena_two, sizeof arena_two)) return 4;
    if (one_init(&one, two_weights, two_WEIGHTS_BYTES, arena_one, sizeof arena_one) !=
        BNNC_ERR_MODEL) return 5;
    if (one_init(&one, one_weights, one_WEIGHTS_BYTES, arena_one, sizeof arena_one)) return 6;
    if (one_run(&one, in_one, out_one) || two_run(&two, in_two, out_two)) return 7;
    if (one_run(&one, in_one, again)) return 8;
    fwrite(out_one, 1, sizeof out_one, stdout);
    fwrite(out_two, 1, sizeof out_two, stdout);
    fwrite(again, 1, sizeof again, stdout);
    fwrite(one_weights, 1, one_WEIGHTS_BYTES, stdout);
    return 0;
}
"""


def image(name: str, seed: int) -> Module:
    net = Net(name, seed)
    x = net.conv("ff", net.input(1, 9, 9, 3), 13, (3, 3), "thr")
    x = net.conv("bb", x, 21, (3, 3), "thr", pad=(1, 1, 1, 1), pad_value=1.0)
    x = net.add(bin.MaxPool(x, kernel_size=(7, 7), stride=(1, 1), pad=NO_PAD))
    return lower(net.results(net.conv("bb", x, 5, (1, 1), "alpha+bias")))


def vector(name: str, seed: int) -> Module:
    net = Net(name, seed)
    x = net.pack(net.dense("fb", net.input(3, 40), 70, "alpha+bias"))
    return lower(net.results(net.dense("bt", x, 7, "alpha")))


@pytest.fixture(params=[(image, vector), (vector, vector)], ids=["unlike", "alike"])
def pair(request: pytest.FixtureRequest) -> tuple[Module, Module]:
    """Two networks; alike ones have the same kernels, shapes and sizes."""
    first, second = request.param
    return first("one", 1), second("two", 2)


def compiled(cc: str, out: Path, folder: Path) -> list[str]:
    """Objects of the library part of a folder."""
    objects: list[str] = []
    driver = f"{out.name}_main.c"
    for source in sorted([*out.glob("*.c"), *out.glob("bnnc/*.c")]):
        if source.name != driver:
            objects.append(f"{folder}/{out.name}_{source.stem}.o")
            flags = ["-std=c99", "-ffp-contract=off", *SANITIZE, f"-I{out}"]
            subprocess.run([cc, *flags, "-c", str(source), "-o", objects[-1]], check=True)
    return objects


def defined(objects: list[str]) -> set[str]:
    lines = subprocess.run(["nm", "-g", *objects], capture_output=True, text=True, check=True)
    fields = [line.split() for line in lines.stdout.splitlines()]
    return {f[2] for f in fields if len(f) == 3}


def test_two_embedded_models_in_one_program(
    pair: tuple[Module, Module], each_cc: str, tmp_path: Path
) -> None:
    """They keep out of each other's way, and compute what their drivers compute."""
    objects: list[str] = []
    want: list[bytes] = []
    inputs = [random_inputs(m) for m in pair]
    for module, arrays in zip(pair, inputs, strict=True):
        out = tmp_path / module.name
        emit_project(module, out, embed=True)
        made = compiled(each_cc, out, tmp_path)
        mine = {s for s in defined(made) if not s.startswith("__")}
        assert f"{module.name}_weights" in mine
        assert all(symbol.startswith(f"{module.name}_") for symbol in mine)
        objects += made
        want.append(run_project(out, module, arrays)["graph/y0"].tobytes())
    caller, program = tmp_path / "caller.c", tmp_path / "caller"
    caller.write_text(TWO_MODELS)
    includes = [f"-I{tmp_path / m.name}" for m in pair]
    command = [each_cc, "-std=c99", *SANITIZE, *includes, str(caller), *objects]
    subprocess.run([*command, "-o", str(program)], check=True)
    fed = b"".join(a["graph/x0"].tobytes() for a in inputs)
    done = subprocess.run([str(program)], input=fed, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    emit_project(pair[0], tmp_path / "plain")
    weights = (tmp_path / "plain" / "one.bnnw").read_bytes()
    assert done.stdout == want[0] + want[1] + want[0] + weights


def test_embedding_changes_neither_outputs_nor_sizes(tmp_path: Path) -> None:
    module = image("net", 4)
    plain = emit_project(module, tmp_path / "plain")
    embedded = emit_project(module, tmp_path / "embedded", embed=True)
    for size in ("weights_bytes", "arena_bytes", "stack_bytes", "layers"):
        assert getattr(plain, size) == getattr(embedded, size)
    assert plain.weights_bytes == (tmp_path / "plain" / "net.bnnw").stat().st_size
    inputs = random_inputs(module, samples=3)
    got = [run_project(tmp_path / folder, module, inputs) for folder in ("plain", "embedded")]
    for name, array in got[0].items():
        assert array.dtype == np.float32
        assert array.tobytes() == got[1][name].tobytes()
