# SPDX-License-Identifier: Apache-2.0
"""``bnnc compile``, ``dump`` and ``opt``: from a model to C, or to text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .options import (
    FILE,
    import_options,
    lowering_options,
    model_argument,
    stop_option,
    target_option,
)

if TYPE_CHECKING:
    from bnnc.driver import Compiled
    from bnnc.ir.module import Module


@click.command("compile", epilog="Example: bnnc compile model.pb --target c -o out")
@model_argument
@target_option("Target name, or a TOML file.")
@click.option("-o", "--output", "out", type=FILE, help="Folder to write [default: ./NAME].")
@click.option("--name", help="Name of files and C symbols [default: from the model file].")
@click.option("--embed", is_flag=True, help="Put the weights into a C file, for flash.")
@click.option(
    "--threads", is_flag=True, help="Let layers run in parts; write a pool of threads for it."
)
@stop_option()
@import_options
@lowering_options
def compile_command(model: Path, **options: Any) -> None:
    """Compile MODEL to C code and packed weights.

    The folder then holds NAME.h, NAME.c, NAME.bnnw, the kernels that are used, a small driver, a
    Makefile and manifest.json. No C compiler is needed for it. With --stop-after, textual IR is
    written instead, to the file of -o or to ./NAME.bnn.
    """
    from .session import session

    with session(options) as s:
        from bnnc import driver

        module = s.load(model)
        if s.rest["stop_after"] is not None:
            module = driver.lower(
                module, s.rest["target"], after=s.rest["stop_after"], **s.lowering
            )
            s.status.stop()
            out = s.rest["out"] or Path(f"{s.rest['name'] or module.name}.bnn")
            _write(module, out)
            click.echo(f"wrote   {out}")
            return
        compiled = driver.compile(
            module, s.rest["target"], s.rest["out"], name=s.rest["name"], embed=s.rest["embed"],
            threads=s.rest["threads"], **s.lowering,
        )  # fmt: skip
        s.status.stop()
        _describe(compiled)


def _describe(compiled: Compiled) -> None:
    from bnnc.explanation import input_layout

    module, manifest = compiled.module, compiled.manifest
    for (name, type_), arg in zip(module.inputs.items(), module.func.args, strict=True):
        click.echo(f"input   {name}: {list(type_.shape)} {type_.scalar}, {input_layout(arg)}")
    for name, type_ in module.outputs.items():
        click.echo(f"output  {name}: {list(type_.shape)} {type_.scalar}")
    click.echo(f"target  {compiled.target.name}")
    click.echo(f"weights {manifest.weights_bytes:,} bytes")
    bound = module.attrs.get("arena_bound", "unknown")
    least = "the least possible" if bound == manifest.arena_bytes else f"lower bound {bound}"
    click.echo(f"arena   {manifest.arena_bytes:,} bytes ({least})")
    click.echo(f"wrote   {compiled.out}")


@click.command(
    "dump",
    epilog="Example: bnnc dump model.pb --after binarize -o net.bnn",
)
@model_argument
@click.option("-o", "--output", "out", type=FILE, help="Text file to write [default: stdout].")
@stop_option("--after")
@target_option("Target of the passes that lower.")
@import_options
@lowering_options
def dump_command(model: Path, **options: Any) -> None:
    """Write MODEL as textual IR.

    Without --after and --passes that is the graph as imported. Large constants go to a side file
    beside the text, NAME.bnn.npz.
    """
    from .session import session

    with session(options) as s:
        from bnnc import driver

        module = s.load(model)
        after: str | None = s.rest["stop_after"]
        if after is not None or s.lowering["passes"] is not None:
            module = driver.lower(module, s.rest["target"], after=after, **s.lowering)
        s.status.stop()
        _write(module, s.rest["out"])


@click.command(
    "opt",
    epilog="Example: bnnc opt net.bnn --passes 'fold-constants,canonicalize' -o out.bnn",
)
@model_argument
@click.option("-o", "--output", "out", type=FILE, help="Text file to write [default: stdout].")
@target_option("Target of the passes that lower.")
@lowering_options
def opt_command(model: Path, **options: Any) -> None:
    """Run passes on textual IR."""
    from .session import session

    if options["passes"] is None:
        raise click.UsageError("say which passes to run: --passes 'PASS,PASS{option=value}'")
    with session(options) as s:
        from bnnc import driver

        module = driver.lower(s.load(model), s.rest["target"], **s.lowering)
        s.status.stop()
        _write(module, s.rest["out"])


def _write(module: Module, out: Path | None) -> None:
    from bnnc.ir.text import write_module

    if out is None:
        click.echo(str(module), nl=False)
    else:
        write_module(module, out)
