# SPDX-License-Identifier: Apache-2.0
"""SavedModel folders: TensorFlow itself freezes one signature, then it is a frozen graph.

The only format that needs TensorFlow, since its variables lie in a checkpoint and its functions
take them as arguments.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from bnnc.ir import Module
from bnnc.ir.diagnostics import BnncError, ImportFailure, UsageError, did_you_mean

from ..options import ImportOptions
from .graphdef import parse_graph
from .load import import_graph

_DEFAULT = "serving_default"


def load_folder(path: Path, options: ImportOptions) -> Module:
    """Import a signature of a SavedModel: that of the options, ``serving_default`` or the only one.

    Args:
        path: The folder, or the saved_model.pb in it.
        options: Names, shapes, batch and fixed inputs; outputs go by their names in the signature.

    Raises:
        UsageError: TensorFlow is not installed, or an option does not fit the model; there is no
            such signature, or several to choose from.
        ImportFailure: The folder cannot be loaded, or the graph holds what cannot be imported.
    """
    folder = path.parent if path.name == "saved_model.pb" else path
    frozen = _frozen(folder, options.signature)
    wanted = options.output_names or tuple(frozen.outputs)
    names = tuple(frozen.outputs.get(name, name) for name in wanted)
    graph = parse_graph(frozen.graph, folder)
    module = import_graph(graph, folder, replace(options, output_names=names))
    module.func.output_names = [name.removesuffix(":0") for name in wanted]
    module.attrs |= {"producer": "tensorflow", "source": folder.name}
    return module


@dataclass(frozen=True)
class _Frozen:
    """A serialized GraphDef, and its tensors by the names that the signature gives its outputs."""

    graph: bytes
    outputs: dict[str, str]


def _frozen(folder: Path, signature: str) -> _Frozen:
    with _quiet():
        tf = _tensorflow()
        try:
            return _freeze(tf, folder, signature)
        except BnncError:
            raise
        except Exception as why:
            # Whatever TensorFlow raises for a damaged folder: it names no common class.
            lines = str(why).splitlines()
            reason = lines[0] if lines else type(why).__name__
            raise ImportFailure(
                f"TensorFlow cannot load the SavedModel {folder}: {reason}",
                hint="export it again: model.export(FOLDER) or tf.saved_model.save",
            ) from None


def _freeze(tf: Any, folder: Path, name: str) -> _Frozen:
    variables = import_module("tensorflow.python.framework.convert_to_constants")
    try:
        loaded = tf.saved_model.load(str(folder))
    except AttributeError:
        # The state of an optimizer of an older Keras is nothing that a newer one can restore.
        return _freeze_in_session(tf.compat.v1, folder, name)
    function = _signature(dict(loaded.signatures), folder, name)
    frozen = variables.convert_variables_to_constants_v2(function)
    # Both are in the order of the names.
    outputs = zip(sorted(function.structured_outputs), frozen.outputs, strict=True)
    return _Frozen(
        frozen.graph.as_graph_def().SerializeToString(),
        {key: tensor.name for key, tensor in outputs},
    )


def _freeze_in_session(v1: Any, folder: Path, name: str) -> _Frozen:
    """As TensorFlow 1 did it: only what the signature needs is restored."""
    with v1.Graph().as_default(), v1.Session() as session:
        meta = v1.saved_model.loader.load(session, ["serve"], str(folder))
        signature = _signature(dict(meta.signature_def), folder, name)
        outputs = {key: signature.outputs[key].name for key in sorted(signature.outputs)}
        nodes = [tensor.partition(":")[0] for tensor in outputs.values()]
        frozen = v1.graph_util.convert_variables_to_constants(
            session, session.graph.as_graph_def(), list(dict.fromkeys(nodes))
        )
        return _Frozen(frozen.SerializeToString(), outputs)


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


def _signature(signatures: dict[str, Any], folder: Path, name: str) -> Any:
    # Names that begin so are TensorFlow's own, for what runs when a model is loaded.
    own = {key: value for key, value in signatures.items() if not key.startswith("__")}
    if not own:
        raise ImportFailure(
            f"{folder} has no signature",
            hint="save it with one: tf.saved_model.save(model, FOLDER, signatures=FUNCTION)",
        )
    found = ", ".join(sorted(own))
    if name and name not in own:
        raise UsageError(f"--signature {name}: {folder} has {found}", hint=did_you_mean(name, own))
    if name or _DEFAULT in own:
        return own[name or _DEFAULT]
    if len(own) == 1:
        return next(iter(own.values()))
    raise UsageError(
        f"{folder} has several signatures: {found}", hint="choose one: --signature NAME"
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
