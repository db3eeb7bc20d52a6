# SPDX-License-Identifier: Apache-2.0
"""Random networks: passes, text, generated code. Many more with ``make soak``."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bnnc.driver import plan
from bnnc.ir import Module, nn
from bnnc.passes import Rewriter, canonicalize

from .builder import Builder
from .fault import Fault
from .grower import grow
from .journal import Journal
from .kept import FOLDER, NETWORK, Kept, fault_of_files, fault_of_network
from .native import Native, compiler_for
from .networks import Tally, campaign
from .samples import ordinary
from .shrink import shrunk_network
from .soak import Soak

COUNT = 128


@pytest.mark.slow
def test_networks(native: Native, seed: int) -> None:
    found = campaign(native, ((f"n{i}", grow(seed, i)) for i in range(COUNT)), Tally())
    assert not found.faults, f"seed {seed}: {[(n, str(f)) for n, _, f in found.faults]}"
    assert found.counts["networks"] == COUNT
    assert found.counts["refused"] <= COUNT // 8
    assert found.counts["tensors"] > 20 * COUNT


@pytest.fixture(scope="module")
def arm(tmp_path_factory: pytest.TempPathFactory) -> Native:
    """The kernels of NEON, not optimized, run by an emulator."""
    compiler = compiler_for("neon")
    for tool in (compiler, "qemu-aarch64"):
        if shutil.which(tool) is None:
            pytest.skip(f"no {tool} on PATH; scripts/system-packages.sh installs it")
    return Native.made(tmp_path_factory.mktemp("arm"), "neon", compiler)


@pytest.mark.slow
def test_networks_on_emulated_arm(arm: Native, seed: int) -> None:
    """A few networks; ``python -m tests.fuzz soak --target neon`` runs more."""
    found = campaign(arm, ((f"n{i}", grow(seed, i)) for i in range(COUNT, COUNT + 8)), Tally())
    assert not found.faults, f"seed {seed}: {[(n, str(f)) for n, _, f in found.faults]}"
    assert found.counts["tensors"] > 20 * 4


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda p: p.stem)
def test_kept(native: Native, path: Path) -> None:
    kept = Kept.load(path)
    if kept.kind == NETWORK:
        assert fault_of_network(native, kept.network()) is None
    else:
        assert fault_of_files(kept.kind, kept.files) is None


def test_networks_come_from_their_seed() -> None:
    assert grow(1, 2) == grow(1, 2)
    assert str(grow(1, 2)) == str(grow(1, 2))
    assert str(grow(1, 2)) != str(grow(1, 3))
    assert str(grow(1, 2)) != str(grow(2, 2))


def test_a_wrong_pass_is_found_and_made_small(
    native: Native, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = canonicalize.Canonicalize.run

    def wrong(self: canonicalize.Canonicalize, module: Module, rw: Rewriter) -> None:
        run(self, module, rw)
        for op in rw.walk():
            if isinstance(op, nn.Relu):
                rw.replace(op, nn.Abs(op.x))

    monkeypatch.setattr(canonicalize.Canonicalize, "run", wrong)
    found = campaign(native, ((f"n{i}", grow(3, i)) for i in range(40)), Tally())
    assert {fault.kind for _, _, fault in found.faults} == {"pass canonicalize"}
    large = max((m for _, m, _ in found.faults), key=lambda m: len(m.func.ops))

    def fails(module: Module) -> bool:
        fault = fault_of_network(native, module)
        return fault is not None and fault.kind == "pass canonicalize"

    small = shrunk_network(large, fails)
    assert len(small.func.ops) <= 3 < len(large.func.ops)
    assert fails(Kept.of_network(small, "").network())


def test_wrong_code_is_found(native: Native) -> None:
    """Generated code with another bias than the interpreter is given."""
    right, wrong = _with_bias(0.5), _with_bias(0.75)
    library = native.build({"n0": wrong})
    inputs = ordinary(right)
    with pytest.raises(Fault, match=r"code: 0 bin\.dense_ff .* element 0 is"):
        native.check(library, "n0", right, inputs)
    assert native.check(library, "n0", wrong, inputs) == 4


def _with_bias(bias: float) -> Module:
    net = Builder("n0", [1])
    w = net.constant([[1.0, 3.0], [0.5, 2.0]])
    y = net.add(nn.Dense(net.input(1, 2), w, net.constant([bias, 1.0])))
    return plan(net.results(y))


def test_a_campaign_goes_on_from_its_log(native: Native, tmp_path: Path) -> None:
    log = tmp_path / "soak.jsonl"
    for count in (3, 5):
        journal = Journal.opened(log, 5, resume=True)
        Soak(journal, native, lambda _: None).networks(count)
    assert journal.done == {"network": 5}
    events = [line.split('"event": "')[1].split('"')[0] for line in log.read_text().splitlines()]
    assert events == ["begin", "progress", "begin", "progress"]
    assert Journal.opened(log, 6, resume=True).done == {}
