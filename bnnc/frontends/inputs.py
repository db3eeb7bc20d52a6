# SPDX-License-Identifier: Apache-2.0
"""Which tensors of a model are fed: names that the user gives, problems of all inputs at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from typing import TypeVar

from bnnc.ir.diagnostics import Diagnostic, ImportFailure, UsageError, did_you_mean

Key = TypeVar("Key", bound=Hashable)
Made = TypeVar("Made")


def find_each(names: Iterable[str], find: Callable[[str], Key], flag: str) -> list[Key]:
    """Look up the tensors that an option names.

    Raises:
        UsageError: One is named twice, or `find` knows none of the name.
    """
    found: list[Key] = []
    for name in names:
        key = find(name)
        if key in found:
            raise UsageError(f"{flag}: '{name}' is given twice")
        found.append(key)
    return found


def require_inputs(shaped: Iterable[str], inputs: Sequence[str], others: Collection[str]) -> None:
    """Refuse a shape for what is neither fed nor otherwise an input of the model.

    Raises:
        UsageError: There is one.
    """
    for name in shaped:
        if name not in inputs and name not in others:
            hint = did_you_mean(name, {*inputs, *others}) or f"inputs: {', '.join(inputs)}"
            raise UsageError(f"--input-shape {name}: the model has no such input", hint=hint)


def collect_inputs(
    keys: Iterable[Key],
    own: Iterable[Key],
    make: Callable[[Key], Made | Diagnostic],
    name_of: Callable[[Key], str] = str,
) -> list[Made]:
    """Describe the tensors to feed.

    Args:
        keys: These tensors, in order.
        own: The model's inputs that its outputs need.
        make: Describes one, or says what is wrong with it.
        name_of: The public name of one.

    Raises:
        ImportFailure: Some input is wrong or missing; all of them are listed.
    """
    chosen = list(keys)
    problems = [
        Diagnostic(
            f"input '{name_of(key)}' is needed too",
            hint=f"add it to --input-names, or --set {name_of(key)}=",
        )
        for key in own
        if key not in chosen
    ]
    inputs: list[Made] = []
    for key in chosen:
        made = make(key)
        if isinstance(made, Diagnostic):
            problems.append(made)
        else:
            inputs.append(made)
    if problems:
        raise ImportFailure(problems[0].message, diagnostics=problems)
    return inputs
