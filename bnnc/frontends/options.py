# SPDX-License-Identifier: Apache-2.0
"""What a user may say about a model when it is imported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

SetValue: TypeAlias = "bool | int | float | str | Sequence[SetValue]"


@dataclass(frozen=True)
class ImportOptions:
    """Import options; tensor names may be given with or without a trailing ``:0``.

    Attributes:
        batch: Size of the first axis of every input; None keeps the model's own, or 1 where the
            model leaves it open.
        input_shapes: Full shapes of inputs by name; -1 leaves an axis to the model and `batch`.
        input_names: The tensors to feed, in order; empty takes the model's own inputs.
        output_names: The tensors to compute, in order; empty takes the model's own outputs.
        set_values: Inputs that become constants: a number, a bool, a nested list, or their text
            (``"false"``, ``"0.5"``, ``"1,2,3"``).
        signature: The signature of a SavedModel; empty takes ``serving_default``, or the only one.
    """

    batch: int | None = None
    input_shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict[str, tuple[int, ...]])
    input_names: tuple[str, ...] = ()
    output_names: tuple[str, ...] = ()
    set_values: Mapping[str, SetValue] = field(default_factory=dict[str, SetValue])
    signature: str = ""
