# SPDX-License-Identifier: Apache-2.0
"""``bnnc quantize``: what 8-bit layers cost and save, and the choice of those that are."""

from __future__ import annotations

import math
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .options import (
    FILE,
    calibration_options,
    import_options,
    io_option,
    joined,
    json_option,
    model_argument,
    pair_option,
    target_option,
)
from .terminal import print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from bnnc.precision import Mixtures, QuantizationReport

    from .session import Session


@click.command(
    "quantize",
    epilog="Example: bnnc quantize model.pb --calibrate data.npz --eval test.npz --report",
)
@model_argument
@click.option("--report", is_flag=True, help="Show noise and bytes of layers, and accuracy.")
@click.option(
    "--budget",
    metavar="KIND=MOST",
    help="Choose the layers that stay in float: accuracy=0.5% (lost at most), weights=200K.",
)
@click.option("-o", "--output", "out", type=FILE, help="Write the quantized network as text.")
@click.option(
    "--eval",
    "eval_data",
    type=FILE,
    metavar="DATA.npz",
    help="Inputs to measure with, and labels [default: those of --calibrate].",
)
@click.option(
    "--labels", metavar="KEY", help="Array of classes [default: labels, label or y, if there]."
)
@target_option("Target whose kernels and sizes are shown.")
@joined(*calibration_options, io_option)
@pair_option("--map", "mapping", "INPUT=KEY", "Key of an input's array, where it differs.")
@json_option
@import_options
def quantize_command(model: Path, **options: Any) -> None:
    """Quantize MODEL to 8 bits and say what that costs and saves.

    Signal-to-noise ratios are against float. Accuracy is that of the labels; without any it is how
    often the strongest class is that of float. Without --budget and -o, --report is understood.
    """
    from .session import session

    with session(options | {"quantize": "int8"}) as s:
        from bnnc import precision
        from bnnc.backends import find_target
        from bnnc.ir.text import write_module

        rest = s.rest
        budget = None if rest["budget"] is None else precision.parse_budget(rest["budget"])
        arrays = _evaluation_arrays(s)
        target = find_target(rest["target"])
        mixtures = precision.Mixtures(s.load(model), target, **s.lowering)
        wanted = rest["report"] or (budget is None and rest["out"] is None)
        keep: tuple[str, ...] = ()
        report = None
        if wanted or budget:
            data = precision.Evaluation.of(
                mixtures.unquantized(), arrays, rest["labels"], dict(rest["mapping"]),
                s.status.show,
            )  # fmt: skip
            noise = precision.measure_noise(mixtures, data.arrays, s.status.show)
            if budget:
                keep = precision.choose(mixtures, budget, noise, data, s.status.show)
            report = precision.report_on(mixtures, data, keep, noise, s.status.show)
        s.status.stop()
        if rest["out"] is not None:
            write_module(mixtures.chosen(keep), rest["out"])
        if report is not None and rest["as_json"]:
            print_json(report.to_json() | {"options": _options(mixtures, keep)})
        elif report is not None:
            if wanted:
                _show_layers(report)
            _show_totals(report)
        if budget and not rest["as_json"]:
            click.echo(f"options {shlex.join(_options(mixtures, keep)) or 'none are needed'}")
        if rest["out"] is not None and not rest["as_json"]:
            click.echo(f"wrote   {rest['out']}")


def _evaluation_arrays(s: Session) -> Mapping[str, np.ndarray]:
    from bnnc.arrays import load_arrays
    from bnnc.ir.diagnostics import UsageError

    chosen: Path | None = s.rest["eval_data"] or s.lowering["calibrate"]
    if chosen is not None:
        return load_arrays(chosen)
    if s.rest["report"] or s.rest["budget"] or s.rest["out"] is None:
        raise UsageError("there is no data to measure with", hint="give --calibrate DATA.npz")
    return {}


def _options(mixtures: Mixtures, keep: tuple[str, ...]) -> list[str]:
    """The options of `bnnc compile` that stand for a choice."""
    from glob import escape

    names = [*mixtures.kept, *map(escape, keep)]
    return [word for name in names for word in ("--keep-float", name)]


def _show_layers(report: QuantizationReport) -> None:
    rows = [
        (
            row.name,
            row.before if row.before == row.after else f"{row.before} -> {row.after}",
            _decibels(row.sqnr),
            _decibels(row.alone),
            _decibels(row.output),
            f"{row.bytes_before:,}",
            f"{row.bytes_after:,}",
        )
        for row in report.layers
    ]
    head = ("layer", "kind", "SQNR dB", "alone", "at output", "float bytes", "bytes")
    print_table(head, rows, right=head[2:])
    click.echo()


def _show_totals(report: QuantizationReport) -> None:
    rows = [
        (
            row.name,
            f"{row.weights:,}",
            f"{row.accuracy:.2f}",
            _decibels(row.predicted),
            _decibels(row.measured),
        )
        for row in report.totals
    ]
    head = ("network", "weight bytes", f"{report.measure} %", "predicted dB", "measured dB")
    print_table(head, rows, right=head[1:])
    click.echo(
        f"\naccuracy of {report.samples} samples, noise of {report.noise_samples}, at the outputs"
    )


def _decibels(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.1f}" if math.isfinite(value) else "exact" if value > 0 else "none"
