# SPDX-License-Identifier: Apache-2.0
"""Instructions counted by an emulator, against programs whose instructions are known."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path

import pytest

from bnnc.backends import emulator_of, find_target
from bnnc.backends.measure import Block, Interval, counted, modelled_cycles, require_counting
from bnnc.ir.diagnostics import TargetError

from .test_other_machines import ready

PROGRAM = r"""
__attribute__((noinline)) void begin(void) { __asm__ volatile(""); }
__attribute__((noinline)) void sevens(int n) {
    for (int i = 0; i < n; ++i) { __asm__ volatile("nop\nnop\nnop\nnop\nnop\nnop\nnop"); }
}
__attribute__((noinline)) void done(void) { __asm__ volatile(""); }
int main(void) {
    for (int i = 1; i < 4; ++i) { begin(); sevens(i * 1000); done(); sevens(i); }
    return 0;
}
"""


def test_counts_between_marks_are_exact(tmp_path: Path) -> None:
    target, compiler = ready("neon")
    if not emulator_of(target):
        pytest.skip("this machine runs the program itself")
    source, program = tmp_path / "p.c", tmp_path / "p"
    source.write_text(PROGRAM)
    subprocess.run([*compiler.split(), "-O2", str(source), "-o", str(program)], check=True)
    found = counted(target.emulator, [str(program)], ("begin", "done"), tmp_path, stop=3)
    assert [i.mark for i in found] == ["begin", "done", "begin", "done"]
    assert [i.mnemonics["nop"] for i in found] == [7000, 7, 14000, 14]
    own = found[0].without(("main", "begin", "done"))
    assert {b.symbol for b in own.blocks} == {"sevens"}
    # Seven, and a comparison or two with the branch.
    assert 9000 <= own.instructions <= 10100
    again = counted(target.emulator, [str(program)], ("begin", "done"), tmp_path, stop=3)
    assert again == found
    with pytest.raises(TargetError, match="could not count"):
        counted(target.emulator, [str(program)], ("begin",), tmp_path, stop=9)


@pytest.mark.optional("llvm-mca is for estimates only")
def test_modelled_cycles_of_a_chain() -> None:
    """Ten additions that need one another take ten cycles, ten that do not take less."""
    model = modelled_cycles()
    if model is None:
        pytest.skip("no llvm-mca")
    # add x0, x0, #1; then add x1..x10, x30, #1.
    chain = Block("chain", ("00040091",) * 10, ("add",) * 10)
    free = Block("free", tuple(f"{0xC0 | r:02x}070091" for r in range(1, 11)), ("add",) * 10)
    intervals = [Interval("m", Counter({b: 5})) for b in (chain, free)]
    slow, fast = model.of(intervals, "cortex-a72")
    assert slow == pytest.approx(50, rel=0.1)
    assert fast < 0.7 * slow


def test_emulators_that_cannot_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TargetError, match="takes none"):
        require_counting(("wine",))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TargetError, match="not installed") as error:
        require_counting(find_target("neon").emulator)
    assert "qemu-user" in str(error.value)
    (tmp_path / "qemu-aarch64").write_text("#!/bin/sh\necho 'usage: no such option'\n")
    (tmp_path / "qemu-aarch64").chmod(0o755)
    with pytest.raises(TargetError, match="without plugins"):
        require_counting(find_target("neon").emulator)
