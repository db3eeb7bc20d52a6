# SPDX-License-Identifier: Apache-2.0
"""``bnnc bench``: what a network costs, as a whole and by layer."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .options import import_options, json_option, lowering_options, model_argument
from .terminal import print_json, print_table

if TYPE_CHECKING:
    from bnnc.backends.measure import Measurement


@click.command("bench", epilog="Example: bnnc bench model.pb --target neon --layers")
@model_argument
@click.option("--target", metavar="T", help="Target; by default c, or what a folder is for.")
@click.option("--layers", is_flag=True, help="Measure every layer too.")
@click.option("--cc", metavar="COMMAND", help="C compiler instead of the target's.")
@click.option(
    "--threads", type=click.IntRange(1, 64), help="Run layers in parts by so many threads."
)
@json_option
@import_options
@lowering_options
def bench_command(model: Path, **options: Any) -> None:
    """Measure MODEL, or a folder that `bnnc compile` wrote, on random inputs.

    On a machine of the target runs are timed: best and median of several rounds. Where the target
    is emulated, executed instructions are counted, exactly. Cycles that llvm-mca models are shown
    beside the counts of layers; they are estimates.
    """
    from .session import session

    with session(options) as s:
        from bnnc import driver
        from bnnc.backends import read_manifest

        source = model if read_manifest(model) is not None else s.load(model)
        s.status.show("measuring")
        found = driver.bench(
            source,
            s.rest["target"],
            layers=s.rest["layers"],
            compiler=s.rest["cc"],
            threads=s.rest["threads"] or 0,
            **s.lowering,
        )
        s.status.stop()
        if s.rest["as_json"]:
            print_json(asdict(found))
        else:
            _show(found)


def _show(found: Measurement) -> None:
    click.echo(f"{found.model}, target {found.target}, built by {found.compiler}")
    if found.unit == "seconds":
        click.echo(
            f"{_micro(found.best)} us for a run, median {_micro(found.median)}, worst "
            f"{_micro(found.worst)}: {found.how}, each the mean of {found.runs:,} runs"
        )
    else:
        click.echo(f"{found.best:,.0f} instructions for a run, {found.how}")
    if not found.layers:
        return
    click.echo()
    cpus = list(found.layers[0].cycles)
    timed = found.unit == "seconds"
    head = ["layer", "kernel", *(("us, best", "median") if timed else ("instructions",)), "share"]
    head += [f"{cpu} *" for cpu in cpus]
    total = sum(row.best for row in found.layers) or 1.0
    rows: list[list[str]] = []
    for row in found.layers:
        figures = [_micro(row.best), _micro(row.median)] if timed else [f"{row.best:,.0f}"]
        cycles = [f"{row.cycles[cpu]:,.0f}" for cpu in cpus]
        share = f"{100 * row.best / total:.1f} %"
        rows.append([row.name, row.kernel, *figures, share, *cycles])
    print_table(head, rows, right=head[2:])
    if cpus:
        click.echo(f"* cycles as modelled by llvm-mca ({found.modelled_by}), not measured")


def _micro(seconds: float) -> str:
    return f"{1e6 * seconds:,.2f}"
