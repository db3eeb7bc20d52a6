# SPDX-License-Identifier: Apache-2.0
"""The textual IR: printing, parsing, and the side file that keeps the weights."""

from .parser import parse_module, read_module
from .printer import print_module
from .sidefile import write_module

__all__ = ["parse_module", "print_module", "read_module", "write_module"]
