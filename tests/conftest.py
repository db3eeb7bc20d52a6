# SPDX-License-Identifier: Apache-2.0
"""What every test may ask for, and the rule that CI skips nothing silently."""

from __future__ import annotations

import importlib
import importlib.util
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from .fuzz.native import Native

_IN_CI = bool(os.environ.get("CI"))

# No deadline: a shared machine is slow now and then. In CI the same examples every time.
settings.register_profile("bnnc", deadline=None, derandomize=_IN_CI)
settings.load_profile("bnnc")

# Chosen before other processes start, which take it over: each must test the same.
os.environ.setdefault("BNNC_FUZZ_SEED", str(secrets.randbits(32)))

# Frameworks by the marker of the tests that need one; each is tested in an environment of its own.
_FRAMEWORKS = {"tensorflow": "tensorflow", "pytorch": "torch", "larq": "larq"}
_MISSING = {mark for mark, name in _FRAMEWORKS.items() if importlib.util.find_spec(name) is None}

_MUST_RUN = "must_run_in_ci"


@pytest.fixture(scope="session")
def repo() -> Path:
    """The checkout's top folder."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared(repo: Path) -> Path:
    """Models and data too large to keep here: ``BNNC_SHARED``, or the folder beside the checkout.

    Where neither exists the test is skipped, in CI too; where one exists it never is.
    """
    folder = Path(os.environ.get("BNNC_SHARED") or repo.parent / "shared")
    if not folder.is_dir():
        pytest.skip("no folder of shared models; set BNNC_SHARED")
    return folder


@pytest.fixture(scope="session")
def tf() -> Any:
    """TensorFlow, for tests marked ``tensorflow``; they are skipped where it is not installed."""
    if "tensorflow" in _MISSING:
        pytest.skip("TensorFlow is not installed")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    return importlib.import_module("tensorflow")


def _skip_without(mark: str) -> None:
    if mark in _MISSING:
        pytest.skip(f"{_FRAMEWORKS[mark]} is not installed")


@pytest.fixture(scope="session")
def torch() -> None:
    """For tests marked ``pytorch``; they are skipped where it is not installed."""
    _skip_without("pytorch")


@pytest.fixture(scope="session")
def larq() -> None:
    """For tests marked ``larq``; they are skipped where it is not installed."""
    _skip_without("larq")


def _tool(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"no {name} on PATH; scripts/system-packages.sh installs it")
    return path


@pytest.fixture(scope="session")
def cc() -> str:
    """The path of gcc."""
    return _tool("gcc")


@pytest.fixture(scope="session", params=["gcc", "clang"])
def each_cc(request: pytest.FixtureRequest) -> str:
    """The path of gcc and then of clang: the test runs once with each."""
    return _tool(request.param)


@pytest.fixture(scope="session")
def native(cc: str, tmp_path_factory: pytest.TempPathFactory) -> Native:
    """The portable kernels under sanitizers, compiled once; runs the code of any network."""
    from .fuzz.native import Native

    return Native.made(tmp_path_factory.mktemp("native"), compiler=cc)


@pytest.fixture(autouse=True)
def _forget_user_passes() -> Generator[None]:
    """Passes that a test loads from a file are known to that test alone."""
    yield
    registry = sys.modules.get("bnnc.passes.registry")
    if registry is not None:
        for name, cls in list(registry._PASSES.items()):
            if cls.__module__.startswith("bnnc_user_pass_"):
                del registry._PASSES[name]


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Compare a text with the file that keeps it; a missing file is a failure.

    ``pytest --update-golden`` writes the files instead, for the change to be read in the diff.
    """
    update = bool(request.config.getoption("--update-golden"))

    def compare(kept: Path, text: str) -> None:
        if update:
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(text)
        assert kept.exists(), f"{kept} is missing; pytest --update-golden writes it"
        assert text == kept.read_text()

    return compare


def _has_right_to_skip(item: pytest.Item) -> bool:
    if item.get_closest_marker("optional"):
        return True
    if any(item.get_closest_marker(mark) for mark in _MISSING):
        return True
    without_models = not Path(
        os.environ.get("BNNC_SHARED") or item.config.rootpath.parent / "shared"
    ).is_dir()
    return without_models and "shared" in getattr(item, "fixturenames", ())


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite the kept outputs")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_skipped_in_ci] = skips = _Skips()
    config.pluginmanager.register(skips)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Mark each skip that CI must not let pass; ``xfail`` reports as skipped but did run.

    Where tests run in several processes the mark travels with the report to the one that decides.
    """
    report = yield
    skipped = report.outcome == "skipped" and not hasattr(report, "wasxfail")
    if _IN_CI and skipped and not _has_right_to_skip(item):
        setattr(report, _MUST_RUN, True)
    return report


class _Skips:
    """The skips that CI must not let pass, of all processes."""

    def __init__(self) -> None:
        self.reasons: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if getattr(report, _MUST_RUN, False):
            self.reasons[report.nodeid] = _reason(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A module that skips itself whole: no marker could excuse it, so CI never lets it."""
        if _IN_CI and report.outcome == "skipped":
            self.reasons[report.nodeid] = _reason(report)


_skipped_in_ci = pytest.StashKey[_Skips]()


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    return report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    terminalreporter.write_line(
        f"fresh seed of tests/fuzz: BNNC_FUZZ_SEED={os.environ['BNNC_FUZZ_SEED']}"
    )
    skips = config.stash[_skipped_in_ci].reasons
    if skips:
        terminalreporter.section("skipped, but must run in CI", red=True)
        for nodeid, why in skips.items():
            terminalreporter.write_line(f"{nodeid}: {why}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    if session.config.stash[_skipped_in_ci].reasons:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
