# SPDX-License-Identifier: Apache-2.0
"""Options that several commands share, and the values they are parsed to.

Values are plain Python, so that ``--help`` loads nothing heavy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import click

FuncT = TypeVar("FuncT", bound=Callable[..., Any])
Decorator: TypeAlias = "Callable[[FuncT], FuncT]"
FILE = click.Path(path_type=Path)

model_argument = click.argument("model", type=FILE)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def target_option(help_text: str) -> Callable[[FuncT], FuncT]:
    """``--target T``, by default c."""
    return click.option("--target", default="c", show_default=True, metavar="T", help=help_text)


class Pair(click.ParamType[tuple[str, str]]):
    """``NAME=VALUE``; what precedes the first ``=`` is the name."""

    def __init__(self, name: str, value: str) -> None:
        self.name = f"{name}={value}"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Split at the first equals sign."""
        name, equals, rest = str(value).partition("=")
        if not (name and equals and rest):
            self.fail(f"'{value}' is not of the form {self.name}", param, ctx)
        return name, rest


class InputShape(click.ParamType[tuple[str, tuple[int, ...]]]):
    """``NAME=1,32,32,3``."""

    name = "NAME=1,32,32,3"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, tuple[int, ...]]:
        """Split the name from the sizes."""
        name, _, sizes = str(value).rpartition("=")
        try:
            shape = tuple(int(size) for size in sizes.split(",") if size)
        except ValueError:
            shape = ()
        if not name or not shape:
            self.fail(f"'{value}' is not of the form {self.name}", param, ctx)
        return name, shape


def _names(
    context: click.Context, param: click.Parameter, values: Sequence[str]
) -> tuple[str, ...]:
    del context, param
    return tuple(name for value in values for name in value.split(",") if name)


def _joined(*options: Callable[[FuncT], FuncT]) -> Callable[[FuncT], FuncT]:
    """Several options as one decorator, shown in this order."""

    def decorate(function: FuncT) -> FuncT:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def import_options(function: FuncT) -> FuncT:
    """How the model file is read; see `bnnc.frontends.ImportOptions`."""
    return _joined(
        click.option(
            "--input-shape",
            "input_shapes",
            type=InputShape(),
            multiple=True,
            help="Shape of an input that the model leaves open.",
        ),
        click.option(
            "--input-names",
            multiple=True,
            callback=_names,
            metavar="A,B",
            help="Take these tensors as inputs.",
        ),
        click.option(
            "--output-names",
            multiple=True,
            callback=_names,
            metavar="A,B",
            help="Take these tensors as outputs.",
        ),
        click.option(
            "--set",
            "set_values",
            type=Pair("NAME", "VALUE"),
            multiple=True,
            help="Fix an input to a value, e.g. is_training=false.",
        ),
        click.option("--batch", type=click.IntRange(min=1), help="Samples per call."),
    )(function)


def lowering_options(function: FuncT) -> FuncT:
    """Which passes run, and what is shown of them; see `bnnc.driver.lower`."""
    return _joined(
        click.option(
            "--passes",
            metavar="STR",
            help="The whole pipeline; 'default' in it is the standard one.",
        ),
        click.option(
            "--load-pass",
            "pass_files",
            type=FILE,
            multiple=True,
            metavar="FILE.py",
            help="Register the passes of a Python file.",
        ),
        click.option(
            "--strict-sign", is_flag=True, help="Refuse a sign that can give 0, instead of +1."
        ),
        debug_options,
    )(function)


def debug_options(function: FuncT) -> FuncT:
    """What is shown and checked while passes run."""
    return _joined(
        click.option("--print-ir-after-all", is_flag=True, help="Print the IR after every pass."),
        click.option(
            "--print-ir-after",
            multiple=True,
            metavar="PASS",
            help="Print the IR after this pass.",
        ),
        click.option("--time-passes", is_flag=True, help="Print the time of every pass."),
        click.option(
            "--check-each", is_flag=True, help="Interpret before and after every pass and compare."
        ),
        click.option(
            "--verify-each/--no-verify-each",
            default=True,
            show_default=True,
            help="Verify the IR after every pass.",
        ),
    )(function)


def array_options(function: FuncT) -> FuncT:
    """Where the inputs come from."""
    return _joined(
        click.option(
            "--inputs", type=FILE, metavar="X.npz", help="Inputs by name; else random ones."
        ),
        click.option(
            "--map",
            "mapping",
            type=Pair("INPUT", "KEY"),
            multiple=True,
            help="Key of an input's array, where it differs.",
        ),
        click.option(
            "--map-output",
            type=Pair("OUTPUT", "KEY"),
            multiple=True,
            help="Key of an output's array, where it differs.",
        ),
    )(function)
