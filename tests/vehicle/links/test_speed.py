"""`gateway run --speed`: wall time that goes slower, or faster, than the wall."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.cli import main
from gateway.sim import Clock
from gateway.vehicle import RunOptions, drive, read_vehicle

QUIET = "vehicle: quiet\nbuses:\n  body: {kind: can, bitrate: 125k}\n"


@pytest.fixture
def quiet(tmp_path: Path) -> Path:
    """A vehicle of one bus, on which nothing happens."""
    file = tmp_path / "vehicle.yaml"
    file.write_text(QUIET)
    return file


def test_at_a_tenth_of_the_speed_20_ms_take_200_ms_at_least(quiet: Path) -> None:
    done = drive(read_vehicle(quiet), RunOptions(clock=Clock.WALL, for_ns=20_000_000, speed=0.1))
    assert done.simulated_s >= 0.02
    assert done.wall_s >= 0.2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [(["--speed", "0.5", "--clock", "virtual"], "is of wall time"), (["--speed", "0"], "not between 0.001 and 1000")],
)
def test_a_speed_that_cannot_be_is_told(
    quiet: Path,
    arguments: list[str],
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.argv", ["gateway", "run", str(quiet), "--for", "1ms", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert sentence in " ".join(capsys.readouterr().err.replace("│", "").split())
