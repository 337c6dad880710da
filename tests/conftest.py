"""What tests of every kind share."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent / "support"))

# How long an example takes is the machine's load; the examples are the same in each run (`--hypothesis-profile default`
# looks for new ones, as the campaigns do).
settings.register_profile("tests", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")


LONGEST = ("test_socketcan.py", "test_compiled.py")
"""Files of tests that take more than a minute each: a kernel that boots, a compiler."""


def pytest_configure() -> None:
    """A terminated session ends as an interrupted one: the programs that its tests have started are ended as well.

    And a script that starts the tests in the background has them, and those programs, ignore Ctrl-C otherwise.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first: no worker shall be left with one of them when the others have ended."""
    items.sort(key=lambda item: item.path.name not in LONGEST)


@pytest.fixture(scope="session", autouse=True)
def _runtime_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Simulations of the tests find each other in a folder of their own, and none that runs outside."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
        yield


@pytest.fixture(scope="session")
def require_tool() -> Callable[..., str]:
    """`require_tool("tshark", package="tshark")` gives its path; without it the test skips, or fails with CI=true."""

    def require(tool: str, *, package: str) -> str:
        path = shutil.which(tool) or shutil.which(tool, path="/usr/sbin:/sbin")
        if path is not None:
            return path
        reason = f"needs {tool}: apt-get install {package}"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(reason)
        pytest.skip(reason)

    return require
