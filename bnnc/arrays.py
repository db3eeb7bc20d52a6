# SPDX-License-Identifier: Apache-2.0
"""Arrays in and out of a network: which key belongs to which name, dtypes, and batches.

Keys are the public names of inputs and outputs, a trailing ``:0`` counts for nothing. The first
axis is the batch: N samples run in chunks of the compiled batch, the last one padded and cut.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from bnnc.ir.diagnostics import Remark, UsageError, did_you_mean
from bnnc.ir.text.npy import NpzFile
from bnnc.ir.types import TensorType

Arrays: TypeAlias = "dict[str, np.ndarray]"
Types: TypeAlias = "Mapping[str, TensorType]"
Side: TypeAlias = Literal["input", "output"]
_ALIASES: dict[Side, tuple[str, ...]] = {"input": ("x", "x0"), "output": ("y", "y0")}


def public_name(name: str) -> str:
    """A name as the user knows it: without TensorFlow's trailing ``:0``."""
    return name.removesuffix(":0")


def load_arrays(path: str | PathLike[str]) -> Arrays:
    """Read an ``.npz`` file (arrays of numbers only).

    Raises:
        UsageError: when there is no such file or it is not an ``.npz``.
    """
    file = Path(path)
    hint = "write it with np.savez(path, NAME=array)"
    try:
        data = NpzFile(file)
        try:
            return dict(data)
        finally:
            data.close()
    except FileNotFoundError:
        raise UsageError(f"no file {file}") from None
    except IsADirectoryError:
        raise UsageError(f"{file} is a folder, an .npz file is needed") from None
    except ValueError as error:
        if _is_single(file):
            raise UsageError(
                f"{file} holds a single array, an .npz file is needed", hint=hint
            ) from None
        raise UsageError(f"{file} cannot be read as .npz: {error}", hint=hint) from error


def _is_single(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            return stream.read(6) == b"\x93NUMPY"
    except OSError:
        return False


def save_arrays(path: str | PathLike[str], arrays: Mapping[str, np.ndarray]) -> None:
    """Write an ``.npz`` file whose bytes depend on the arrays alone; keys may hold slashes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.asanyarray(array), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, buffer.getvalue())


def select(
    types: Types,
    arrays: Mapping[str, np.ndarray],
    *,
    side: Side,
    mapping: Mapping[str, str] | None = None,
    remarks: list[Remark] | None = None,
) -> Arrays:
    """Pick one array for every public name; other keys are ignored.

    Args:
        types: public names with their types.
        arrays: what the user gave.
        side: whether the names are inputs or outputs.
        mapping: public name to key, where they differ.
        remarks: told when a key is taken although it bears another name.

    Raises:
        UsageError: for a missing key, listing both sides with shapes and dtypes, and for a
            mapping of a name that does not exist.
    """
    wanted = {public_name(name): public_name(key) for name, key in (mapping or {}).items()}
    names = {public_name(name): name for name in types}
    for name in wanted:
        if name not in names:
            raise UsageError(
                f"there is no {side} '{name}'",
                hint=did_you_mean(name, names) or f"the {side}s are {', '.join(types)}",
            )
    keys = {public_name(key): key for key in arrays} | {key: key for key in arrays}
    found: Arrays = {}
    for short, name in names.items():
        key = keys.get(wanted.get(short, short))
        if key is None and not wanted and len(types) == 1:
            key = _alias(side, name, arrays, remarks)
        if key is None:
            raise UsageError(_missing(side, wanted.get(short, name), types, arrays))
        found[name] = arrays[key]
    return found


def _alias(
    side: Side, name: str, arrays: Mapping[str, np.ndarray], remarks: list[Remark] | None
) -> str | None:
    present = [key for key in _ALIASES[side] if key in arrays]
    if len(present) != 1:
        return None
    if remarks is not None:
        remarks.append(Remark("", f"{side} '{name}' takes the array '{present[0]}'"))
    return present[0]


def _missing(side: Side, key: str, types: Types, arrays: Mapping[str, np.ndarray]) -> str:
    lines = [f"no array for {side} '{key}'", f"  {side}s of the network:"]
    lines += [f"    {name}: {type_.scalar}{list(type_.shape)}" for name, type_ in types.items()]
    lines.append("  arrays given:")
    lines += [f"    {name}: {a.dtype}{list(a.shape)}" for name, a in arrays.items()] or ["    none"]
    option = "--map" if side == "input" else "--map-output"
    lines.append(f"  hint: name them alike, or say {option} {side.upper()}=KEY")
    return "\n".join(lines)


def cast(name: str, array: np.ndarray, type_: TensorType) -> np.ndarray:
    """Return an array in the dtype of a type: integers become f32 by value, never scaled.

    Raises:
        UsageError: for every other change of dtype but that of byte order.
    """
    if array.dtype.newbyteorder("=") == type_.dtype:
        return array.astype(type_.dtype, copy=False)
    if type_.scalar.is_float and array.dtype.kind in "iu":
        return array.astype(np.float32)
    raise UsageError(
        f"array for '{name}' is {array.dtype}, the network takes {type_.scalar}",
        hint=f"convert it yourself, e.g. .astype(np.{type_.dtype})",
    )


def batch_of(types: Types) -> int:
    """The batch of a network's inputs, the size of their first axis.

    Raises:
        UsageError: when an input has no batch axis or the inputs disagree.
    """
    sizes = {name: type_.shape[0] if type_.shape else None for name, type_ in types.items()}
    for name, size in sizes.items():
        if size is None:
            raise UsageError(
                f"input '{name}' has no batch axis", hint=f"fix it with --set {name}=VALUE"
            )
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{name}: {list(type_.shape)}" for name, type_ in types.items())
        raise UsageError(
            f"the first axes of the inputs disagree ({listed})",
            hint="an input without a batch axis must be fixed with --set NAME=VALUE",
        )
    return next((size for size in sizes.values() if size is not None), 1)


def count_samples(types: Types, arrays: Mapping[str, np.ndarray]) -> int:
    """N, the samples that arrays of shapes [N, ...] hold.

    Raises:
        UsageError: when shapes do not fit the inputs beyond the first axis, or N differs.
    """
    counts: dict[str, int] = {}
    for name, type_ in types.items():
        array = arrays[name]
        if array.ndim != type_.rank or tuple(array.shape[1:]) != type_.shape[1:]:
            wanted = ", ".join(["N", *map(str, type_.shape[1:])])
            raise UsageError(
                f"array for input '{name}' has shape {list(array.shape)}, the network takes "
                f"[{wanted}]",
                hint="add the batch axis: x[None]" if array.shape == type_.shape[1:] else "",
            )
        counts[name] = array.shape[0]
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{name}: {count}" for name, count in counts.items())
        raise UsageError(f"the inputs hold different numbers of samples ({listed})")
    count = next(iter(counts.values()), 1)
    if count == 0:
        raise UsageError("the input arrays hold no samples")
    return count


def prepare(
    types: Types,
    arrays: Mapping[str, np.ndarray],
    *,
    mapping: Mapping[str, str] | None = None,
    remarks: list[Remark] | None = None,
) -> Arrays:
    """Pick and cast the arrays of all inputs; shapes [N, ...] are not yet checked."""
    chosen = select(types, arrays, side="input", mapping=mapping, remarks=remarks)
    return {name: cast(name, array, types[name]) for name, array in chosen.items()}


def pad_batches(types: Types, arrays: Mapping[str, np.ndarray]) -> tuple[Arrays, int]:
    """Repeat the last sample until N is a multiple of the batch; return also the true N."""
    batch, count = batch_of(types), count_samples(types, arrays)
    extra = -count % batch
    padded = {
        name: np.concatenate([a, np.repeat(a[-1:], extra, axis=0)]) if extra else a
        for name, a in arrays.items()
        if name in types
    }
    return padded, count


def chunks(types: Types, padded: Mapping[str, np.ndarray]) -> Iterator[Arrays]:
    """Yield the inputs of one call after the other."""
    batch = batch_of(types)
    total = next((len(a) for a in padded.values()), batch)
    for start in range(0, total, batch):
        yield {name: array[start : start + batch] for name, array in padded.items()}


def cut(outputs: Mapping[str, np.ndarray], types: Types, batch: int, count: int) -> Arrays:
    """Cut outputs, joined over all calls along the first axis, to the true number of samples.

    An output of R rows per call holds R / batch rows per sample.

    Raises:
        UsageError: when the rows of an output cannot be shared out among the samples.
    """
    found: Arrays = {}
    for name, array in outputs.items():
        type_ = types[name]
        rows = type_.shape[0] if type_.shape else 0
        if rows and rows % batch == 0:
            found[name] = array[: count * (rows // batch)]
        elif count == batch:
            found[name] = array.reshape(type_.shape)
        else:
            raise UsageError(
                f"output '{name}' has shape {list(type_.shape)} for a batch of {batch}: it has no "
                f"batch axis, so {count} samples cannot run in batches",
                hint=f"give exactly {batch} samples",
            )
    return found


def run_in_batches(
    call: Callable[[Arrays], Mapping[str, np.ndarray]],
    inputs: Types,
    outputs: Types,
    arrays: Mapping[str, np.ndarray],
    progress: Callable[[int, int], None] | None = None,
) -> Arrays:
    """Run N samples through a function of one compiled batch.

    Args:
        call: takes the inputs of one batch and returns its outputs.
        inputs: public input names with their types.
        outputs: the same for the outputs.
        arrays: input arrays [N, ...], of the right dtypes.
        progress: called with the samples done and N after every call.

    Returns:
        The outputs of all samples, in the order of ``outputs``.
    """
    padded, count = pad_batches(inputs, arrays)
    batch = batch_of(inputs)
    parts: list[Mapping[str, np.ndarray]] = []
    for chunk in chunks(inputs, padded):
        parts.append(call(chunk))
        if progress is not None:
            progress(min(len(parts) * batch, count), count)
    joined = {
        name: np.concatenate([np.atleast_1d(part[name]) for part in parts]) for name in outputs
    }
    return cut(joined, outputs, batch, count)


def random_arrays(types: Types, samples: int, seed: int = 0) -> Arrays:
    """Seeded normal float32 inputs [N, ...] (integers: uniform over at most one byte's range)."""
    batch_of(types)
    rng = np.random.default_rng(seed)
    found: Arrays = {}
    for name, type_ in types.items():
        shape = (samples, *type_.shape[1:])
        bounds = type_.scalar.range()
        if bounds is None:
            found[name] = rng.standard_normal(shape, np.float32)
        else:
            low, high = max(bounds[0], -128), min(bounds[1], 127)
            found[name] = rng.integers(low, high + 1, shape).astype(type_.dtype)
    return found
