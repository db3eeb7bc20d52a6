# SPDX-License-Identifier: Apache-2.0
"""Whole networks: instructions of an inference and the share of each layer, by gcc and by clang.

All are counted, with random weights. ``ideal`` is what binary layers would execute with nothing but
the loop that meets four windows with eight channels: three operations and 12/32 of a load for 128
products. ``original`` is what the inner loops of the kernels that this project began with would
execute for the same layers; ``by arithmetic`` is what the vector operations of the products alone
come to beside that, without loads, loops, rounding, and what lies between layers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bnnc import driver
from bnnc.backends import Target, find_target
from bnnc.backends.measure import Measurement
from bnnc.explanation import LayerLine

from ..models import model
from .layers import is_layer
from .original import INSTRUCTIONS
from .products import least
from .report import Report

IDEAL = (3 + 12 / 32) / 128
OF_IDEAL = 1.4
OF_ORIGINAL = 0.5


@dataclass(frozen=True)
class Network:
    """A network and how it is compiled.

    Attributes:
        name: as the report shows it.
        file: of `benchmarks.models`.
        lowering: options of `bnnc.driver.lower`.
        targets: it is compiled for, by name.
        original: whether the original could run it, so that it is compared.
    """

    name: str
    file: str
    lowering: dict[str, Any] = field(default_factory=dict[str, Any])
    targets: tuple[str, ...] = ("neon",)
    original: bool = False


def _bytes(*shape: int) -> dict[str, Any]:
    images = np.random.default_rng(1).uniform(0, 255, (2, *shape)).astype(np.float32)
    return {"quantize": "int8", "calibrate": {"x": images}}


# Their layers of floats and of bits are the same on all of them.
ALL = ("neon", "neon-dotprod", "neon-i8mm")
PIXELS = (227, 227, 3)
NETWORKS = (
    Network("CIFAR BinaryNet", "cifar", original=True),
    Network("CIFAR BinaryNet int8", "cifar", _bytes(3072), ALL, original=True),
    Network("XNOR-Net", "alexnet_xnor", original=True),
    Network("XNOR-Net int8", "alexnet_xnor", _bytes(*PIXELS), ALL, original=True),
    Network("BWN", "alexnet_bwn", original=True),
    Network("BWN int8", "alexnet_bwn", _bytes(*PIXELS), ALL, original=True),
    Network("QuickNet", "quicknet"),
    Network("QuickNet int8", "quicknet", _bytes(224, 224, 3), ALL),
)


def report(run: Report) -> None:
    """Print a table for each network and target."""
    for network in NETWORKS:
        for name in network.targets:
            if run.wants(f"{network.name}, {name}"):
                _network(run, network, find_target(name))


def _network(run: Report, network: Network, target: Target) -> None:
    module = driver.load(model(network.file))
    lines = driver.explain(module, target, **network.lowering).layers
    planned = driver.plan(module, target, **network.lowering)
    found = {
        name: driver.bench(planned, target, layers=True, compiler=command)
        for name, command in run.compilers()
    }
    if found:
        _show(run, network, {line.name: line for line in lines}, found)


def _show(
    run: Report, network: Network, lines: dict[str, LayerLine], found: dict[str, Measurement]
) -> None:
    first = next(iter(found.values()))
    compilers = ", ".join(m.compiler for m in found.values())
    weights = sum(line.weight_bytes for line in lines.values())
    run.text(f"\n{network.name}, {first.target}: {compilers}; {weights / 1e6:.2f} MB of weights")
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
    title = f"{network.name}, {found.target}, {name}"
    run.text(f"{name}: {found.best / 1e6:.2f} million instructions, {found.how}")
    rest = found.best - sum(row.best for row, _ in layers)
    run.text(f"  between layers: {rest / 1e6:.2f} million, {100 * rest / found.best:.1f} %")
    if binary:
        executed = sum(row.best for row, _ in binary)
        ideal = IDEAL * sum(line.macs for _, line in binary)
        run.text(f"  binary layers: {executed / 1e6:.2f} million, {executed / ideal:.2f} of ideal")
        run.at_most(f"{title}: binary layers, of ideal", executed / ideal, OF_IDEAL)
    if not network.original:
        return
    for what, chosen in (("layers", layers), ("binary layers", binary)):
        loops = sum(INSTRUCTIONS.get(line.kind, 0) * line.macs for _, line in chosen)
        if loops:
            part = sum(row.best for row, _ in chosen) / loops
            bare = sum(least(line.kind, found.target) * line.macs for _, line in chosen) / loops
            run.text(
                f"  original's loops, {what}: {loops / 1e6:.2f} million; here {part:.2f} of it, "
                f"by arithmetic {bare:.2f}"
            )
            if what == "layers" and network.name.startswith("XNOR"):
                note = f"by arithmetic {bare:.2f} at the least" if bare > OF_ORIGINAL else ""
                run.at_most(f"{title}: of original's loops", part, OF_ORIGINAL, note)
