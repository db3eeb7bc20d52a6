# SPDX-License-Identifier: Apache-2.0
"""Static shapes of inputs, from what the model declares and what the user says."""

from __future__ import annotations

from bnnc.ir.diagnostics import Diagnostic, UsageError


def static_shape(
    name: str,
    model: tuple[int, ...] | None,
    given: tuple[int, ...] | None,
    batch: int | None,
) -> tuple[int, ...] | Diagnostic:
    """Return the shape of an input, or what is wrong with it.

    Args:
        name: The input's public name.
        model: What the model declares, -1 where it leaves an axis open; None for an unknown rank.
        given: What the user gives (``--input-shape``), -1 where the model decides.
        batch: The user's batch, which replaces the first axis.

    Raises:
        UsageError: The given shape or batch contradicts the model.
    """
    if given is not None and model is not None:
        _check(name, given, model)
    dims = list(given or model or ())
    if model is not None:
        dims = [m if d == -1 else d for d, m in zip(dims, model, strict=True)]
    if given is None and model == ():
        return Diagnostic(
            f"input '{name}' has no batch axis", hint=f"fix it: --set {name}=VALUE (a constant)"
        )
    if dims and batch is not None:
        if given is not None and given[0] not in (-1, batch):
            raise UsageError(f"--batch {batch} contradicts --input-shape {name} with {given[0]}")
        dims[0] = batch
    if dims and dims[0] == -1:
        dims[0] = 1
    if not dims or -1 in dims:
        shown = ",".join("?" if d == -1 else str(d) for d in dims) or "unknown"
        example = ",".join(str(32 if d == -1 else d) for d in dims) or "1,32,32,3"
        return Diagnostic(
            f"the shape of input '{name}' is not static: {shown}",
            hint=f"give it: --input-shape {name}={example}",
        )
    return tuple(dims)


def _check(name: str, given: tuple[int, ...], model: tuple[int, ...]) -> None:
    """Only the batch and what the model leaves open may be chosen."""
    fits = len(given) == len(model) and all(
        -1 in (g, m) or g == m for g, m in zip(given[1:], model[1:], strict=True)
    )
    if not fits or any(d < 1 and d != -1 for d in given):
        shown = ",".join("?" if d == -1 else str(d) for d in model)
        raise UsageError(
            f"--input-shape {name}={','.join(map(str, given))} does not fit the model's {shown}"
        )


def same_padding(size: int, kernel: int, stride: int, dilation: int) -> int:
    """The total padding of one axis that gives ceil(size / stride) outputs."""
    return max((-(-size // stride) - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
