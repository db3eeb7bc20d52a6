# SPDX-License-Identifier: Apache-2.0
"""``bnnc run``: execute a model on a target."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .options import (
    FILE,
    array_options,
    import_options,
    lowering_options,
    model_argument,
    target_option,
)


@click.command("run", epilog="Example: bnnc run model.pb --target c --inputs x.npz --outputs y.npz")
@model_argument
@target_option("Target; 'interp' or 'interp:T' interprets what T would run.")
@click.option("--outputs", type=FILE, metavar="Y.npz", help="Where to write the outputs.")
@array_options
@import_options
@lowering_options
def run_command(model: Path, **options: Any) -> None:
    """Compile MODEL, build it and execute it.

    Inputs are arrays [N, ...] by public name; N samples run in chunks of the compiled batch.
    """
    from .session import session

    with session(options) as s:
        from bnnc import arrays, driver
        from bnnc.ir.diagnostics import FileError

        given = arrays.load_arrays(s.rest["inputs"]) if s.rest["inputs"] else None
        module = s.load(model)
        # What can be refused is refused before anything is built or run.
        keys = _keys(list(module.outputs), dict(s.rest["map_output"]))
        outputs: Path | None = s.rest["outputs"]
        if outputs is not None and not outputs.parent.is_dir():
            raise FileError(f"cannot write {outputs}: there is no folder {outputs.parent}")
        s.status.show("running")
        found = driver.run(
            module, s.rest["target"], given, mapping=dict(s.rest["mapping"]), **s.lowering
        )
        s.status.stop()
        if outputs is not None:
            arrays.save_arrays(outputs, {keys[name]: array for name, array in found.items()})
        for name, array in found.items():
            click.echo(f"{keys[name]}: {array.dtype}{list(array.shape)}")
            if outputs is None:
                click.echo(str(array))


def _keys(names: list[str], mapping: dict[str, str]) -> dict[str, str]:
    """The key that each output is written under."""
    from bnnc.arrays import public_name
    from bnnc.ir.diagnostics import UsageError, did_you_mean

    short = {public_name(name): name for name in names}
    keys = {name: name for name in names}
    for name, key in mapping.items():
        if public_name(name) not in short:
            raise UsageError(
                f"there is no output '{name}'",
                hint=did_you_mean(name, names) or f"the outputs are {', '.join(names)}",
            )
        keys[short[public_name(name)]] = key
    if len(set(keys.values())) < len(keys):
        listed = ", ".join(f"{name} as '{key}'" for name, key in keys.items())
        raise UsageError(f"two outputs would be written under one key: {listed}")
    return keys
