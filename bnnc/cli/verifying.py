# SPDX-License-Identifier: Apache-2.0
"""``bnnc verify``: compare reference, interpreter and generated code layer by layer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .options import (
    FILE,
    array_options,
    import_options,
    json_option,
    lowering_options,
    model_argument,
    target_option,
)
from .terminal import print_json, print_table

if TYPE_CHECKING:
    from bnnc.verification import Verification


@click.command(
    "verify",
    epilog="Example: bnnc verify model.pb --target c --inputs x.npz --reference y.npz",
)
@model_argument
@target_option("Target; 'interp' leaves the generated code out.")
@click.option(
    "--reference",
    type=FILE,
    metavar="Y.npz",
    help="Outputs by name, or a framework's intermediate tensors with keys 'Op|node'.",
)
@click.option(
    "--project",
    type=FILE,
    metavar="OUT",
    help="Verify code and weights in this folder of `bnnc compile`, instead of fresh ones.",
)
@click.option("--atol", type=float, default=0.0, show_default=True, help="Absolute tolerance.")
@click.option(
    "--rtol",
    type=float,
    default=1e-4,
    show_default=True,
    help="Tolerance relative to the largest magnitude of the tensor.",
)
@click.option(
    "--margin",
    type=float,
    default=1e-5,
    show_default=True,
    help="How near to a boundary, relative to the largest magnitude, a sign is a tie.",
)
@json_option
@array_options
@import_options
@lowering_options
def verify_command(model: Path, **options: Any) -> None:
    """Verify what MODEL compiles to.

    Searches every threshold again, compares the planned IR with the imported one, the generated
    code with the interpreter bit for bit in every tensor, and both with a reference. Exit code 1
    when something differs; the first layer that does is named.
    """
    from .session import session

    with session(options) as s:
        from bnnc import arrays, driver
        from bnnc.comparison import Tolerances

        given = arrays.load_arrays(s.rest["inputs"]) if s.rest["inputs"] else None
        reference = arrays.load_arrays(s.rest["reference"]) if s.rest["reference"] else None
        found = driver.verify(
            s.load(model),
            s.rest["target"],
            given,
            reference=reference,
            mapping=dict(s.rest["mapping"]),
            map_output=dict(s.rest["map_output"]),
            tolerances=Tolerances(s.rest["atol"], s.rest["rtol"], s.rest["margin"]),
            project=s.rest["project"],
            progress=s.status.show,
            **s.lowering,
        )
        s.status.stop()
        s.remarks += found.remarks
        if s.rest["as_json"]:
            print_json(found.to_json())
        else:
            _show(found)
        _raise_difference(found)


def _show(found: Verification) -> None:
    rows = [
        (
            c.check,
            c.layer,
            "ok" if c.ok else "DIFFERS",
            f"{c.max_abs:.3g}",
            f"{c.max_rel:.3g}",
            f"{c.differ} of {c.elements}",
            c.where,
        )
        for c in found.comparisons
    ]
    head = ("check", "layer", "", "max abs", "max rel", "differ", "where")
    print_table(head, rows, right=("max abs", "max rel", "differ"))
    if found.ok:
        click.echo(f"ok: {len(found.comparisons)} comparisons, target {found.target}")


def _raise_difference(found: Verification) -> None:
    from bnnc.ir.diagnostics import CheckError

    first = found.first_difference
    if first is not None:
        count = sum(not c.ok for c in found.comparisons)
        raise CheckError(
            f"layer '{first.layer}' differs ({first.check}): {first.where}",
            hint=f"{count} of {len(found.comparisons)} comparisons differ, this is the first",
        )
