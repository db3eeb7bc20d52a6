# SPDX-License-Identifier: Apache-2.0
"""The weight file: ``docs/weight_file.md`` is the format, writer and reader share no code."""

from .reader import Section, WeightFile, read_weight_file
from .writer import MODEL_ID_BYTES, SECTION_ALIGN, FilePlan, plan_file, write_weight_file

__all__ = [
    "MODEL_ID_BYTES",
    "SECTION_ALIGN",
    "FilePlan",
    "Section",
    "WeightFile",
    "plan_file",
    "read_weight_file",
    "write_weight_file",
]
