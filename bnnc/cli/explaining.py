# SPDX-License-Identifier: Apache-2.0
"""``bnnc explain``: one line per layer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .options import (
    import_options,
    json_option,
    lowering_options,
    model_argument,
    pair_option,
    target_option,
)
from .terminal import print_json, print_table

if TYPE_CHECKING:
    from bnnc.explanation import Explanation


@click.command(
    "explain", epilog="Example: bnnc explain model.pb --target c --expect-binary 'conv*'"
)
@model_argument
@target_option("Target whose kernels and sizes are shown.")
@click.option(
    "--expect-binary",
    multiple=True,
    metavar="NAME",
    help="Exit with 1 when a layer of this name (or glob) is not of kind bb.",
)
@pair_option(
    "--expect-kind",
    "expect_kind",
    "NAME=KIND",
    "Exit with 1 when a layer of this name (or glob) is of another kind.",
)
@json_option
@import_options
@lowering_options
def explain_command(model: Path, **options: Any) -> None:
    """Say which kind each layer of MODEL is, and why it is not binary if it isn't.

    Kinds name activations and weights: f float, i 8-bit, b bit; fewbit for ternary and other few
    bits. MACs are per sample, bytes those of the packed weights.
    """
    from .session import session

    with session(options) as s:
        from bnnc import driver

        found = driver.explain(s.load(model), s.rest["target"], **s.lowering)
        s.status.stop()
        if s.rest["as_json"]:
            print_json(found.to_json())
        else:
            _show(found)
            told = {cut.name for cut in found.cuts}
            s.remarks[:] = [r for r in s.remarks if r.where not in told]
        binary = [(name, "bb") for name in s.rest["expect_binary"]]
        found.expect([*binary, *s.rest["expect_kind"]])


def _show(found: Explanation) -> None:
    rows = [
        (
            line.name,
            line.source_op,
            line.kind,
            f"{line.weight_bytes:,}",
            f"{line.macs:,}",
            line.kernel,
            line.why,
        )
        for line in found.layers
    ]
    head = ("layer", "op", "kind", "bytes", "macs", "kernel", "why not binary")
    print_table(head, rows, right=("bytes", "macs"))
    if found.cuts:
        click.echo()
        print_table(
            ("cut of floats", "op", "why no layer cuts it by thresholds"),
            [(cut.name, cut.source_op, cut.why) for cut in found.cuts],
        )
