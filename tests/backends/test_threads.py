# SPDX-License-Identifier: Apache-2.0
"""Layers in parts: the same bits for any number of threads, and no races."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks.arm.layers import Layer
from bnnc.backends import build, emit_project, run_traced
from bnnc.backends.emit import parallel
from bnnc.ir import Module
from bnnc.ir.interpreter import trace
from bnnc.ir.layouts import layout_of

from .networks import TARGET, WARNINGS, Net, lower, random_inputs
from .test_layers import every_convolution, every_dense
from .test_other_machines import ready
from .test_project import small

FREESTANDING = ("-std=c99", "-ffreestanding", "-Wall", "-Wextra", "-Wconversion", "-Werror")


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every layer that can be is split, however small."""
    monkeypatch.setattr(parallel, "WORTH", {"b": 1, "": 1})


def rows(kind: str) -> Module:
    """One image: layers are split by rows; then a vector, split by channels."""
    net = Net(f"rows_{kind}")
    x = net.input(1, 11, 7, 16)
    x = net.pack(x) if kind[0] == "b" else x
    found = [
        net.conv(kind, x, 9, (3, 3), "thr", pad=(1, 1, 1, 1)),
        net.conv(kind, x, 24, (3, 3), "none", stride=(2, 1), pad=(2, 1, 2, 1), pad_value=1.0),
        net.conv(kind, x, 8, (5, 1), "none", dilation=(2, 1), pad=(4, 0, 4, 0)),
        net.conv(kind, x, 16, (2, 2), "thr", groups=2, stride=(3, 3)),
    ]
    v = net.input(1, 40)
    v = net.pack(v) if kind[0] == "b" else v
    found += [net.dense(kind, v, 37, end) for end in ("thr", "none", "bias")]
    return net.results(*map(net.floated, found))


def _wanted(module: Module, inputs: dict[str, np.ndarray]) -> dict[int, bytes]:
    """What the interpreter computes, by operation."""
    return {
        index: b"".join(
            layout_of(r.type).pack(a, r.type).tobytes()
            for r, a in zip(op.results, arrays, strict=True)
        )
        for index, (op, arrays) in enumerate(trace(module, inputs))
    }


def _same_for_every_number(module: Module, out: Path, sanitizer: tuple[str, ...]) -> None:
    emit_project(module, out, threads=True)
    code = (out / f"{module.name}.c").read_text()
    assert "bnnc_run_parts(" in code
    program = build(
        out, TARGET, trace=True, compiler="gcc", cflags=(*WARNINGS, *sanitizer), ldflags=sanitizer
    )
    inputs = random_inputs(module)
    want = _wanted(module, inputs)
    for threads in (1, 2, 3, 8):
        options = ("--threads", str(threads))
        (call,) = run_traced(out, module, inputs, TARGET, program=program, options=options)
        assert call == want, f"{threads} threads"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ff", "fb", "ft", "bb", "bt"])
@pytest.mark.parametrize("network", [rows, every_convolution, every_dense])
def test_parts_are_the_layer(kind: str, network: Callable[[str], Module], tmp_path: Path) -> None:
    sanitizer = ("-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    _same_for_every_number(lower(network(kind)), tmp_path / "out", sanitizer)


@pytest.mark.parametrize("kind", ["ii", "ib"])
@pytest.mark.parametrize("size", [9, 0])
def test_bytes_in_parts(kind: str, size: int, tmp_path: Path) -> None:
    module = lower(Layer(kind, size, 19, 35, 3 if size else 1).module())
    _same_for_every_number(module, tmp_path / "out", ("-O1",))


def test_no_races(tmp_path: Path) -> None:
    module = lower(rows("bb"))
    probe = tmp_path / "probe.c"
    probe.write_text("int main(void) { return 0; }\n")
    flags = ("-fsanitize=thread", "-g", "-O1")
    made = subprocess.run(["gcc", *flags, str(probe), "-o", str(tmp_path / "probe")], check=False)
    if made.returncode or subprocess.run([str(tmp_path / "probe")], check=False).returncode:
        pytest.skip("no thread sanitizer on this machine")
    _same_for_every_number(module, tmp_path / "out", flags)


@pytest.mark.slow
def test_neon_kernels_in_parts(tmp_path: Path) -> None:
    target, command = ready("neon")
    for kind in ("ff", "fb", "bb"):
        module = lower(rows(kind), target)
        out = tmp_path / kind
        emit_project(module, out, threads=True)
        program = build(out, target, trace=True, compiler=command, cflags=WARNINGS)
        inputs = random_inputs(module)
        for threads in ("1", "3"):
            options = ("--threads", threads)
            (call,) = run_traced(out, module, inputs, target, program=program, options=options)
            assert call == _wanted(module, inputs)


def test_without_threads_nothing_is_split(tmp_path: Path) -> None:
    emit_project(lower(rows("bb")), tmp_path / "out")
    files = [p for p in (tmp_path / "out").rglob("*") if p.is_file()]
    assert not [p.name for p in files if re.search("thread|parallel|parts", p.name)]
    assert "parallel" not in (tmp_path / "out" / "rows_bb.c").read_text()


def test_the_library_is_freestanding_and_the_parallel_for_the_callers(tmp_path: Path) -> None:
    """A parallel-for of one thread, backwards; no header but the compiler's own is needed."""
    module = lower(rows("fb"))
    out = tmp_path / "out"
    emit_project(module, out, threads=True)
    for source in (out / "rows_fb.c", *sorted(out.glob("bnnc/*.c"))):
        command = ["gcc", *FREESTANDING, "-ffp-contract=off", "-I", str(out), "-c", str(source)]
        subprocess.run([*command, "-o", str(tmp_path / "o.o")], check=True)
    main = out / "rows_fb_main.c"
    backwards = """
static void backwards(void *state, bnnc_part part, const void *job, int32_t parts) {
    for (int32_t i = parts - 1; i >= 0; --i) {
        part(job, i, parts);
    }
    (void)state;
}
int main("""
    text = main.read_text().replace("int main(", backwards, 1)
    start = "    rows_fb_set_parallel(&ctx, &pool.parallel);\n"
    assert start in text
    own = "static const bnnc_parallel own = {5, backwards, NULL};"
    text = text.replace(start, f"    {own}\n    rows_fb_set_parallel(&ctx, &own);\n")
    main.write_text(text)
    program = build(out, TARGET, trace=True, compiler="gcc", cflags=WARNINGS)
    inputs = random_inputs(module)
    (call,) = run_traced(out, module, inputs, TARGET, program=program)
    assert call == _wanted(module, inputs)


def test_small_layers_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    module = small()
    emit_project(module, tmp_path / "out", threads=True)
    assert "bnnc_run_parts(" not in (tmp_path / "out" / f"{module.name}.c").read_text()
