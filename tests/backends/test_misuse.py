# SPDX-License-Identifier: Apache-2.0
"""Wrong arguments, short buffers, and weight files damaged in every byte, under sanitizers."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bnnc.backends import emit_project, find_target, lowering_pipeline
from bnnc.ir import Module
from bnnc.ir.interpreter import interpret
from bnnc.passes.manager import PassManager

from .networks import SANITIZE, Net, lower, random_inputs

PROGRAM = Path(__file__).with_name("misuse.c")
BOARD = 'inherits = "c"\nname = "misuse-board"\n'
SIZE, MAGIC, VERSION, CRC, MODEL, TARGET = 2, 3, 4, 5, 6, 7
CHANGES = 3

pytestmark = pytest.mark.slow


def network(name: str) -> Module:
    net = Net(name, 8)
    x = net.pack(net.dense("ff", net.input(1, 5), 20, "bias"))
    return net.results(net.dense("bt", x, 7, "alpha"))


def allowed(at: int) -> set[int]:
    """The statuses that are right when the byte at an offset is changed."""
    for end, statuses in [
        (8, {MAGIC}),
        (12, {VERSION}),
        (16, {SIZE, CRC}),
        (24, {SIZE}),
        (32, {CRC}),
        (48, {MODEL}),
        (52, {TARGET}),
    ]:
        if at < end:
            return statuses
    return {CRC}


def test_misuse(each_cc: str, tmp_path: Path) -> None:
    module = lower(network("net"))
    out = tmp_path / "net"
    emit_project(module, out)
    emit_project(lower(network("other")), tmp_path / "other")
    (tmp_path / "board.toml").write_text(BOARD)
    board = network("net")
    target = find_target(str(tmp_path / "board.toml"))
    PassManager().run(board, lowering_pipeline(target))
    emit_project(board, tmp_path / "board")
    inputs = random_inputs(module)
    (tmp_path / "in.bin").write_bytes(inputs["graph/x0"].tobytes())

    program = tmp_path / "misuse"
    flags = ["-std=c99", "-ffp-contract=off", *SANITIZE, "-O1", f"-I{out}"]
    sources = [PROGRAM, out / "net.c", *sorted(out.glob("bnnc/*.c"))]
    subprocess.run([each_cc, *flags, *map(str, sources), "-o", str(program)], check=True)
    files = ["net/net.bnnw", "other/other.bnnw", "board/net.bnnw", "in.bin"]
    command = [str(program), *(str(tmp_path / f) for f in files)]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()

    size = (out / "net.bnnw").stat().st_size
    statuses, output = done.stdout[: CHANGES * size], done.stdout[CHANGES * size :]
    wrong = {i // CHANGES: s for i, s in enumerate(statuses) if s not in allowed(i // CHANGES)}
    assert wrong == {}
    assert output == interpret(module, inputs)["graph/y0"].tobytes()
