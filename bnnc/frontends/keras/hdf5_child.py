# SPDX-License-Identifier: Apache-2.0
"""The program that opens HDF5 files for `hdf5_pipe`, one forked process for each file.

The HDF5 library is native code that some damaged files make crash, spin or ask for all memory. So
it never runs in the process of the compiler. This file is run by its path and imports nothing of
the package: it starts fast, and decides nothing; it only tells what is there.

A request is a line of JSON: ``[path, size, seconds, memory]`` opens a file (or the bytes that
follow), ``[operation, arguments...]`` asks about it. An answer is one too: ``{"is": ...}`` or
``{"error": ...}``, with ``"bytes": N`` where N bytes follow; ``{"ended": status}`` once a file is
closed, or where the process that had it open died.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from typing import Any, BinaryIO

_h5py: Any = import_module("h5py")
_MOST_TEXTS = 1 << 20
_kept: list[Any] = []  # open files: to close a damaged one may crash too
_TICK = 2  # seconds between the polite and the final signal of the limit on computing time


def _limit(seconds: int, memory: int) -> None:
    """Bound what this process may compute and ask for, where the system can."""
    try:
        resource: Any = import_module("resource")
    except ModuleNotFoundError:
        return
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + _TICK))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            reserved = int(file.read().split()[0]) * resource.getpagesize()
    except OSError:  # no Linux
        return
    resource.setrlimit(resource.RLIMIT_AS, (reserved + memory, reserved + memory))


def _find(file: Any, path: Sequence[str]) -> tuple[str, Any]:
    """What lies behind names from the top, and of which kind it is; links are not followed."""
    here = file
    for part in path:
        link = here.get(part, getlink=True) if isinstance(here, _h5py.Group) else None
        if link is None:
            return "nothing", None
        if not isinstance(link, _h5py.HardLink):
            return "link", None
        here = here[part]
    if isinstance(here, _h5py.Group):
        return "group", here
    return ("dataset", here) if isinstance(here, _h5py.Dataset) else ("other", None)


def _text(value: object) -> str:
    if isinstance(value, bytes):
        value = value.decode()
    if not isinstance(value, str):
        raise TypeError("it holds no text")
    return value


def _attribute(file: Any, path: Sequence[str], name: str) -> Any:
    """A text, a list of texts, or None where there is no such attribute."""
    _, place = _find(file, path)
    if place is None or name not in place.attrs:
        return None
    shape = place.attrs.get_id(name).shape
    if shape is None or len(shape) > 1 or (shape and shape[0] > _MOST_TEXTS):
        raise TypeError(f"it has the shape {shape}")
    value = place.attrs[name]
    return [_text(v) for v in value] if shape else _text(value)


def _look(file: Any, path: Sequence[str]) -> dict[str, Any]:
    """Of a group how much it holds, of a dataset what it promises."""
    kind, place = _find(file, path)
    if kind == "group":
        return {"kind": kind, "count": len(place)}
    if kind == "dataset":
        return {
            "kind": kind,
            "shape": place.shape,
            "dtype": place.dtype.str,
            "stored": place.id.get_storage_size(),
            "elsewhere": bool(place.is_virtual or place.external),
        }
    return {"kind": kind}


def _read(file: Any, path: Sequence[str]) -> bytes:
    data: bytes = _find(file, path)[1][()].tobytes()
    return data


_OPERATIONS: dict[str, Callable[..., Any]] = {"attribute": _attribute, "look": _look, "read": _read}


def _answer(requests: BinaryIO, answers: BinaryIO, source: str | bytes) -> Any:
    """Open a file and answer for it until no more is asked; return it, still open."""
    file: Any = None

    def opened() -> None:
        nonlocal file
        file = _h5py.File(io.BytesIO(source) if isinstance(source, bytes) else source, "r")

    _reply(answers, opened)
    while line := requests.readline():
        operation, *arguments = json.loads(line)
        if operation == "close":
            break
        _reply(answers, partial(_OPERATIONS[operation], file, *arguments))
    return file


def _reply(answers: BinaryIO, compute: Callable[[], Any]) -> None:
    data = b""
    try:
        found = compute()
    except Exception as why:  # whatever a damaged file makes the library raise
        lines = str(why).splitlines()
        head: dict[str, Any] = {"error": lines[0] if lines else type(why).__name__}
    else:
        data = found if isinstance(found, bytes) else b""
        head = {"is": None, "bytes": len(data)} if data else {"is": found}
    answers.write(json.dumps(head).encode() + b"\n" + data)
    answers.flush()


def main() -> None:
    """Answer requests until there are no more."""
    requests, answers = open(0, "rb", buffering=0), sys.stdout.buffer  # noqa: SIM115
    while line := requests.readline():
        path, size, seconds, memory = json.loads(line)
        source = path if size is None else _exactly(requests, size)
        status = 0
        if not hasattr(os, "fork"):
            _answer(requests, answers, source)
        elif (child := os.fork()) == 0:
            _limit(seconds, memory)
            _kept.append(_answer(requests, answers, source))
            os._exit(0)
        else:
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        answers.write(json.dumps({"ended": status}).encode() + b"\n")
        answers.flush()


def _exactly(stream: BinaryIO, size: int) -> bytes:
    parts: list[bytes] = []
    while size and (part := stream.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


if __name__ == "__main__":
    main()
