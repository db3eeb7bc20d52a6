# SPDX-License-Identifier: Apache-2.0
"""The command group, and what becomes of errors: one clear text and the exit code."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

import bnnc

from .benching import bench_command
from .compiling import compile_command, dump_command, opt_command
from .doctor import doctor_command
from .executing import run_command
from .explaining import explain_command
from .listing import inspect_command, passes_command, targets_command
from .quantizing import quantize_command
from .verifying import verify_command

INTERRUPTED = 130
IO_FAILED = 8
BUG = 70

_FIRST = """\
bnnc compiles binary neural networks to standalone C.

First steps:
  bnnc explain model.pb                            what each layer becomes, and why
  bnnc compile model.pb --target c -o out          C code, packed weights, a Makefile
  bnnc run model.pb --target c --inputs x.npz --outputs y.npz

`bnnc --help` lists all commands, `bnnc doctor` looks for compilers on this machine."""


class _Group(click.Group):
    """Lists its commands in the order in which they were added, the main one first."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(
    cls=_Group,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example: bnnc compile model.pb --target c -o out",
)
@click.version_option(bnnc.__version__, prog_name="bnnc")
@click.pass_context
def bnnc_command(context: click.Context) -> None:
    """Compile binary neural networks to exact, standalone C."""
    if context.invoked_subcommand is None:
        click.echo(_FIRST)


for _command in (
    compile_command,
    dump_command,
    opt_command,
    run_command,
    verify_command,
    explain_command,
    quantize_command,
    bench_command,
    targets_command,
    passes_command,
    inspect_command,
    doctor_command,
):
    bnnc_command.add_command(_command)


def main() -> NoReturn:
    """Run the command line and exit with its code."""
    # Modules are many objects that live long. With Python's own threshold the collector visits
    # them over and over, and long networks would take more time per layer.
    gc.set_threshold(50_000)
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code; no error leaves a traceback."""
    try:
        result = bnnc_command.main(list(arguments), prog_name="bnnc", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has gone; nothing more may be written, not even by the shutdown of Python.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:  # the user never sees a traceback
        return _failed(error, arguments)


def _failed(error: Exception, arguments: Sequence[str]) -> int:
    from bnnc.ir.diagnostics import BnncError

    from .crash import write_report

    if isinstance(error, BnncError):
        click.echo(error, err=True)
        return error.exit_code
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        click.echo(f"error: {place}{error.strerror or error}", err=True)
        return IO_FAILED
    click.echo(write_report(error, arguments), err=True)
    return BUG
