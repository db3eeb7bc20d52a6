# SPDX-License-Identifier: Apache-2.0
"""Whole networks: instructions of an inference and the share of each layer, by gcc and by clang.

All are counted, with random weights but for QuickNet. ``ideal`` is what binary layers would execute
with nothing but the loop that meets four windows with eight channels: three operations and 12/32 of
a load for 128 products. ``original`` is what the inner loops of the kernels that this project began
with would execute for the same layers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bnnc import driver
from bnnc.backends.measure import Measurement
from bnnc.explanation import LayerLine

from ..models import model
from .layers import is_layer, shared_models
from .original import INSTRUCTIONS
from .report import Report
from .toolchain import TARGET

IDEAL = (3 + 12 / 32) / 128
OF_IDEAL = 1.4
OF_ORIGINAL = 0.5


@dataclass(frozen=True)
class Network:
    """A network and how it is compiled.

    Attributes:
        name: as the report shows it.
        path: of the model; None where it is not at hand.
        lowering: options of `bnnc.driver.lower`.
        original: whether the original could run it, so that it is compared.
    """

    name: str
    path: Callable[[], Path | None]
    lowering: dict[str, Any] = field(default_factory=dict[str, Any])
    original: bool = False


def _shared(name: str) -> Path | None:
    folder = shared_models()
    return None if folder is None else folder / name


def _pixels() -> dict[str, Any]:
    images = np.random.default_rng(1).uniform(0, 255, (2, 227, 227, 3)).astype(np.float32)
    return {"quantize": "int8", "calibrate": {"x": images}}


NETWORKS = (
    Network("CIFAR BinaryNet", lambda: model("cifar"), original=True),
    Network("XNOR-Net", lambda: model("alexnet_xnor"), original=True),
    Network("XNOR-Net int8", lambda: model("alexnet_xnor"), _pixels(), original=True),
    Network("BWN", lambda: model("alexnet_bwn"), original=True),
    Network("QuickNet", lambda: _shared("made/larq/quicknet.h5")),
)


def report(run: Report) -> None:
    """Print a table for each network."""
    for network in filter(lambda n: run.wants(n.name), NETWORKS):
        path = network.path()
        if path is None:
            run.text(f"\n{network.name}: the model is not at hand, set BNNC_SHARED")
            continue
        module = driver.load(path)
        lines = driver.explain(module, TARGET, **network.lowering).layers
        planned = driver.plan(module, TARGET, **network.lowering)
        found = {
            name: driver.bench(planned, TARGET, layers=True, compiler=command)
            for name, command in run.compilers()
        }
        if found:
            _show(run, network, {line.name: line for line in lines}, found)


def _show(
    run: Report, network: Network, lines: dict[str, LayerLine], found: dict[str, Measurement]
) -> None:
    run.text(f"\n{network.name}: {', '.join(m.compiler for m in found.values())}, {TARGET.name}")
    first = next(iter(found.values()))
    columns = [c for name in found for c in (f"{name} Minstr", "share")]
    run.row("layer", "kind", "MMAC", *columns, "instr/MAC")
    for i, row in enumerate(first.layers):
        line = lines.get(row.name) if is_layer(row) else None
        macs = line.macs if line else 0
        figures: list[object] = []
        for m in found.values():
            figures += [m.layers[i].best / 1e6, f"{100 * m.layers[i].best / m.best:.1f} %"]
        each = f"{row.best / macs:.4f}" if macs else ""
        name = row.name if len(row.name) < 28 else f"...{row.name[-24:]}"
        run.row(
            name, line.kind if line else "", f"{macs / 1e6:.2f}" if macs else "", *figures, each
        )
    for name, m in found.items():
        _sums(run, network, lines, name, m)


def _sums(
    run: Report, network: Network, lines: dict[str, LayerLine], name: str, found: Measurement
) -> None:
    layers = [(row, lines[row.name]) for row in found.layers if is_layer(row)]
    binary = [(row, line) for row, line in layers if line.kind == "bb"]
    run.text(f"{name}: {found.best / 1e6:.2f} million instructions, {found.how}")
    if binary:
        executed = sum(row.best for row, _ in binary)
        ideal = IDEAL * sum(line.macs for _, line in binary)
        run.text(f"  binary layers: {executed / 1e6:.2f} million, {executed / ideal:.2f} of ideal")
        if network.original and executed / ideal > OF_IDEAL:
            run.missed.append(f"{network.name} by {name}: {executed / ideal:.2f} of the ideal")
    for what, chosen in (("layers", layers), ("binary layers", binary)):
        loops = sum(INSTRUCTIONS.get(line.kind, 0) * line.macs for _, line in chosen)
        if network.original and loops:
            part = sum(row.best for row, _ in chosen) / loops
            run.text(
                f"  original's loops, {what}: {loops / 1e6:.2f} million; here {part:.2f} of it"
            )
            if what == "layers" and network.name.startswith("XNOR") and part > OF_ORIGINAL:
                run.missed.append(f"{network.name} by {name}: {part:.2f} of the original's loops")
