# SPDX-License-Identifier: Apache-2.0
"""``bnnc targets``, ``passes`` and ``inspect``: what there is, and what a weight file holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .options import FILE, json_option
from .terminal import print_json, print_table

if TYPE_CHECKING:
    from bnnc.passes import Pass


@click.command("targets", epilog="Example: bnnc targets --json")
@json_option
def targets_command(as_json: bool) -> None:
    """List the targets."""
    from bnnc.backends import targets

    found = targets()
    if as_json:
        print_json(
            {
                "targets": [
                    {
                        "name": t.name,
                        "description": t.description,
                        "isas": list(t.isas),
                        "orders": list(t.orders),
                        "emulator": list(t.emulator),
                    }
                    for t in found
                ]
            }
        )
        return
    rows = [(t.name, ", ".join(t.orders), ", ".join(t.isas), t.description) for t in found]
    print_table(("target", "float orders", "kernels", "description"), rows)


@click.command("passes", epilog="Example: bnnc passes --load-pass mine.py")
@click.option(
    "--load-pass",
    "pass_files",
    type=FILE,
    multiple=True,
    metavar="FILE.py",
    help="Register the passes of a Python file.",
)
@json_option
def passes_command(pass_files: tuple[Path, ...], as_json: bool) -> None:
    """List the passes with their options."""
    from bnnc.lowering import known_passes

    found = [_describe_pass(cls) for cls in known_passes(pass_files)]
    if as_json:
        print_json({"passes": found})
        return
    rows = [
        (
            d["name"] + (f"{{{','.join(d['options'])}}}" if d["options"] else ""),
            f"{d['consumes'] or 'any'} -> {d['produces'] or 'same'}",
            d["exactness"],
            d["doc"],
        )
        for d in found
    ]
    print_table(("pass", "stage", "exactness", "what it does"), rows)


def _describe_pass(cls: type[Pass]) -> dict[str, Any]:
    import dataclasses
    import inspect

    fields = dataclasses.fields(cls)  # type: ignore[arg-type]
    given = (
        f.name if f.default is dataclasses.MISSING else f"{f.name}={str(f.default).lower()}"
        for f in fields
    )
    doc = inspect.cleandoc(cls.__doc__ or "").split("\n\n")[0]
    return {
        "name": cls.name,
        "options": list(given),
        "consumes": cls.consumes.value if cls.consumes else None,
        "produces": cls.produces.value if cls.produces else None,
        "exactness": cls.exactness,
        "doc": " ".join(doc.split()),
    }


@click.command("inspect", epilog="Example: bnnc inspect out/model.bnnw")
@click.argument("file", type=FILE)
@json_option
def inspect_command(file: Path, as_json: bool) -> None:
    """Check a weight FILE and list its sections."""
    from bnnc.backends import read_weight_file, targets
    from bnnc.ir.diagnostics import UsageError

    if not file.is_file():
        raise UsageError(f"no weight file at {file}", hint="`bnnc compile` writes OUT/NAME.bnnw")
    found = read_weight_file(file)
    known = [t.name for t in targets() if found.is_for(t.name)]
    target = known[0] if known else None
    if as_json:
        sections = [
            {"name": s.name, "type": s.type, "offset": s.offset, "bytes": int(s.data.size)}
            for s in found.sections
        ]
        print_json(
            {
                "version": found.version,
                "model_id": found.model_id,
                "target": target,
                "file_bytes": found.file_bytes,
                "sections": sections,
            }
        )
        return
    click.echo(f"version {found.version}, {found.file_bytes:,} bytes, checksums right")
    click.echo(f"model   {found.model_id}")
    click.echo(f"target  {target or 'unknown here'}")
    rows = [(s.name, s.type, str(s.offset), f"{s.data.size:,}") for s in found.sections]
    print_table(("section", "type", "offset", "bytes"), rows, right=("offset", "bytes"))
