# SPDX-License-Identifier: Apache-2.0
"""The syntax tree of IR text, and Lark's part in making it.

Nodes hold Lark's tokens: strings that know their kind (`Token.type`) and offset. Nothing is
looked up or checked here; that is `bnnc.ir.text.builder`'s business.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, NamedTuple, TypeAlias, cast

from lark import Lark, Token, Transformer


class ListNode(NamedTuple):
    """``[a, b]``, with the bracket that opens it."""

    items: list[ValueNode]
    bracket: Token


ValueNode: TypeAlias = Token | ListNode


class AttrNode(NamedTuple):
    """``name = value``, or ``name`` alone for a flag that is set."""

    name: Token
    value: ValueNode | None


class TypeNode(NamedTuple):
    """``tensor<1x8xbit, #layout, q(scale, zero)>``."""

    shape: Token
    layout: Token | None
    quant: tuple[Token, Token] | None


class LocNode(NamedTuple):
    """``loc("a", "b" : "Conv2D")``."""

    names: list[Token]
    op: Token | None


class OpNode(NamedTuple):
    """One statement of a function."""

    results: list[Token]
    name: Token
    operands: list[Token]
    attrs: list[AttrNode]
    types: list[TypeNode]
    loc: LocNode | None


class Initialiser(NamedTuple):
    """``blob("sha256:...", "key")``, ``splat(v)`` or ``dense([...])``: its word and arguments."""

    word: Token
    items: list[Token]


class ResourceNode(NamedTuple):
    """``resource @symbol : type = initialiser``."""

    symbol: Token
    type: TypeNode
    value: Initialiser


class ParamNode(NamedTuple):
    """``%name : type``."""

    name: Token
    type: TypeNode


class FuncNode(NamedTuple):
    """A function."""

    name: Token
    params: list[ParamNode]
    types: list[TypeNode]
    attrs: list[AttrNode]
    ops: list[OpNode]


@dataclass(frozen=True)
class ModuleNode:
    """A whole text."""

    version: Token | None
    name: Token
    attrs: list[AttrNode]
    resources: list[ResourceNode]
    funcs: list[FuncNode]


def _tokens(children: list[object]) -> list[Token]:
    """The children that are there, all of them tokens."""
    return [cast("Token", c) for c in children if c is not None]


def _there(children: list[object]) -> list[object]:
    return [c for c in children if c is not None]


class _BlockAttrs(NamedTuple):
    attrs: list[AttrNode]


class _Types(NamedTuple):
    types: list[TypeNode]


def _attrs(children: list[object]) -> list[AttrNode]:
    """The attributes in front of a block, which need not be there."""
    return [a for c in children if isinstance(c, _BlockAttrs) for a in c.attrs]


def _initialiser(children: list[object]) -> Initialiser:
    word, *items = _tokens(children)
    return Initialiser(word, items)


class _Nodes(Transformer[Token, object]):
    """Makes nodes while Lark parses, so that no tree of Lark's own is ever kept.

    Each method has a rule's name and gets its children; optional ones that are missing are None.
    """

    def start(self, children: list[object]) -> object:
        version, module = children
        name, *rest = cast("list[object]", module)
        return ModuleNode(
            cast("Token | None", version),
            cast("Token", name),
            _attrs(rest),
            [r for r in rest if isinstance(r, ResourceNode)],
            [f for f in rest if isinstance(f, FuncNode)],
        )

    def header(self, children: list[object]) -> object:
        return children[0]

    def module(self, children: list[object]) -> object:
        return children

    def resource(self, children: list[object]) -> object:
        return ResourceNode._make(children)

    def blob(self, children: list[object]) -> object:
        return _initialiser(children)

    def splat(self, children: list[object]) -> object:
        return _initialiser(children)

    def dense(self, children: list[object]) -> object:
        return _initialiser(children)

    def func(self, children: list[object]) -> object:
        return FuncNode(
            cast("Token", children[0]),
            [c for c in children if isinstance(c, ParamNode)],
            [t for c in children if isinstance(c, _Types) for t in c.types],
            _attrs(children),
            [c for c in children if isinstance(c, OpNode)],
        )

    def param(self, children: list[object]) -> object:
        return ParamNode._make(children)

    def op(self, children: list[object]) -> object:
        return OpNode._make(children)

    def results(self, children: list[object]) -> object:
        return _tokens(children)

    def operands(self, children: list[object]) -> object:
        return _tokens(children)

    def op_types(self, children: list[object]) -> object:
        return _there(children)

    def types(self, children: list[object]) -> object:
        return _Types(cast("list[TypeNode]", _there(children)))

    def attrs(self, children: list[object]) -> object:
        return _there(children)

    def block_attrs(self, children: list[object]) -> object:
        return _BlockAttrs(cast("list[AttrNode]", children))

    def loc(self, children: list[object]) -> object:
        *names, op = children
        return LocNode(_tokens(names), cast("Token | None", op))

    def loc_op(self, children: list[object]) -> object:
        return children[0]

    def type(self, children: list[object]) -> object:
        return TypeNode._make(children)

    def quant(self, children: list[object]) -> object:
        return tuple(children)

    def attr(self, children: list[object]) -> object:
        return AttrNode._make(children)

    def list(self, children: list[object]) -> object:
        bracket, *items = children
        return ListNode(cast("list[ValueNode]", _there(items)), cast("Token", bracket))


@cache
def _lark() -> Lark:
    grammar = resources.files("bnnc.ir.text").joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(
        grammar, parser="lalr", lexer="contextual", transformer=_Nodes(), maybe_placeholders=True
    )


def parse_syntax(text: str) -> ModuleNode:
    """Parse a text to its syntax tree.

    Raises:
        lark.UnexpectedInput: at the first syntax error.
    """
    lark: Any = _lark()  # its `parse` claims to return a tree; here it is what `_Nodes.start` made
    return cast("ModuleNode", lark.parse(text))
