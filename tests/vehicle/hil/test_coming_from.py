"""The examples of docs/coming-from.md, as they stand there, on the demo vehicle."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import yaml

import gateway
from gateway.hil import VehicleUnderTest
from gateway.vehicle.file.source import read

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "coming-from.md"


def blocks(language: str) -> Iterator[str]:
    """The code blocks of one language, each behind so many empty lines that its errors name the line of the page."""
    text = PAGE.read_text()
    for found in re.finditer(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield "\n" * text.count("\n", 0, found.start(1)) + found[1]


BEHAVIOUR, *TESTS, SCRIPT = sorted(blocks("python"), key=lambda code: ("class" not in code, code.lstrip()[0] == "#"))
for block in TESTS:
    exec(compile(block, str(PAGE), "exec", dont_inherit=True), globals())


@pytest.fixture
async def vehicle(tmp_path: Path) -> AsyncIterator[VehicleUnderTest]:
    """The demo vehicle with the page's nodes and units, parked."""
    (nodes,) = blocks("yaml")
    text = json.dumps({**json.loads(json.dumps(read(ROOT / "vehicle.yaml").data)), **yaml.safe_load(nodes)})
    for folder in ("dbc/", "ecus/"):
        text = text.replace(f'"{folder}', f'"{ROOT}/{folder}')
    (tmp_path / "vehicle.yaml").write_text(text)
    async with gateway.load(tmp_path / "vehicle.yaml", seed=1) as found:
        yield found


async def test_the_behaviour_blinks_while_the_switch_is_on(tmp_path: Path) -> None:
    (tmp_path / "lamps.py").write_text(BEHAVIOUR)
    (tmp_path / "vehicle.yaml").write_text(
        "vehicle: capl\n"
        f"buses: {{body: {{kind: can, bitrate: 125k, database: {ROOT / 'dbc' / 'body.dbc'}}}}}\n"
        "ecus: {BCM: {on: [body], behaviour: lamps.py:Lamps}}\n"
    )
    async with gateway.load(tmp_path / "vehicle.yaml") as car:
        body = car["body"]
        await body.expect_never("LightCommand", Left="On", during="1s")
        with car.ecu("SWM").override("HazardSwitch.Pressed", "On"):
            for lit in ("On", "Off", "On"):
                await body.expect("LightCommand", Left=lit, Right=lit, within="700ms")
        await car.run_for("700ms")
        await body.expect_never("LightCommand", Left="On", during="1s")


def test_each_kind_of_block_is_there() -> None:
    assert "class Lamps" in BEHAVIOUR
    assert len(TESTS) == 5
    assert "script.py" in SCRIPT
