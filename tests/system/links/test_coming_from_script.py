"""The script of docs/coming-from.md that stays as it is: python-can and cantools beside `gateway run`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
LIMIT_S = 120.0
GATEWAY = [sys.executable, "-c", "from gateway.cli import main; main()", "run", str(ROOT / "vehicle.yaml")]


def test_a_script_of_python_can_runs_beside_the_vehicle(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "coming-from.md").read_text()
    (script,) = re.findall(r"^```python\n(# script\.py\n.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "script.py").write_text(script)
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    environment.pop("VEHICLE_GATEWAY_SOCKET", None)
    run = subprocess.Popen(GATEWAY, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        assert run.stderr is not None
        assert "CAN tools find demo-ev" in run.stderr.readline()
        done = subprocess.run(
            [sys.executable, str(tmp_path / "script.py")],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        assert (done.returncode, done.stdout) == (0, "the hazard lights blink\n"), done.stderr
    finally:
        run.kill()
        run.communicate()
