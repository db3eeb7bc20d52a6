# SPDX-License-Identifier: Apache-2.0
"""From the syntax tree to a module: looks up names, checks types, and goes on after errors.

After an error the results of a statement still exist, with their declared types, so that one
mistake gives one message.
"""

from __future__ import annotations

import re
from typing import cast

from lark import Token

from ..diagnostics import Diagnostic, IRError
from ..layouts import layout_of
from ..module import Module, Stage
from ..spelling import unquoted
from ..types import Quant, Scalar, TensorType
from ..value import Resource
from .attribute_reader import BadValue, read_attribute, read_float32, read_int, read_string
from .blobs import Blobs
from .constants import INLINE_BYTES, numbers_to_array
from .printer import VERSION
from .source import Source
from .syntax import AttrNode, Initialiser, ModuleNode, TypeNode

_DIMS = re.compile(r"(?:[0-9]+x)*")


def build_module(tree: ModuleNode, source: Source, blobs: Blobs) -> Module:
    """Make the module that a syntax tree describes.

    Raises:
        IRError: with all errors that were found.
    """
    from .function_builder import FunctionBuilder

    builder = Builder(source)
    module = builder.header(tree)
    for node in tree.resources:
        symbol = builder.symbol(node.symbol)
        if symbol in module.resources:
            builder.error(node.symbol, f"symbol {node.symbol} is defined twice")
        type_ = builder.type(node.type)
        if type_ is None:
            builder.poison.add(symbol)
        elif (resource := builder.resource(symbol, type_, node.value, blobs)) is not None:
            module.resources[symbol] = resource
        else:
            builder.poison.add(symbol)
    if len(tree.funcs) != 1:
        extra = tree.funcs[1].name if tree.funcs else tree.name
        builder.error(extra, f"a module has exactly one function, this one has {len(tree.funcs)}")
    else:
        module.func = FunctionBuilder(builder, module, tree.funcs[0]).build()
    builder.raise_errors()
    return module


class Builder:
    """Reads the parts that are not statements, and collects the errors of all."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.diagnostics: list[Diagnostic] = []
        self.poison: set[str] = set()
        self._types: dict[tuple[str, ...], TensorType] = {}

    def error(self, token: Token, message: str, hint: str = "") -> None:
        """Note an error at a token."""
        self.diagnostics.append(self.source.error(token.start_pos or 0, len(token), message, hint))

    def error_of(self, token: Token, error: IRError | BadValue) -> None:
        """Note an error that something below raised."""
        if isinstance(error, BadValue) and error.token.start_pos is not None:
            token = error.token
        self.error(token, error.message, error.hint)

    def raise_errors(self) -> None:
        """Raise what was noted."""
        if self.diagnostics:
            ordered = sorted(
                self.diagnostics, key=lambda d: (d.span.line, d.span.column) if d.span else (0, 0)
            )
            raise IRError(f"{self.source.filename} has errors", diagnostics=ordered)

    def header(self, tree: ModuleNode) -> Module:
        """Version, name, stage and attributes."""
        if tree.version is not None and tree.version != str(VERSION):
            self.error(
                tree.version,
                f"version {tree.version} of the text is unknown",
                f"this bnnc reads version {VERSION}",
            )
        module = Module(self.symbol(tree.name))
        for name, node in self.distinct(tree.attrs):
            try:
                value = True if node.value is None else read_attribute(node.value)
                if name == "stage":
                    module.stage = Stage.named(str(value))
                elif value is not None:
                    module.attrs[name] = value
            except (BadValue, IRError) as error:
                self.error_of(cast("Token", node.value or node.name), error)
        return module

    def distinct(self, attrs: list[AttrNode]) -> list[tuple[str, AttrNode]]:
        """Attributes by name; a second one of a name is an error."""
        found: dict[str, AttrNode] = {}
        for node in attrs:
            if node.name in found:
                self.error(node.name, f"attribute '{node.name}' is given twice")
            found[str(node.name)] = node
        return list(found.items())

    def symbol(self, token: Token) -> str:
        """The name of a symbol token."""
        if not token.startswith('@"'):
            return str(token[1:])
        try:
            return unquoted(token[1:])
        except ValueError:
            self.error(token, "unknown escape in a symbol")
            return str(token)

    def string(self, token: Token) -> str:
        """The string of a token."""
        try:
            return read_string(token)
        except BadValue as error:
            self.error_of(token, error)
            return str(token)

    def type(self, node: TypeNode) -> TensorType | None:
        """The type of a node; None after an error."""
        key = tuple(map(str, (node.shape, node.layout, node.quant)))
        found = self._types.get(key)
        if found is not None:
            return found
        token = node.shape
        try:
            dims = _DIMS.match(node.shape)
            count = dims.end() if dims else 0
            shape = tuple(read_int(Token("INT", d)) for d in node.shape[:count].split("x")[:-1])
            type_ = TensorType(shape, Scalar(node.shape[count:]), None, self._quant(node))
            if node.layout is not None:
                token = node.layout
                type_ = type_.with_layout(node.layout[1:])
                layout_of(type_)
        except IRError as error:
            self.error_of(token, error)
            return None
        except BadValue as error:
            self.error_of(token, error)
            return None
        self._types[key] = type_
        return type_

    def _quant(self, node: TypeNode) -> Quant | None:
        if node.quant is None:
            return None
        scale, zero = node.quant
        return Quant(
            self.symbol(scale) if scale.type == "SYMBOL" else read_float32(scale),
            self.symbol(zero) if zero.type == "SYMBOL" else read_int(zero),
        )

    def resource(
        self, symbol: str, type_: TensorType, value: Initialiser, blobs: Blobs
    ) -> Resource | None:
        """The resource of an initialiser; None after an error."""
        token = value.word
        try:
            if value.word == "blob":
                link, *key = map(self.string, value.items)
                return blobs.resource(symbol, type_, link, key[0] if key else None)
            return self._inline(symbol, type_, value)
        except (IRError, BadValue) as error:
            self.error_of(token, error)
        except OverflowError:
            self.error(token, f"a number is beyond {type_.scalar}")
        return None

    def _inline(self, symbol: str, type_: TensorType, value: Initialiser) -> Resource:
        if value.word == "dense" and len(value.items) != type_.size:
            raise IRError(f"{type_} has {type_.size} elements, found {len(value.items)}")
        if type_.size * type_.dtype.itemsize > INLINE_BYTES:
            raise IRError(f"{type_} is too large for inline data", hint="use a blob")
        numbers: list[float | int] = []
        for item in value.items:
            if type_.scalar.is_float:
                numbers.append(read_float32(item))
            elif item.type == "INT":
                numbers.append(read_int(item))
            else:
                raise BadValue(item, f"{type_.scalar} takes integers, found {item}")
        array = numbers_to_array(numbers, type_)
        if not type_.scalar.admits(array):
            raise IRError(f"@{symbol} holds values that {type_.scalar} does not have")
        return Resource.of(symbol, array, type_)
