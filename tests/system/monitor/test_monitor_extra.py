"""What is said without the extras of monitor and metrics."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
HIDE = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {hidden!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Hidden())
import gateway.cli.monitor
gateway.cli.monitor._need_terminal = lambda: None
sys.argv = ["gateway", *{words!r}]
from gateway.cli import main
main()
"""


@pytest.mark.parametrize(
    ("hidden", "words", "sentence"),
    [
        ("textual", ["monitor"], "gateway monitor needs textual: pip install 'vehicle-gateway[monitor]'"),
        (
            "prometheus_client",
            ["run", str(ROOT / "vehicle.yaml"), "--for", "1s", "--no-serve", "--metrics", "0"],
            "metrics (--metrics) needs prometheus_client: pip install 'vehicle-gateway[metrics]'",
        ),
        (
            "opentelemetry",
            ["run", str(ROOT / "vehicle.yaml"), "--for", "1s", "--no-serve", "--otlp", "http://127.0.0.1:1"],
            "OpenTelemetry (--otlp) needs opentelemetry: pip install 'vehicle-gateway[metrics]'",
        ),
    ],
)
def test_a_missing_extra_is_named_with_how_to_get_it(hidden: str, words: list[str], sentence: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HIDE.format(hidden={hidden}, words=words)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert f"gateway: {sentence}" in done.stderr.replace("'opentelemetry.", "'")
    assert "Traceback" not in done.stderr
