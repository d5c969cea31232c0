"""Kill the client of a replay at 200 seeded random moments, resume, and hold its journal against the server's record.

    python ci/kill_replay.py [TIMES] [SEED]

The same as `tests/test_replay_kill.py` does 20 times. Each moment: SIGKILL, then the journal is read, then the run goes
on to its end. The journal must be readable, nothing that had ended may be sent again, and nothing may be missing.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from fault_server import fault_server  # noqa: E402
from test_replay_kill import ROWS, killed_once  # noqa: E402


def main() -> int:
    """Open and closed loops by turns; 1 where anything was wrong."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    moment = random.Random(seed)
    found: Counter[str] = Counter()
    with fault_server(first_ms=20, chunk_ms=10) as server, tempfile.TemporaryDirectory() as folder:
        for number in range(times):
            closed = bool(number % 2)
            try:
                ended = killed_once(Path(folder), server, moment, closed)
            except AssertionError as error:
                print(f"kill {number + 1} ({'closed' if closed else 'open'} loop): {error}", flush=True)
                found["wrong"] += 1
            else:
                found["before the first end" if not ended else "after the last" if ended == ROWS else "between"] += 1
            if (number + 1) % 20 == 0:
                print(f"{number + 1} of {times}: {dict(found)}", flush=True)
    return 1 if found["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
