"""The pytest plugin: the fixture `vehicle`, its options, and what a test's end has to look at.

It is loaded in every pytest run of an environment, so it imports nothing of a vehicle until a test asks for one. Tests
that use the fixture run in a loop of the vehicle's time (pytest-asyncio's hook for loops, from 1.4 on); all others run
as they would without this plugin.
"""

from gateway.hil.plugin.collecting import (
    pytest_asyncio_loop_factories,
    pytest_generate_tests,
    pytest_itemcollected,
    pytest_other_loops,
    pytest_pycollect_makeitem,
)
from gateway.hil.plugin.ending import pytest_runtest_call, pytest_runtest_setup
from gateway.hil.plugin.options import pytest_addoption, pytest_configure, pytest_report_header
from gateway.hil.plugin.reporting import pytest_runtest_makereport, pytest_terminal_summary

__all__ = [
    "pytest_addoption",
    "pytest_asyncio_loop_factories",
    "pytest_configure",
    "pytest_generate_tests",
    "pytest_itemcollected",
    "pytest_other_loops",
    "pytest_pycollect_makeitem",
    "pytest_report_header",
    "pytest_runtest_call",
    "pytest_runtest_makereport",
    "pytest_runtest_setup",
    "pytest_terminal_summary",
]
