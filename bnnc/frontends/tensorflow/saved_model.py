# SPDX-License-Identifier: Apache-2.0
"""SavedModel folders: TensorFlow itself freezes one signature, then it is a frozen graph.

The only format that needs TensorFlow, since its variables lie in a checkpoint and its functions
take them as arguments.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from bnnc.ir import Module
from bnnc.ir.diagnostics import ImportFailure, UsageError

from ..options import ImportOptions
from .graphdef import parse_graph
from .load import import_graph

_DEFAULT = "serving_default"


def load_folder(path: Path, options: ImportOptions) -> Module:
    """Import the signature ``serving_default`` of a SavedModel, or its only one.

    Args:
        path: The folder, or the saved_model.pb in it.
        options: Names, shapes, batch and fixed inputs.

    Raises:
        UsageError: TensorFlow is not installed, or an option does not fit the model.
        ImportFailure: The folder cannot be loaded, or the graph holds what cannot be imported.
    """
    folder = path.parent if path.name == "saved_model.pb" else path
    graph = parse_graph(_frozen(folder), folder)
    module = import_graph(graph, folder, options)
    module.attrs |= {"producer": "tensorflow", "source": folder.name}
    return module


def _frozen(folder: Path) -> bytes:
    with _quiet():
        tf = _tensorflow()
        try:
            data = _freeze(tf, folder)
        except ImportFailure:
            raise
        except Exception as why:
            # Whatever TensorFlow raises for a damaged folder: it names no common class.
            lines = str(why).splitlines()
            reason = lines[0] if lines else type(why).__name__
            raise ImportFailure(
                f"TensorFlow cannot load the SavedModel {folder}: {reason}",
                hint="export it again: model.export(FOLDER) or tf.saved_model.save",
            ) from None
    return data


def _freeze(tf: Any, folder: Path) -> bytes:
    variables = import_module("tensorflow.python.framework.convert_to_constants")
    try:
        loaded = tf.saved_model.load(str(folder))
    except AttributeError:
        # The state of an optimizer of an older Keras is nothing that a newer one can restore.
        return _freeze_in_session(tf.compat.v1, folder)
    function = _signature(dict(loaded.signatures), folder)
    frozen = variables.convert_variables_to_constants_v2(function)
    data: bytes = frozen.graph.as_graph_def().SerializeToString()
    return data


def _freeze_in_session(v1: Any, folder: Path) -> bytes:
    """As TensorFlow 1 did it: only what the signature needs is restored."""
    with v1.Graph().as_default(), v1.Session() as session:
        meta = v1.saved_model.loader.load(session, ["serve"], str(folder))
        signature = _signature(dict(meta.signature_def), folder)
        outputs = [tensor.name.partition(":")[0] for tensor in signature.outputs.values()]
        frozen = v1.graph_util.convert_variables_to_constants(
            session, session.graph.as_graph_def(), list(dict.fromkeys(outputs))
        )
        data: bytes = frozen.SerializeToString()
    return data


def _tensorflow() -> Any:
    try:
        return import_module("tensorflow")
    except ModuleNotFoundError as why:
        if why.name != "tensorflow":
            raise
        raise UsageError(
            "a SavedModel is read through TensorFlow, which is not installed",
            hint="pip install 'bnnc[tensorflow]', or freeze it elsewhere (docs/freezing.md)",
        ) from None


def _signature(signatures: dict[str, Any], folder: Path) -> Any:
    if _DEFAULT in signatures:
        return signatures[_DEFAULT]
    if len(signatures) == 1:
        return next(iter(signatures.values()))
    found = ", ".join(sorted(signatures)) or "none"
    raise ImportFailure(
        f"{folder} has no signature {_DEFAULT}; it has {found}",
        hint="save it with one: tf.saved_model.save(model, FOLDER, signatures=FUNCTION)",
    )


@contextmanager
def _quiet() -> Generator[None]:
    """Keep TensorFlow's own messages away: it writes to the error stream behind Python's back."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with open(os.devnull, "w") as nowhere:
        kept = os.dup(2)
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
