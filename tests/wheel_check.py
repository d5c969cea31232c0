"""Build the wheel, install it without dev packages into an environment of its own, and use it in an empty directory.

Run by `make wheel`: a script, not a test, since it installs. Exits non-zero with what went wrong.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def run(*command: str | Path, cwd: Path, expect: int = 0) -> str:
    """Run a command with a clean Python path; fail unless it exits as expected."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    done = subprocess.run([str(c) for c in command], cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode != expect:
        raise SystemExit(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        run(sys.executable, "-m", "build", "--wheel", "--outdir", here / "dist", ROOT, cwd=here)
        wheel = next((here / "dist").glob("*.whl"))
        venv.create(here / "env", with_pip=True)
        bin_ = here / "env" / "bin"
        run(bin_ / "pip", "install", "--quiet", "--disable-pip-version-check", wheel, cwd=here)
        empty = here / "empty"
        empty.mkdir()
        shipped = run(bin_ / "tco", "compare", "document-pipeline", cwd=empty)
        assert "is cheapest at 2.3M tokens/day" in shipped, shipped
        run(bin_ / "tco", "copy", "break-even-sketch", cwd=empty)
        own = run(bin_ / "tco", "compare", "break-even-sketch.yaml", "--png", "a.png", "--csv", "a.csv", cwd=empty)
        assert "33.33M" in own, own
        assert (empty / "a.png").read_bytes().startswith(b"\x89PNG")
        run(bin_ / "python", "-m", "tco", "validate", "break-even-sketch.yaml", cwd=empty)
        run(bin_ / "tco", "compare", "no-such-scenario", cwd=empty, expect=2)
        run(bin_ / "tco", "init", "mine.yaml", "--invoice", "$4,300", "--gpu-price", "$2.10/hour", "--yes", cwd=empty)
        run(bin_ / "tco", "compare", "mine.yaml", cwd=empty)
        assert "nebius/h100" in run(bin_ / "tco", "prices", "search", "h100", "nebius", cwd=empty)
        notebook = "import tco; print(tco.compare('coding-agent').table.shape)"
        assert run(bin_ / "python", "-c", notebook, cwd=empty).startswith("(5,")
    print(f"{wheel.name}: installed without dev packages, compares, copies out, draws, starts, imports")


if __name__ == "__main__":
    main()
