"""What tests of every kind share."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator

import pytest


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
