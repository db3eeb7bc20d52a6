# SPDX-License-Identifier: Apache-2.0
"""What the units of a core allow in a cycle, for cores whose units are documented.

Sources: AMD, Software Optimization Guide for the AMD Zen4 Microarchitecture (57647), and those of
its predecessors; Intel 64 and IA-32 Architectures Optimization Reference Manual; instruction tables
of A. Fog and of uops.info.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Units:
    """Units of a core.

    Attributes:
        words: 64-bit words that are combined, counted and added in a cycle.
        muladd: float lanes that are multiplied and added by two operations.
        fma: float lanes that are multiplied and added by one.
    """

    words: float
    muladd: float
    fma: float


# Four integer units, each of which combines, counts or adds: three operations a word. Two float
# multipliers and two adders of 256 bits (Zen 4 passes 512 bits in two halves), 128 in the first.
_ZEN = Units(4 / 3, 16, 16)
_ZEN_1 = Units(4 / 3, 8, 8)
# One unit counts bits. Two float units of 256 bits multiply or add, of 512 where there is AVX-512.
_INTEL = Units(1, 8, 16)
_INTEL_512 = Units(1, 16, 32)


def units() -> Units | None:
    """The units of this machine's core, None where they are not known."""
    facts = _cpuinfo()
    family, model = int(facts.get("cpu family", 0)), int(facts.get("model", 0))
    vendor, flags = facts.get("vendor_id"), facts.get("flags", "").split()
    if vendor == "AuthenticAMD" and family in (23, 25):
        return _ZEN_1 if family == 23 and model < 0x30 else _ZEN
    if vendor == "GenuineIntel" and family == 6 and "avx2" in flags:
        return _INTEL_512 if "avx512f" in flags else _INTEL
    return None


def bound(name: str) -> float | None:
    """Products in a cycle that the units allow for a loop of this folder, None if not known."""
    found = units()
    if found is None:
        return None
    return {"popcount": 64 * found.words, "muladd": found.muladd, "fma": found.fma}[name]


def cpu_name() -> str:
    """The processor as it names itself."""
    facts = _cpuinfo()
    return facts.get("model name", platform.processor() or platform.machine())


def _cpuinfo() -> dict[str, str]:
    """The first processor of /proc/cpuinfo; nothing where there is no such file."""
    path = Path("/proc/cpuinfo")
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8").split("\n\n")[0].splitlines()
    pairs = (line.partition(":") for line in lines)
    return {key.strip(): value.strip() for key, _, value in pairs}
