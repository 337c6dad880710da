"""What tests of every kind share."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

import pytest


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
