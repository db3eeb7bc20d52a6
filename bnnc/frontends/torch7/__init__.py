# SPDX-License-Identifier: Apache-2.0
"""Torch 7: networks of nn and cudnn as ``torch.save`` writes them, without Torch."""

from .load import load

__all__ = ["load"]
