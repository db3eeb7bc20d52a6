# SPDX-License-Identifier: Apache-2.0
"""Quantization as options of a compilation, and as the passes that they stand for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from os import PathLike, fspath
from typing import Literal, TypeAlias

import numpy as np

from bnnc.ir.diagnostics import UsageError, did_you_mean
from bnnc.passes import Pass
from bnnc.passes.calibration import find_calibrator
from bnnc.passes.quantized import (
    Equalize,
    FuseQuantized,
    InsertQuantizers,
    QuantizeDynamic,
    QuantizeLayers,
)

from .calibrating import Calibrate
from .correcting import CorrectBiases

Io: TypeAlias = Literal["float", "int8"]
CalibrationData: TypeAlias = "str | PathLike[str] | Mapping[str, np.ndarray]"
SCHEMES = ("int8", "dynamic")


@dataclass(frozen=True)
class Quantization:
    """How the layers that are not binary are quantized.

    Attributes:
        scheme: ``int8``: ranges from calibration, all arithmetic in integers. ``dynamic``: ranges
            measured at each run, without calibration; between the layers floats.
        calibrate: an ``.npz`` file or arrays [N, ...] by input name; None where the module has
            levels in its types.
        calibrator: see `bnnc.passes.calibration`.
        keep_float: layers (names or globs) that stay in float.
        io: whether inputs and outputs of the network are floats or bytes.
        mapping: input name to key of the arrays, where they differ.
        progress: called with the samples done and their number.
        equalize: scale channels between layers before calibration, so that 8 bits fit them better.
        bias_correction: correct biases by the mean errors on the calibration data.
    """

    scheme: str = "int8"
    calibrate: CalibrationData | None = None
    calibrator: str = "minmax"
    keep_float: tuple[str, ...] = ()
    io: str = "float"
    mapping: Mapping[str, str] = field(default_factory=dict[str, str])
    progress: Callable[[int, int], None] | None = None
    equalize: bool = False
    bias_correction: bool = False

    def __post_init__(self) -> None:
        _one_of("scheme of quantization", self.scheme, SCHEMES)
        _one_of("io", self.io, ("float", "int8"))
        find_calibrator(self.calibrator)
        if self.scheme == "dynamic":
            self._require_none_of_int8()

    @property
    def last_pass(self) -> str:
        """The name of the pass behind which the network means what it is compiled to."""
        return QuantizeDynamic.name if self.scheme == "dynamic" else FuseQuantized.name

    def _require_none_of_int8(self) -> None:
        if self.io != "float":
            raise UsageError(
                f"--io {self.io} needs fixed levels, which --quantize dynamic has none of",
                hint="--quantize int8 with --calibrate has them",
            )
        if self.equalize or self.bias_correction:
            option = "equalize" if self.equalize else "bias-correction"
            raise UsageError(f"--{option} belongs to --quantize int8, not to dynamic")
        if self.calibrate is not None or self.calibrator != "minmax":
            raise UsageError(
                "--quantize dynamic measures ranges at run time and needs no calibration",
                hint="leave --calibrate and --calibrator out, or use --quantize int8",
            )

    def passes(self) -> list[Pass]:
        """The passes that quantize a binarized module."""
        if self.scheme == "dynamic":
            return [QuantizeDynamic(keep=";".join(self.keep_float))]
        given = self.calibrate
        path = fspath(given) if isinstance(given, str | PathLike) else ""
        arrays = None if isinstance(given, str | PathLike) else given
        calibration = Calibrate(data=path, calibrator=self.calibrator)  # type: ignore[arg-type]
        io: Io = "int8" if self.io == "int8" else "float"
        keep = ";".join(self.keep_float)
        correction = CorrectBiases(data=path, keep=keep).on(arrays, self.mapping)
        return [
            *([Equalize()] if self.equalize else []),
            calibration.on(arrays, self.mapping, self.progress),
            InsertQuantizers(keep=keep, io=io),
            *([correction] if self.bias_correction else []),
            QuantizeLayers(keep=keep),
            FuseQuantized(rounding="single"),
        ]


def quantization_of(
    quantize: str | None = None,
    calibrate: CalibrationData | None = None,
    calibrator: str = "minmax",
    keep_float: Iterable[str] = (),
    io: str = "float",
    calibrate_map: Mapping[str, str] | None = None,
    calibrate_progress: Callable[[int, int], None] | None = None,
    equalize: bool = False,
    bias_correction: bool = False,
) -> Quantization | None:
    """The options of the command line and of `bnnc.compile` as one value; None without any.

    Raises:
        UsageError: an option has an unknown value, or means nothing without ``quantize``.
    """
    keep = (keep_float,) if isinstance(keep_float, str) else tuple(keep_float)
    if quantize is None:
        for name, value in (("calibrate", calibrate), ("keep-float", keep)):
            if value is not None and value != ():
                raise UsageError(f"--{name} means nothing without --quantize")
        if io != "float":
            raise UsageError(f"--io {io} means nothing without --quantize")
        for name, given in (("equalize", equalize), ("bias-correction", bias_correction)):
            if given:
                raise UsageError(f"--{name} means nothing without --quantize")
        return None
    return Quantization(
        quantize,
        calibrate,
        calibrator,
        keep,
        io,
        calibrate_map or {},
        calibrate_progress,
        equalize,
        bias_correction,
    )


def _one_of(what: str, value: str, known: Iterable[str]) -> None:
    if value not in known:
        hint = did_you_mean(value, list(known)) or f"one of {', '.join(known)}"
        raise UsageError(f"unknown {what} '{value}'", hint=hint)
