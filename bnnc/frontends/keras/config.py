# SPDX-License-Identifier: Apache-2.0
"""A model's configuration: layers, and which tensors each call of them reads.

Keras 2 writes a call as ``[[layer, node, tensor, kwargs], ...]``, Keras 3 as ``{args, kwargs}``
with tensors as ``__keras_tensor__`` objects whose history names the same three things.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TypeAlias

from .damage import damaged
from .values import as_mapping, as_tuple

Json: TypeAlias = object
MODELS = ("Functional", "Sequential", "Model")
OPERATION = "ops."
"""Stands in front of the class of a function of ``keras.ops`` in a functional model."""

INDEXED = f"{OPERATION}GetItem"
"""The class of ``x[index]``."""

_DEEPEST = 16


@dataclass(frozen=True)
class Ref:
    """The tensor that a call of a layer gives."""

    layer: str
    node: int
    tensor: int


Argument: TypeAlias = object
"""A `Ref`, or a constant as the configuration has it."""


@dataclass(frozen=True)
class Call:
    """What one call of a layer is given, lists flattened."""

    args: tuple[Argument, ...]
    kwargs: Mapping[str, Argument] = field(default_factory=dict[str, Argument])


@dataclass(frozen=True)
class Layer:
    """A layer and its calls in order.

    Attributes:
        name: Unique in its model.
        kind: The class, with the package in front when it is registered under one.
        config: Its options.
        slot: Its place among the layers of its class: ``conv2d``, ``conv2d_1``.
        calls: One for each time that it is called.
        model: The model that it is, or None.
        first_call: The number of its first call: a nested model may count its own construction.
    """

    name: str
    kind: str
    config: Mapping[str, Json]
    slot: str
    calls: tuple[Call, ...]
    model: Model | None = None
    first_call: int = 0


@dataclass(frozen=True)
class Model:
    """Layers by name, and the tensors that go in and come out."""

    name: str
    layers: Mapping[str, Layer]
    inputs: tuple[Ref, ...]
    outputs: tuple[Ref, ...]


def read_model(config: Mapping[str, Json], depth: int = 0) -> Model:
    """Read the configuration of a model.

    Raises:
        ImportFailure: It is damaged, nested too deeply, or of a class of the user's own.
    """
    if depth > _DEEPEST:
        raise damaged(f"models are nested more than {_DEEPEST} deep")
    kind = _kind(config)
    if kind not in MODELS:
        raise damaged(
            f"the model is a {kind}, whose code is not in the file",
            "model.export() it as SavedModel, or freeze it (docs/freezing.md)",
        )
    inner = config.get("config")
    # A Sequential of early Keras 2 is the bare list of its layers.
    bare = as_tuple(inner)
    options = _mapping(inner, kind) if bare is None else {"layers": list(bare)}
    entries = [_mapping(entry, "layer") for entry in _list(options.get("layers"), "layers")]
    counts: dict[str, int] = {}
    layers: dict[str, Layer] = {}
    for entry in entries:
        layer = _layer(entry, counts, depth)
        if layer.name in layers:
            raise damaged(f"two layers are called '{layer.name}'")
        layers[layer.name] = layer
    if not layers:
        raise damaged("the model has no layers")
    name = str(options.get("name", kind.lower()))
    if kind == "Sequential":
        return _chain(name, list(layers.values()), options)
    inputs = _refs(options.get("input_layers"))
    outputs = _refs(options.get("output_layers"))
    if not inputs or not outputs:
        raise damaged(f"model '{name}' has no inputs or no outputs")
    _number_calls(layers, outputs)
    return Model(name, layers, inputs, outputs)


def _number_calls(layers: dict[str, Layer], outputs: Sequence[Ref]) -> None:
    """Find what nested models count from: the lowest number that anybody reads."""
    lowest: dict[str, int] = {}
    calls = [call for layer in layers.values() for call in layer.calls]
    read = [v for call in calls for v in (*call.args, *call.kwargs.values())]
    for ref in (*outputs, *read):
        if isinstance(ref, Ref):
            lowest[ref.layer] = min(ref.node, lowest.get(ref.layer, ref.node))
    for name, layer in layers.items():
        if layer.model is not None:
            layers[name] = replace(layer, first_call=lowest.get(name, 0))


def _chain(name: str, layers: Sequence[Layer], options: Mapping[str, Json]) -> Model:
    """The layers one after the other; in front an InputLayer, made where none is written."""
    first = layers[0]
    if first.kind != "InputLayer":
        given = first.model.layers[first.model.inputs[0].layer] if first.model else first
        shape = next(
            (
                c[key]
                for c in (given.config, options)
                for key in ("batch_input_shape", "batch_shape", "build_input_shape")
                if key in c
            ),
            None,
        )
        config = {"batch_input_shape": shape, "dtype": "float32"}
        label = f"{first.name}_input"
        layers = [Layer(label, "InputLayer", config, label, ()), *layers]
    chained = {layers[0].name: layers[0]}
    for before, layer in pairwise(layers):
        call = Call((Ref(before.name, 0, 0),))
        chained[layer.name] = replace(layer, calls=(call,))
    return Model(name, chained, (Ref(layers[0].name, 0, 0),), (Ref(layers[-1].name, 0, 0),))


def _layer(entry: Mapping[str, Json], counts: dict[str, int], depth: int) -> Layer:
    kind = _kind(entry)
    options = _mapping(entry.get("config"), f"layer of class {kind}", empty=kind in MODELS)
    name = entry.get("name", options.get("name"))
    if not isinstance(name, str) or not name:
        raise damaged(f"a {kind} has no name")
    slot = _snake_case(kind.rpartition(">")[2])
    # Operations on tensors are no layers: they have no place among the weights.
    if not kind.startswith(OPERATION):
        number = counts.get(slot, 0)
        counts[slot] = number + 1
        slot = f"{slot}_{number}" if number else slot
    calls = tuple(_call(call) for call in _calls(entry.get("inbound_nodes")))
    model = read_model(entry, depth + 1) if kind in MODELS else None
    return Layer(name, kind, options, slot, calls, model)


def _kind(entry: Mapping[str, Json]) -> str:
    """The class; functions and the user's own are told apart by what stands in front."""
    name = entry.get("class_name")
    if not isinstance(name, str) or not name:
        raise damaged("a layer has no class_name")
    if _is_operation(entry, name):
        return f"{OPERATION}{name}"
    registered = entry.get("registered_name")
    if isinstance(registered, str) and ">" in registered:
        return registered
    module = entry.get("module", "keras")
    top = str(module or "").partition(".")[0]
    return name if top in ("keras", "tf_keras", "tensorflow", "larq") else f"Custom>{name}"


def _is_operation(entry: Mapping[str, Json], name: str) -> bool:
    """Whether it is a function of ``keras.ops``: its module, or in .h5 what it has not, says so."""
    if "module" in entry:
        return str(entry["module"] or "").startswith("keras.src.ops")
    calls = [as_mapping(call) for call in as_tuple(entry.get("inbound_nodes")) or ()]
    if name in (*MODELS, "InputLayer") or None in calls or not calls:
        return False
    return "trainable" not in (as_mapping(entry.get("config")) or {})


def _calls(nodes: Json) -> list[Json]:
    """The calls; those of a function are written one level flatter."""
    return _list(nodes, "inbound_nodes") if nodes else []


def _call(call: Json) -> Call:
    new = as_mapping(call)
    if new is not None:
        named = _mapping(new.get("kwargs", {}), "call", empty=True)
        flat = _flat(new.get("args", []))
        return Call(tuple(flat), {k: _argument(v) for k, v in named.items()})
    entries = _list(call, "inbound_nodes")
    if entries and isinstance(entries[0], str):
        entries = [entries]
    args: list[Argument] = []
    kwargs: dict[str, Argument] = {}
    for entry in entries:
        parts = _list(entry, "call")
        args.append(_argument(parts[:3]))
        if len(parts) > 3:
            options = _mapping(parts[3], "call", empty=True)
            kwargs |= {k: _argument(v) for k, v in options.items()}
    return Call(tuple(args), kwargs)


def _flat(value: Json, depth: int = 0) -> list[Argument]:
    found = _argument(value)
    items = as_tuple(found)
    if items is None or depth >= _DEEPEST:
        return [found]
    return [one for item in items for one in _flat(item, depth + 1)]


def _argument(value: Json) -> Argument:
    """A reference to a tensor in either spelling, or the value itself."""
    options, parts = as_mapping(value), as_tuple(value)
    if options is not None and options.get("class_name") == "__keras_tensor__":
        return _ref(_mapping(options.get("config"), "tensor").get("keras_history"))
    if parts is not None and len(parts) == 3 and type(parts[1]) is int:
        if parts[0] == "_CONSTANT_VALUE":
            return parts[2]
        if isinstance(parts[0], str):
            return _ref(value)
    return value


def _ref(value: Json) -> Ref:
    parts = _list(value, "reference")
    if len(parts) < 3 or not isinstance(parts[0], str):
        raise damaged(f"a reference to a tensor reads {str(value)[:60]}")
    node, tensor = parts[1:3]
    if type(node) is not int or type(tensor) is not int:
        raise damaged(f"a reference to a tensor reads {str(value)[:60]}")
    return Ref(parts[0], node, tensor)


def _refs(value: Json) -> tuple[Ref, ...]:
    """One reference, or lists or names of them."""
    named = as_mapping(value)
    parts = _list(value, "list of tensors") if named is None else list(named.values())
    if parts and isinstance(parts[0], str):
        return (_ref(parts),)
    return tuple(_ref(part) for part in parts)


def _list(value: Json, what: str) -> list[Json]:
    found = as_tuple(value)
    if found is None:
        raise damaged(f"the configuration has {str(value)[:60]} for {what}")
    return list(found)


def _mapping(value: Json, what: str, *, empty: bool = False) -> Mapping[str, Json]:
    found = as_mapping(value)
    if found is not None or empty:
        return found or {}
    raise damaged(f"the configuration has {str(value)[:60]} for {what}")


def _snake_case(name: str) -> str:
    """As Keras names what it saves: ``QuantConv2D`` is ``quant_conv2d``."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
