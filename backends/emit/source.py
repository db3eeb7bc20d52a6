# SPDX-License-Identifier: Apache-2.0
"""NAME.h and NAME.c: the C API, and a flat list of kernel calls with constant parameters."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass

from bnnc.ir import Value
from bnnc.ir.types import format_f32

from ..params import nbytes_of
from ..weights import MODEL_ID_BYTES, FilePlan
from . import c_text
from .parallel import Split, render_job, render_part, render_split_call, split_of
from .program import Pointers, Program, Step, c_type
from .templates import fill

# Scalars round products and sums separately and keep denormals, on every target: kernels that do
# otherwise ask for it by name, in code that is compiled without contraction like all other. Vectors
# that flush are asked for themselves.
_VECTORS_FLUSH = """ ||
        BNNC_SYM(vector_float_mode)() != BNNC_FLOAT_FTZ"""


@dataclass(frozen=True)
class Source:
    """The texts of NAME.h and NAME.c, and the id that binds the weight file to them."""

    header: str
    code: str
    model_id: bytes


_PARALLEL_FIELD = """\
    const bnnc_parallel *parallel; /* NULL: one thread */
"""
_PARALLEL_API = """\
/* Run layers in parts by a parallel-for of the caller's, which must outlive the context. NULL,
 * which {name}_init sets, runs them in the thread that calls {name}_run. Results are the same. */
void {name}_set_parallel({name}_ctx *ctx, const bnnc_parallel *parallel);

"""
_SET_PARALLEL = """
void {name}_set_parallel({name}_ctx *ctx, const bnnc_parallel *parallel) {{
    ctx->parallel = parallel;
}}
"""


def render(
    program: Program, plan: FilePlan, version: str, *, embed: bool, threads: bool = False
) -> Source:
    """Write header and code of a program whose weight file is laid out as planned."""
    module, target = program.module, program.target
    pointers = Pointers(program, plan.offsets)
    splits = {s.index: found for s in program.steps if threads and (found := split_of(s))}
    params = "\n\n".join(t for s in program.steps if (t := _params(s)))
    steps = [_step(s, pointers, splits.get(s.index)) for s in program.steps]
    calls = "\n".join([*steps, *_copies(program, pointers)])
    digest = hashlib.sha256()
    for part in (module.name, target.name, params, calls):
        digest.update(part.encode() + b"\0")
    digest.update(plan.table)
    model_id = digest.digest()[:MODEL_ID_BYTES]
    shared: dict[str, str | int] = {
        "name": module.name,
        "target": target.name,
        "version": version,
        "weights_bytes": plan.file_bytes,
        "parameters": _parameters(program),
    }
    ends = [*_buffers(program)]
    header = fill(
        "model.h",
        **shared,
        align=target.align,
        arena_bytes=program.arena_bytes,
        sizes="\n".join(line for b, v, _ in ends for line in _macros(module.name, b, v)),
        embedded=_embedded(module.name, plan) if embed else "",
        parallel_include='#include "bnnc/parallel.h"\n' if threads else "",
        parallel_field=_PARALLEL_FIELD if threads else "",
        parallel_api=_PARALLEL_API.format(name=module.name) if threads else "",
        signature="\n".join(
            f" * {b}: '{c_text.comment(n)}', {c_type(v)}{list(v.shape)}{_meaning(v)}"
            for b, v, n in ends
        ),
    )
    code = fill(
        "model.c",
        **shared,
        model_id=", ".join(f"0x{b:02x}" for b in model_id),
        target_id=zlib.crc32(target.name.encode()),
        vectors_flush=_VECTORS_FLUSH if program.flushes else "",
        params="\n\n".join([params, *_parts(program, splits, pointers)]),
        parts_include='#include "bnnc/parts.h"\n' if threads else "",
        parallel_init="    ctx->parallel = NULL;\n" if threads else "",
        set_parallel=_SET_PARALLEL.format(name=module.name) if threads else "",
        job=_job(program) if splits else "",
        null_checks=" || ".join(f"{b} == NULL" for b, _, _ in ends),
        calls=calls,
    )
    return Source(header, code, model_id)


def _parts(program: Program, splits: dict[int, Split], pointers: Pointers) -> list[str]:
    """The functions of layers that are run in parts, behind the struct that all of them read."""
    found = [
        render_part(s, splits[s.index], pointers, _name(s, 0))
        for s in program.steps
        if s.index in splits
    ]
    return [render_job(program), *found] if found else []


def _job(program: Program) -> str:
    names = [name for name, _, _ in _buffers(program)]
    return f"\n    const job all = {{{', '.join(['w', 'a', *names])}}};"


def _buffers(program: Program) -> list[tuple[str, Value, str]]:
    """(C name, value, public name) of every input, then of every output."""
    func = program.module.func
    ins = zip(func.args, func.input_names, strict=True)
    outs = zip(func.results, func.output_names, strict=True)
    found = [(f"in{i}", v, n) for i, (v, n) in enumerate(ins)]
    return found + [(f"out{i}", v, n) for i, (v, n) in enumerate(outs)]


def _parameters(program: Program) -> str:
    items = [f"{program.module.name}_ctx *ctx"]
    for name, value, _ in _buffers(program):
        const = "const " if name.startswith("in") else ""
        items.append(f"{const}{c_type(value)} *{name}")
    return ", ".join(items)


def _macros(model: str, buffer: str, value: Value) -> list[str]:
    """Size and shape of a buffer, and what its bytes stand for."""
    name = f"{model}_{buffer.upper()}"
    quant = value.type.quant
    shape = c_text.field(value.shape or (1,))  # C has no empty initializer
    found = [f"#define {name}_BYTES {nbytes_of(value.type)}"]
    found += [f"#define {name}_RANK {value.type.rank}", f"#define {name}_SHAPE {shape}"]
    if quant is not None and isinstance(quant.scale, float):
        found.append(f"#define {name}_SCALE {c_text.number(quant.scale)}")
        found.append(f"#define {name}_ZERO ({quant.zero})")
    return found


def _meaning(value: Value) -> str:
    """How a buffer of bytes is read, for those who give and take it."""
    name, quant = value.type.scalar.name, value.type.quant
    if c_type(value) != "uint8_t" or (name == "u8" and quant is None):
        return ""
    if quant is None:
        return f", holds {name}"
    return f", holds {name} q for (q - {quant.zero}) * {format_f32(float(quant.scale))}"


def _embedded(name: str, plan: FilePlan) -> str:
    words = -(-plan.file_bytes // 8)
    return (
        f"\n/* The weights, to be given to {name}_init. */\n"
        f"extern const uint64_t {name}_weights[{words}];\n"
    )


def _params(step: Step) -> str:
    texts: list[str] = []
    for number, call in enumerate(step.calls):
        body = c_text.initializer(call.fields)
        texts.append(
            f"static const bnnc_{call.kernel.params} {_name(step, number)} = {{\n{body}}};"
        )
    return "\n".join(texts)


def _name(step: Step, number: int) -> str:
    return f"p{step.index}" if len(step.calls) == 1 else f"p{step.index}_{number}"


def _step(step: Step, pointers: Pointers, split: Split | None) -> str:
    """The calls of one operation, headed by the layer's name and shape, then the trace hook."""
    types = ", ".join(str(r.type) for r in step.op.results)
    what = step.op.NAME if step.calls else f"{step.op.NAME}, an alias"
    lines = [f"    /* {step.index} {c_text.comment(f'{step.op.loc.name}: {what} -> {types}')} */"]
    if split is not None:
        lines.append(render_split_call(step, split))
    for number, call in enumerate(step.calls if split is None else ()):
        arguments = [f"&{_name(step, number)}"]
        arguments += [pointers.of(v) for v in (*call.operands, call.result)]
        lines.append(c_text.call(f"BNNC_SYM({call.kernel.symbol})", arguments, "    "))
    for result in step.op.results:
        arguments = [f"{step.index}u", pointers.of(result), str(nbytes_of(result.type))]
        lines.append(c_text.call("BNNC_TRACE", arguments, "    "))
    return "\n".join(lines)


def _copies(program: Program, pointers: Pointers) -> list[str]:
    return [
        c_text.call("memcpy", [f"out{i}", pointers.of(v), str(nbytes_of(v.type))], "    ")
        for i, v in program.copies
    ]
