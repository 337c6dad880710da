"""Lets the tests of this folder import `pages` and `chromium`, and gives them vehicles of their own process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from pages import Serve, Started, serve_page, start_gateway


@pytest.fixture
def start() -> Callable[..., AbstractAsyncContextManager[Started]]:
    return start_gateway


@pytest.fixture
def serve() -> Serve:
    return serve_page
