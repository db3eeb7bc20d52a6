# SPDX-License-Identifier: Apache-2.0
"""``python -m tests.fuzz``: run a campaign, or cases that were kept."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import click
import numpy as np

from .damage import KINDS
from .journal import Journal
from .kept import FOLDER, NETWORK, Kept, fault_of_files, fault_of_network
from .native import Native, compiler_for
from .soak import soak

_FILE = click.Path(path_type=Path, dir_okay=False)
_TARGET = click.option(
    "--target", default="c", show_default=True, help="of networks; another machine's is emulated"
)
_CC = click.option("--cc", help="the compiler; gcc for c, else the target's first one if none")


@click.group()
def main() -> None:
    """Random networks and damaged files."""


@main.command("soak")
@click.option("--seed", type=int, help="the whole campaign follows from it; a fresh one if none")
@click.option("--networks", default=10_000, show_default=True, help="how many networks")
@click.option("--files", default=100_000, show_default=True, help="how many damaged files")
@click.option("--kinds", default=",".join(KINDS), show_default=True, help="of which kinds")
@click.option("--minutes", type=float, help="stop after about so long")
@click.option(
    "--log", default="build/soak.jsonl", show_default=True, type=click.Path(path_type=Path)
)
@click.option("--resume", is_flag=True, help="go on where the log ends (give its seed)")
@click.option("--keep/--no-keep", default=True, help="make what fails smaller and keep it")
@_TARGET
@_CC
@click.option("--optimize", default="-O0", show_default=True, help="of the kernels")
def soak_command(
    seed: int | None,
    networks: int,
    files: int,
    kinds: str,
    minutes: float | None,
    log: Path,
    resume: bool,
    keep: bool,
    target: str,
    cc: str | None,
    optimize: str,
) -> None:
    """Run random networks and damaged files, and write a log."""
    chosen = fresh_seed() if seed is None else seed
    cc = cc or compiler_for(target)
    click.echo(f"seed {chosen}")
    facts = {"networks": networks, "files": files, "kinds": kinds, "target": target, "cc": cc}
    journal = Journal.opened(log, chosen, resume=resume, **facts, optimize=optimize)
    found = soak(
        journal,
        networks=networks,
        files=files,
        kinds=tuple(kinds.split(",")),
        say=click.echo,
        minutes=minutes,
        keep=FOLDER if keep else None,
        target=target,
        compiler=cc,
        optimize=optimize,
    )
    sys.exit(1 if found else 0)


@main.command("replay")
@click.argument("cases", nargs=-1, type=click.Path(exists=True, path_type=Path))
@_TARGET
@_CC
def replay_command(cases: tuple[Path, ...], target: str, cc: str | None) -> None:
    """Run kept cases again, all of them where none is named."""
    failed = 0
    with tempfile.TemporaryDirectory(prefix="bnnc-replay-") as folder:
        native = Native.made(Path(folder), target, cc or compiler_for(target))
        for path in cases or sorted(FOLDER.glob("*.json")):
            kept = Kept.load(path)
            if kept.kind == NETWORK:
                fault: object = fault_of_network(native, kept.network())
            else:
                fault = fault_of_files(kept.kind, kept.files)
            failed += fault is not None
            click.echo(f"{path.name}: {fault or 'holds'}")
    sys.exit(1 if failed else 0)


def fresh_seed() -> int:
    """A seed that nobody has used."""
    return int(np.random.SeedSequence().generate_state(1)[0])


if __name__ == "__main__":
    main()
