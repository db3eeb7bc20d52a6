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


Values: TypeAlias = "Sequence[str]"


def pair_option(flag: str, name: str, form: str, help_text: str) -> Callable[[FuncT], FuncT]:
    """A repeatable option of the form ``NAME=VALUE``, split at the first equals sign.

    Args:
        flag: the option, e.g. ``--set``.
        name: the parameter's name; its value is a tuple of pairs.
        form: both parts as help shows them, e.g. ``NAME=VALUE``.
        help_text: what it is for.
    """

    def split(
        context: click.Context, param: click.Parameter, values: Values
    ) -> tuple[tuple[str, str], ...]:
        found: list[tuple[str, str]] = []
        for value in values:
            left, equals, right = value.partition("=")
            if not (left and equals and right):
                message = f"'{value}' is not of the form {form}"
                raise click.BadParameter(message, context, param)
            found.append((left, right))
        return tuple(found)

    return click.option(flag, name, multiple=True, callback=split, metavar=form, help=help_text)


def _shapes(
    context: click.Context, param: click.Parameter, values: Values
) -> tuple[tuple[str, tuple[int, ...]], ...]:
    found: list[tuple[str, tuple[int, ...]]] = []
    for value in values:
        name, _, sizes = value.rpartition("=")
        try:
            shape = tuple(int(size) for size in sizes.split(","))
        except ValueError:
            shape = ()
        if not name or not shape:
            message = f"'{value}' is not of the form {param.metavar}"
            raise click.BadParameter(message, context, param)
        found.append((name, shape))
    return tuple(found)


def _names(context: click.Context, param: click.Parameter, values: Values) -> tuple[str, ...]:
    del context, param
    return tuple(name for value in values for name in value.split(",") if name)


def joined(*options: Callable[[FuncT], FuncT]) -> Callable[[FuncT], FuncT]:
    """Several options as one decorator, shown in this order."""

    def decorate(function: FuncT) -> FuncT:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def import_options(function: FuncT) -> FuncT:
    """How the model file is read; see `bnnc.frontends.ImportOptions`."""
    return joined(
        click.option(
            "--input-shape",
            "input_shapes",
            multiple=True,
            callback=_shapes,
            metavar="NAME=1,32,32,3",
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
        pair_option(
            "--set", "set_values", "NAME=VALUE", "Fix an input to a value, e.g. is_training=false."
        ),
        click.option("--batch", type=click.IntRange(min=1), help="Samples per call."),
        click.option(
            "--signature", default="", metavar="NAME", help="Take this signature of a SavedModel."
        ),
    )(function)


def lowering_options(function: FuncT) -> FuncT:
    """Which passes run, and what is shown of them; see `bnnc.driver.lower`."""
    return joined(
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
        quantization_options,
        debug_options,
    )(function)


def quantization_options(function: FuncT) -> FuncT:
    """How layers that are not binary are quantized; see `bnnc.quantization`."""
    return joined(
        click.option(
            "--quantize",
            type=click.Choice(["int8", "dynamic"]),
            help="Quantize layers that are not binary: int8 with ranges from --calibrate, "
            "dynamic with ranges measured at run time.",
        ),
        *calibration_options,
        io_option,
    )(function)


calibration_options = (
    click.option(
        "--calibrate", type=FILE, metavar="DATA.npz", help="Inputs to calibrate with, by name."
    ),
    click.option(
        "--calibrator",
        type=click.Choice(["minmax", "percentile", "mse", "average"]),
        default="minmax",
        show_default=True,
        help="How ranges follow from calibration data.",
    ),
    click.option(
        "--keep-float",
        multiple=True,
        metavar="NAME",
        help="A layer (name or glob) that stays in float.",
    ),
    click.option(
        "--equalize", is_flag=True, help="Scale channels between layers so that bytes fit them."
    ),
    click.option(
        "--bias-correction", is_flag=True, help="Correct biases by mean errors on --calibrate."
    ),
)

io_option = click.option(
    "--io",
    type=click.Choice(["float", "int8"]),
    default="float",
    show_default=True,
    help="Type of the quantized network's inputs and outputs.",
)


def debug_options(function: FuncT) -> FuncT:
    """What is shown and checked while passes run."""
    return joined(
        _print_option("before"),
        _print_option("after"),
        click.option("--print-ir-before-all", is_flag=True, help="Print the IR before every pass."),
        click.option("--print-ir-after-all", is_flag=True, help="Print the IR after every pass."),
        click.option(
            "--print-ir-diff", is_flag=True, help="Print which lines of the IR each pass changes."
        ),
        click.option(
            "--dump-dir",
            type=FILE,
            metavar="DIR",
            help="Write the IR after every pass into this folder, with its constants.",
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


def _print_option(when: str) -> Callable[[FuncT], FuncT]:
    return click.option(
        f"--print-ir-{when}",
        multiple=True,
        metavar="PASS",
        help=f"Print the IR {when} this pass, on stderr.",
    )


def stop_option(*names: str) -> Callable[[FuncT], FuncT]:
    """``--stop-after PASS``, with other names for the same."""
    return click.option(
        *("--stop-after", *names, "stop_after"),
        metavar="PASS",
        help="Run the pipeline up to and with the last pass of this name.",
    )


def array_options(function: FuncT) -> FuncT:
    """Where the inputs come from."""
    return joined(
        click.option(
            "--inputs", type=FILE, metavar="X.npz", help="Inputs by name; else random ones."
        ),
        pair_option("--map", "mapping", "INPUT=KEY", "Key of an input's array, where it differs."),
        pair_option(
            "--map-output",
            "map_output",
            "OUTPUT=KEY",
            "Key of an output's array, where it differs.",
        ),
    )(function)
