# SPDX-License-Identifier: Apache-2.0
"""The numpy interpreter: what every operation means, bit for bit.

Each float32 operation of the IR is performed in its order and rounded once; generated code must
give the same bits. Values are logical arrays: bits and ternary weights are int8, whatever their
layout.
"""

# Importing a family enters its operations in the table.
from . import bits as _bits
from . import dynamic_bytes as _dynamic_bytes
from . import elementwise as _elementwise
from . import layers as _layers
from . import levels as _levels
from . import pools as _pools
from . import quantized as _quantized
from . import quantized_layers as _quantized_layers
from . import quantized_softmax as _quantized_softmax
from . import reductions as _reductions
from . import selections as _selections
from . import shape_ops as _shape_ops
from .run import interpret, trace
from .table import evaluate, evaluates

__all__ = ["evaluate", "evaluates", "interpret", "trace"]

del _bits, _elementwise, _layers, _levels, _pools, _reductions, _selections, _shape_ops
del _dynamic_bytes, _quantized, _quantized_layers, _quantized_softmax
