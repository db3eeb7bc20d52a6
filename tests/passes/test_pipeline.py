# SPDX-License-Identifier: Apache-2.0
"""Pipeline strings, options and the registry."""

from __future__ import annotations

from typing import Literal

import pytest

from bnnc.ir.diagnostics import PassError
from bnnc.ir.module import Module
from bnnc.passes import Pass, Rewriter, find_pass, format_pipeline, parse_pipeline, register_pass
from bnnc.passes.pipeline import make_pass
from bnnc.passes.pipelines import standard


class Configurable(Pass):
    """Has one option of each type."""

    name = "configurable"
    flag: bool = False
    count: int = 3
    factor: float = 0.5
    mode: Literal["fast", "slow"] = "fast"

    def run(self, module: Module, rw: Rewriter) -> None:
        """Nothing."""


def test_options_are_read_by_type_and_printed_where_they_differ() -> None:
    options = {"flag": "true", "count": "7", "factor": "2", "mode": "slow"}
    made = make_pass(Configurable, options)
    assert made == Configurable(flag=True, count=7, factor=2.0, mode="slow")
    assert made.spec() == "configurable{flag=true,count=7,factor=2.0,mode=slow}"
    assert Configurable().spec() == "configurable"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"flag": "maybe"}, "takes true or false, not 'maybe'"),
        ({"count": "x"}, "takes a number, not 'x'"),
        ({"mode": "swift"}, "one of fast, slow, not 'swift'"),
        ({"cuont": "1"}, "no option 'cuont'"),
    ],
)
def test_wrong_options_are_named(options: dict[str, str], message: str) -> None:
    with pytest.raises(PassError, match=message):
        make_pass(Configurable, options)


def test_misspelt_option_gets_a_suggestion() -> None:
    with pytest.raises(PassError) as caught:
        make_pass(Configurable, {"cuont": "1"})
    assert "did you mean 'count'?" in str(caught.value)


def test_standard_pipeline_reads_back() -> None:
    text = standard(strict_sign=True)
    assert format_pipeline(parse_pipeline(text)) == text
    assert "fold-thresholds{strict_sign=true}" in text


def test_default_stands_for_the_standard_pipeline() -> None:
    passes = parse_pipeline("canonicalize,default", default="fold-constants,binarize")
    assert [p.name for p in passes] == ["canonicalize", "fold-constants", "binarize"]


def test_unknown_pass_gets_a_suggestion() -> None:
    with pytest.raises(PassError) as caught:
        find_pass("fold-treshold")
    assert "did you mean 'fold-thresholds'?" in str(caught.value)


def test_unreadable_pipeline_shows_the_place() -> None:
    with pytest.raises(PassError, match=r"cannot be read at 'canonicalize\{x'"):
        parse_pipeline("canonicalize{x")


def test_two_passes_of_one_name_clash() -> None:
    class Impostor(Pass):
        """Takes a name that is taken."""

        name = "fold-constants"

    with pytest.raises(PassError, match="two passes are called 'fold-constants'"):
        register_pass(Impostor)
