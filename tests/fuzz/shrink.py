# SPDX-License-Identifier: Apache-2.0
"""Making what fails smaller: networks by operations, files by bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bnnc.ir import Module, Resource, Value
from bnnc.ir.diagnostics import BnncError
from bnnc.ir.verifier import verify
from bnnc.passes import Rewriter

from .damage import Files

_TRIES = 400


def shrunk_network(module: Module, fails: Callable[[Module], bool]) -> Module:
    """The smallest network found that still fails.

    It ends earlier, loses outputs, or operations become one of their operands or a new input.
    """
    tries = _TRIES
    progress = True
    while progress and tries > 0:
        progress = False
        for smaller in _smaller(module):
            tries -= 1
            if tries < 0:
                break
            if _valid(smaller) and fails(smaller):
                module, progress = smaller, True
                break
    return module


def _valid(module: Module) -> bool:
    try:
        verify(module)
    except BnncError:
        return False
    return bool(module.func.results)


def _smaller(module: Module) -> Iterator[Module]:
    yield from _ended_earlier(module)
    count = len(module.func.results)
    for index in range(count if count > 1 else 0):
        copy = module.clone()
        func = copy.func
        del func.output_names[index]
        func.set_results([v for i, v in enumerate(func.results) if i != index])
        yield _pruned(copy)
    for index in reversed(range(len(module.func.ops))):
        op = module.func.ops[index]
        results = [r.type for r in op.results]
        if len(results) != 1 or not results[0].scalar.is_float:
            continue
        for number, operand in enumerate(op.operands):
            if operand.type == results[0]:
                copy = module.clone()
                twin = copy.func.ops[index]
                Rewriter(copy).replace(twin, twin.operands[number])
                yield _pruned(copy)
        if not all(isinstance(v, Resource) or v.owner is None for v in op.operands):
            copy = module.clone()
            fresh = Value(results[0], name=f"in{index}")
            copy.func.args.append(fresh)
            copy.func.input_names.append(f"in{index}")
            Rewriter(copy).replace(copy.func.ops[index], fresh)
            yield _pruned(copy)


def _ended_earlier(module: Module) -> Iterator[Module]:
    """Networks that end at one operation, the first ones first: whatever follows it is gone."""
    for index, op in enumerate(module.func.ops[:-1]):
        if len(op.results) == 1 and op.result.type.scalar.is_float:
            copy = module.clone()
            del copy.func.output_names[1:]
            copy.func.set_results([copy.func.ops[index].result])
            yield _pruned(copy)


def _pruned(module: Module) -> Module:
    """Without what no output needs."""
    Rewriter(module).prune()
    func = module.func
    kept = [i for i, a in enumerate(func.args) if a.uses or len(func.args) == 1]
    func.input_names = [func.input_names[i] for i in kept]
    func.args = [func.args[i] for i in kept]
    return module


def shrunk_files(files: Files, fails: Callable[[Files], bool]) -> Files:
    """Smaller files that still fail: pieces are cut out, from halves down to single bytes."""
    tries = _TRIES
    for name in files:
        size = max(1, len(files[name]) // 2)
        while size >= 1 and tries > 0:
            at = 0
            while at < len(files[name]) and tries > 0:
                tries -= 1
                data = files[name]
                smaller = files | {name: data[:at] + data[at + size :]}
                if fails(smaller):
                    files = smaller
                else:
                    at += size
            size //= 2
    return files
