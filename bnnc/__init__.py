# SPDX-License-Identifier: Apache-2.0
"""bnnc, a compiler for networks with 1-bit weights and activations.

The public names below are loaded on first use, so that ``import bnnc``, which every
sub-package runs, costs nothing and can take part in no import cycle.
"""

from pathlib import Path as _Path

# In a checkout the sub-packages lie beside this folder; an installed wheel has them inside it.
_here = _Path(__file__).resolve().parent
if not (_here / "ir").is_dir() and (_here.parent / "ir").is_dir():
    __path__.append(str(_here.parent))

from importlib import import_module as _import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bnnc.driver import Compiled, compile, explain, interpret, load, parse, verify
    from bnnc.ir import Module
    from bnnc.ir.diagnostics import BnncError
    from bnnc.passes import Pass, Rewriter, pattern

__version__ = "0.1.0"

__all__ = [
    "BnncError",
    "Compiled",
    "Module",
    "Pass",
    "Rewriter",
    "__version__",
    "compile",
    "explain",
    "interpret",
    "load",
    "parse",
    "pattern",
    "verify",
]

_HOME = {
    "BnncError": "bnnc.ir.diagnostics",
    "Compiled": "bnnc.driver",
    "Module": "bnnc.ir",
    "Pass": "bnnc.passes",
    "Rewriter": "bnnc.passes",
    "compile": "bnnc.driver",
    "explain": "bnnc.driver",
    "interpret": "bnnc.driver",
    "load": "bnnc.driver",
    "parse": "bnnc.driver",
    "pattern": "bnnc.passes",
    "verify": "bnnc.driver",
}


def __getattr__(name: str) -> object:
    """Load a public name from the module that defines it (PEP 562)."""
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(_import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, those not yet loaded too."""
    return sorted({*globals(), *__all__})
