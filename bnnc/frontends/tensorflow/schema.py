# SPDX-License-Identifier: Apache-2.0
"""The protocol buffers of a frozen graph, as far as they are read here.

Field numbers and types are those of tensorflow/core/framework/{graph, node_def, attr_value, tensor,
tensor_shape, function, op_def, versions}.proto. Enumerations are declared as the integers that they
are on the wire. The descriptors live in a pool of their own, so that TensorFlow may be imported in
the same process.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message

_PACKAGE = "tensorflow"

# message -> field -> (number, type); "*" repeated, "map" string -> message, Message names as such.
_MESSAGES: dict[str, dict[str, tuple[int, str]]] = {
    "GraphDef": {
        "node": (1, "*NodeDef"),
        "library": (2, "FunctionDefLibrary"),
        "version": (3, "int32"),
        "versions": (4, "VersionDef"),
    },
    "VersionDef": {"producer": (1, "int32"), "min_consumer": (2, "int32")},
    "NodeDef": {
        "name": (1, "string"),
        "op": (2, "string"),
        "input": (3, "*string"),
        "device": (4, "string"),
        "attr": (5, "map AttrValue"),
    },
    "AttrValue": {
        "list": (1, "oneof ListValue"),
        "s": (2, "oneof bytes"),
        "i": (3, "oneof int64"),
        "f": (4, "oneof float"),
        "b": (5, "oneof bool"),
        "type": (6, "oneof int32"),
        "shape": (7, "oneof TensorShapeProto"),
        "tensor": (8, "oneof TensorProto"),
        "placeholder": (9, "oneof string"),
        "func": (10, "oneof NameAttrList"),
    },
    "ListValue": {
        "s": (2, "*bytes"),
        "i": (3, "*int64"),
        "f": (4, "*float"),
        "b": (5, "*bool"),
        "type": (6, "*int32"),
        "shape": (7, "*TensorShapeProto"),
        "tensor": (8, "*TensorProto"),
        "func": (9, "*NameAttrList"),
    },
    "NameAttrList": {"name": (1, "string"), "attr": (2, "map AttrValue")},
    "TensorShapeProto": {"dim": (2, "*Dim"), "unknown_rank": (3, "bool")},
    "Dim": {"size": (1, "int64"), "name": (2, "string")},
    "TensorProto": {
        "dtype": (1, "int32"),
        "tensor_shape": (2, "TensorShapeProto"),
        "version_number": (3, "int32"),
        "tensor_content": (4, "bytes"),
        "float_val": (5, "*float"),
        "double_val": (6, "*double"),
        "int_val": (7, "*int32"),
        "string_val": (8, "*bytes"),
        "int64_val": (10, "*int64"),
        "bool_val": (11, "*bool"),
        "half_val": (13, "*int32"),
        "uint32_val": (16, "*uint32"),
        "uint64_val": (17, "*uint64"),
    },
    "FunctionDefLibrary": {"function": (1, "*FunctionDef")},
    "FunctionDef": {
        "signature": (1, "OpDef"),
        "node_def": (3, "*NodeDef"),
        "ret": (4, "map string"),
        "attr": (5, "map AttrValue"),
    },
    "OpDef": {"name": (1, "string"), "input_arg": (2, "*ArgDef"), "output_arg": (3, "*ArgDef")},
    "ArgDef": {
        "name": (1, "string"),
        "type": (3, "int32"),
        "type_attr": (4, "string"),
        "number_attr": (5, "string"),
        "type_list_attr": (6, "string"),
    },
}

_FIELD = descriptor_pb2.FieldDescriptorProto


def _set_type(field: descriptor_pb2.FieldDescriptorProto, kind: str) -> None:
    if kind in _MESSAGES:
        field.type = _FIELD.TYPE_MESSAGE
        field.type_name = f".{_PACKAGE}.{kind}"
    else:
        field.type = _FIELD.Type.Value(f"TYPE_{kind.upper()}")


def _add_map(message: descriptor_pb2.DescriptorProto, name: str, value: str) -> str:
    """Declare the entry message that a map field is made of; return its full name."""
    entry = message.nested_type.add(name=f"{name.title()}Entry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=_FIELD.TYPE_STRING, label=_FIELD.LABEL_OPTIONAL)
    _set_type(entry.field.add(name="value", number=2, label=_FIELD.LABEL_OPTIONAL), value)
    return f".{_PACKAGE}.{message.name}.{entry.name}"


@cache
def _pool() -> descriptor_pool.DescriptorPool:
    file = descriptor_pb2.FileDescriptorProto(
        name="bnnc/tensorflow_graph.proto", package=_PACKAGE, syntax="proto3"
    )
    for message_name, fields in _MESSAGES.items():
        message = file.message_type.add(name=message_name)
        for name, (number, text) in fields.items():
            repeated = text.startswith(("*", "map "))
            field = message.field.add(
                name=name,
                number=number,
                label=_FIELD.LABEL_REPEATED if repeated else _FIELD.LABEL_OPTIONAL,
            )
            if text.startswith("map "):
                field.type = _FIELD.TYPE_MESSAGE
                field.type_name = _add_map(message, name, text.removeprefix("map "))
                continue
            _set_type(field, text.removeprefix("oneof ").lstrip("*"))
            if text.startswith("oneof "):
                if not message.oneof_decl:
                    message.oneof_decl.add(name="value")
                field.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool


@cache
def message_class(name: str) -> type[Message]:
    """Return the class of a message, e.g. ``GraphDef``."""
    descriptor = _pool().FindMessageTypeByName(f"{_PACKAGE}.{name}")
    found: type[Message] = message_factory.GetMessageClass(descriptor)
    return found


def new(name: str, /, **fields: Any) -> Any:
    """Make a message; its attributes are those of the schema above."""
    return message_class(name)(**fields)
