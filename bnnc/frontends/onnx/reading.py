# SPDX-License-Identifier: Apache-2.0
"""From the bytes of a file to a `Model`: unpacked, parsed, functions and branches put in place."""

from __future__ import annotations

import gzip
import io
import zlib
from pathlib import Path

from google.protobuf.message import DecodeError
from onnx import ModelProto

from bnnc.ir.diagnostics import ImportFailure, UsageError

from .branches import choose_branches
from .functions import inline_functions
from .graph import Model, wrap_model
from .names import check_texts

# What a compressed file may unpack to. Weights of one bit stored as floats shrink to a 30th.
_ALWAYS = 1 << 28
_FOR_EACH_BYTE = 64
_PART = 1 << 20


def read_model(path: Path) -> Model:
    """Read a binary model, gzipped or not.

    Raises:
        UsageError: The file cannot be read.
        ImportFailure: It is no ONNX model, or is damaged.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error
    if data.startswith(b"\x1f\x8b"):
        data = _unzip(data, path)
    model = ModelProto()
    try:
        model.ParseFromString(data)
    except DecodeError:
        raise ImportFailure(f"{path} is not an ONNX model", hint=_cure(data)) from None
    if not model.graph.node and not model.graph.output:
        raise ImportFailure(f"{path} holds no graph", hint=_cure(data))
    check_texts(model, path)
    model = inline_functions(model, path)
    choose_branches(model.graph)
    return wrap_model(model, path)


def _unzip(data: bytes, path: Path) -> bytes:
    most = max(_ALWAYS, _FOR_EACH_BYTE * len(data))
    plain = bytearray()
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            while len(plain) <= most and (part := stream.read(_PART)):
                plain += part
    except (OSError, EOFError, zlib.error) as error:
        raise ImportFailure(f"{path} is a damaged gzip file: {error}") from None
    if len(plain) > most:
        raise ImportFailure(f"{path} unpacks {len(data)} bytes to more than {most}")
    return bytes(plain)


def _cure(data: bytes) -> str:
    """Guess what a file that is no ONNX model is, and say what to do."""
    if not data:
        return "the file is empty"
    if data.startswith(b"version https://git-lfs"):
        return "this is a git-lfs pointer; fetch the file itself: git lfs pull"
    if data[:4] == b"PK\x03\x04":
        return "this is a zip archive; unpack it, or name it .keras if it is a Keras model"
    if data[:2] == b"\x1f\x8b":
        return "it is packed twice; unpack it once"
    if data[4:8] == b"ORTM":
        return "this is onnxruntime's own format; give the .onnx file that it was made from"
    return "the file may be cut short or damaged; copy or export it again"
