"""`tco replay` as it is typed, against the fault server: what it prints, what it leaves behind, how it ends.

`UPDATE_GOLDEN=1 pytest tests/test_replay_command.py` writes the golden outputs anew, figures masked.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fault_server import Server, fault_server
from replaying import evenly, trace_file
from typed_replay import JOURNAL, cut, prepared, punctual, recorded, replayed, started, tco, wait_for_lines

from tco.replay.session.preflight import WARM_UP

HERE = Path(__file__).parent
KEY = "k-5ecret.0f-th1s_server"
ROWS = 40


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with a trace of one second, and modules that come before the installed ones."""
    evenly(tmp_path / "trace.jsonl", ROWS, per_s=ROWS)
    return prepared(tmp_path)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One that does all it should."""
    with fault_server(first_ms=5, chunk_ms=1) as found:
        yield found


# -- what it prints ---------------------------------------------------------------------------------------------------


def paragraphs(text: str) -> str:
    """Without the numbers of this run, and a line a paragraph: where lines break depends on them."""
    text = re.sub(r"127\.0\.0\.1:\d+", "SERVER", text)
    return "\n\n".join(re.sub(r"\s+", " ", part).strip() for part in re.split(r"\n\s*\n", text)).strip() + "\n"


GOLDEN = {
    "help": "--help",
    "help_summarize": "summarize --help",
    "summarize": "summarize plain.journal.jsonl",
    "summarize_wide": "COLUMNS=140 summarize plain.journal.jsonl",
    "summarize_md": "summarize plain.journal.jsonl --md",
    "summarize_json": "summarize plain.journal.jsonl --json",
    "refused": "trace.jsonl --url http://127.0.0.1:9",
    "remote": "trace.jsonl --url http://10.1.2.3:8000",
    "wrong_model": "trace.jsonl --url URL --model tinny",
    "no_trace": "--url URL",
    "no_such_trace": "trace.json --url URL",
    "standard_input": "- --url URL",
    "bad_slo": "trace.jsonl --url URL --slo ttft_p95=500",
    "bad_speedup": "trace.jsonl --url URL --speedup 0",
    "two_loads": "trace.jsonl --url URL --find-capacity --speedup 2",
    "two_outputs": "trace.jsonl --url URL --json --md",
    "rate_without_slo": "trace.jsonl --url URL -o profile.yaml",
    "no_gpu": "trace.jsonl --url URL --slo ttft_p50=10s -o profile.yaml",
    "over_the_trace": "trace.jsonl --url URL --journal trace.jsonl",
    "over_the_journal": "trace.jsonl --url URL --csv out.csv --journal out.csv",
    "no_such_journal": "summarize nope.jsonl",
    "no_journal": "summarize trace.jsonl",
    "beside_resume": "trace.jsonl --resume nope.jsonl",
}


@pytest.mark.parametrize("name", GOLDEN)
def test_golden(name: str, here: Path, server: Server) -> None:
    words = GOLDEN[name].replace("URL", server.url).split()
    env = {"COLUMNS": words.pop(0).split("=")[1]} if "=" in words[0] else {}
    shutil.copy(HERE / "fixtures" / "replay" / "plain.journal.jsonl", here)
    done = tco(here, *words, **env)
    stderr = paragraphs(done.stderr)
    text = f"$ tco replay {GOLDEN[name]}\nexit {done.returncode}\n--- stdout\n{done.stdout}--- stderr\n{stderr}"
    text = "".join(f"{line.rstrip()}\n" for line in text.splitlines())
    golden = HERE / "golden_replay" / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text)
    assert text == golden.read_text()
    assert not (here / JOURNAL).exists(), "what is refused leaves nothing behind"


def test_every_golden_file_has_its_run() -> None:
    assert {p.stem for p in (HERE / "golden_replay").iterdir()} == set(GOLDEN)


def test_options_may_stand_before_the_trace(here: Path, server: Server) -> None:
    done = tco(here, "--url", server.url, "--requests", "5", "--json", "trace.jsonl")
    assert json.loads(done.stdout)["run"]["succeeded"] == 5


def test_a_trace_by_the_name_of_a_command_is_reached_by_its_path(here: Path, server: Server) -> None:
    (here / "trace.jsonl").rename(here / "summarize")
    done = tco(here, "./summarize", "--url", server.url, "--requests", "5", "--json")
    assert json.loads(done.stdout)["trace"]["name"] == "summarize"


def test_summarize_says_the_same_again(here: Path, server: Server) -> None:
    first = punctual(
        here, "trace.jsonl", "--url", server.url, "--slo", "ttft_p50=10s", "--csv", "a.csv", "--png", "a.png"
    )
    again = tco(here, "summarize", JOURNAL, "--csv", "b.csv", "--png", "b.png")
    assert (first.returncode, again.returncode) == (0, 0)
    assert again.stdout == first.stdout
    for suffix in ("csv", "png"):
        assert (here / f"a.{suffix}").read_bytes() == (here / f"b.{suffix}").read_bytes()
    assert len((here / "a.csv").read_text().splitlines()) == 1 + ROWS


def test_json_is_all_of_stdout_and_adds_up(here: Path, server: Server) -> None:
    found = replayed(here, server, "--requests", "30")
    trace, run = found["trace"], found["run"]
    assert (trace["rows_read"], trace["rows_replayed"]) == (ROWS, 30)
    assert trace["rows_read"] == trace["rows_replayed"] + sum(trace["left_out"].values())
    assert run["requests"] == run["succeeded"] + sum(run["failures"].values()) == 30
    check = found["cross_check"]
    assert check["input_tokens"] == {"server": 32 * 30, "client": 32 * 30, "difference": 0}
    assert check["output_tokens"] == {"server": 4 * 30, "client": 4 * 30, "difference": 0}


def test_speedup_is_how_much_faster(here: Path, server: Server) -> None:
    assert replayed(here, server, "--speedup", "2")["run"]["offered_per_s"] == pytest.approx(2 * ROWS, rel=0.1)


def test_duration_ends_the_sending(here: Path, server: Server) -> None:
    found = replayed(here, server, "--duration", "500ms")
    assert found["ended"] == "duration"
    assert found["run"]["requests"] == pytest.approx(ROWS / 2, abs=2)


def test_a_journal_of_which_nothing_was_sent(here: Path) -> None:
    begun = (HERE / "fixtures" / "replay" / "plain.journal.jsonl").read_text().splitlines(keepends=True)[0]
    (here / "begun.jsonl").write_text(begun)
    done = tco(here, "summarize", "begun.jsonl")
    assert done.returncode == 0 and "nothing was sent" in done.stdout
    done = tco(here, "summarize", "begun.jsonl", "--png", "a.png", "--csv", "a.csv", "-o", "a.yaml", "--gpu", "CPU")
    assert done.returncode == 4
    assert [line.split(" is not written")[0] for line in done.stderr.splitlines()] == [
        f"error: a.{suffix}" for suffix in ("yaml", "csv", "png")
    ]
    assert not list(here.glob("a.*"))


# -- what goes wrong --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"key": KEY}, "TCO_API_KEY"),
        ({"fault": "http_500"}, "a first request failed: http 500"),
        ({"fault": "http_429"}, "a first request failed: http 429"),
        ({"fault": "redirect"}, "redirects are not followed"),
        ({"fault": "no_usage"}, "include_usage"),
        ({"fault": "no_done"}, "a first request failed: no done"),
        ({"fault": "wrong_count"}, "ignore_eos"),
        ({"fault": "malformed"}, "a first request failed: malformed"),
        ({"fault": "reset"}, "a first request failed: reset"),
        ({"fault": "error_mid"}, "a first request failed: error event"),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else "",
)
def test_a_server_that_cannot_be_measured(here: Path, settings: dict[str, Any], reason: str) -> None:
    with fault_server(**settings) as bad:
        done = tco(here, "trace.jsonl", "--url", bad.url, "-o", "p.yaml", "--gpu", "CPU", "--slo", "ttft_p50=1s")
    assert done.returncode == 4
    assert reason in done.stderr.splitlines()[-1]
    assert done.stdout == ""
    assert not (here / "p.yaml").exists() and not (here / JOURNAL).exists()


def test_an_endless_first_answer_ends_with_its_time(here: Path) -> None:
    with fault_server(fault="endless", chunk_ms=20) as bad:
        done = tco(here, "trace.jsonl", "--url", bad.url, "--timeout", "1s")
    assert done.returncode == 4
    assert re.search("a first request failed: (timeout|wrong length)", done.stderr)


def test_what_fails_is_counted_by_reason(here: Path) -> None:
    # the warm-up is requests 0 to 7
    with fault_server(fault=("http_429@10,11", "reset_mid@12", "http_503@13")) as bad:
        done = tco(here, "trace.jsonl", "--url", bad.url, "--json")
    found = json.loads(done.stdout)
    assert found["run"]["failures"] == {"http 429": 2, "reset": 1, "http 503": 1}
    assert found["run"]["succeeded"] == ROWS - 4


def test_all_requests_fail(here: Path) -> None:
    with fault_server(fault="http_500@8+") as bad:
        done = tco(here, "trace.jsonl", "--url", bad.url, "--slo", "ttft_p50=1s", "-o", "p.yaml", "--gpu", "CPU")
    assert done.returncode == 4
    assert "p.yaml is not written" in done.stderr and not (here / "p.yaml").exists()
    assert [o.status for o in recorded(here).runs[0].outcomes] == ["http"] * ROWS


def test_all_requests_fail_without_a_profile(here: Path) -> None:
    with fault_server(fault="http_500@8+") as bad:
        done = tco(here, "trace.jsonl", "--url", bad.url)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (4, f"error: no request succeeded: {ROWS} http 500")


def test_a_run_that_was_cut_is_marked_in_a_search_that_is_not_over(here: Path) -> None:
    evenly(here / "trace.jsonl", 100, per_s=40)
    with fault_server(service_ms=5) as own:
        options = ("--find-capacity", "--slo", "ttft_p50=1s", "--requests", "100", "--gpu", "CPU")
        process = started(here, "trace.jsonl", "--url", own.url, *options)
        wait_for_lines(here / JOURNAL, 20)
        process.kill()
        process.communicate(timeout=60)
    found = json.loads(tco(here, "summarize", JOURNAL, "--json").stdout)
    last = found["probes"][-1]["verdict"]
    assert last["status"] == "inconclusive" and last["reasons"] == ["it was cut before its end"]


def test_a_server_that_is_killed_in_mid_run(here: Path) -> None:
    evenly(here / "trace.jsonl", 100, per_s=40)
    with fault_server(first_ms=5) as doomed:
        process = started(here, "trace.jsonl", "--url", doomed.url, "--json")
        wait_for_lines(here / JOURNAL, 10)
        doomed.kill()
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 4, stderr
    assert "the server no longer answers" in stderr and "Traceback" not in stderr
    run = json.loads(stdout)["run"]
    assert run["requests"] == run["succeeded"] + sum(run["failures"].values()) == 100
    assert run["succeeded"] >= 10 and set(run["failures"]) <= {"refused", "reset"}


def test_rows_that_are_too_long_are_left_out_and_counted(here: Path) -> None:
    trace_file(here / "trace.jsonl", [{"at_s": i / 40, "input_tokens": 90 + i} for i in range(20)])
    with fault_server(max_model_len=100) as small:
        found = replayed(here, small)
    fit = sum(90 + i + 4 <= 100 for i in range(20))
    assert found["trace"]["rows_replayed"] == fit
    assert found["trace"]["left_out"] == {"longer than the server's 100 tokens": 20 - fit}
    assert found["run"]["succeeded"] == fit


def test_nothing_is_left_to_replay(here: Path) -> None:
    with fault_server(max_model_len=20) as small:
        done = tco(here, "trace.jsonl", "--url", small.url)
    assert done.returncode == 2
    assert "no request is left to replay" in done.stderr and f"{ROWS} longer than" in done.stderr


def test_a_trace_without_times_needs_a_concurrency(here: Path, server: Server) -> None:
    trace_file(here / "trace.jsonl", [{} for _ in range(10)])
    done = tco(here, "trace.jsonl", "--url", server.url)
    assert done.returncode == 2 and "--concurrency" in done.stderr
    assert replayed(here, server, "--concurrency", "3")["run"]["succeeded"] == 10


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1:8000",
        "http://8.8.8.8",
        "http://[2001:db8::1]:8000",
        "http://0.0.0.0:8000",
        "http://169.254.1.1",
        "ftp://127.0.0.1",
        "127.0.0.1:8000",
        "http://user:word@127.0.0.1:8000",
        "http://127.0.0.1:8000?x=1",
    ],
)
def test_where_recorded_traffic_does_not_go(here: Path, url: str) -> None:
    (here / "first" / "sitecustomize.py").write_text(
        "import os, socket\ndef connect(*arguments):\n    os._exit(99)\nsocket.socket.connect = connect\n"
    )
    done = tco(here, "trace.jsonl", "--url", url)
    assert done.returncode == 2, "refused before any connection"
    assert done.stderr.startswith("error: ") and done.stdout == ""


def test_a_server_without_a_reset_says_so(here: Path) -> None:
    with fault_server(resettable=False, service_ms=5) as plain:
        done = tco(
            here,
            "trace.jsonl",
            "--url",
            plain.url,
            "--find-capacity",
            "--seeds",
            "1",
            "--slo",
            "ttft_p50=15ms",
            "--json",
        )
    found = json.loads(done.stdout)
    assert len(recorded(here).runs) > 1
    assert any("does not empty its prefix cache" in w for w in found["warnings"])


def test_a_full_disk(here: Path, server: Server) -> None:
    """The journal may grow to 6 kB and no further."""
    (here / "first" / "sitecustomize.py").write_text(
        "import resource, signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))\n"
    )
    done = tco(here, "trace.jsonl", "--url", server.url)
    assert done.returncode == 4
    assert JOURNAL in done.stderr and "too large" in done.stderr.lower()
    assert 5 < len(recorded(here).runs[0].outcomes) < ROWS


# -- interrupted, killed, gone on with --------------------------------------------------------------------------------


def test_an_interrupt_keeps_all_and_a_resume_sends_the_rest(here: Path) -> None:
    evenly(here / "trace.jsonl", 100, per_s=40)
    with fault_server(first_ms=5, chunk_ms=1) as own:
        process = started(here, "trace.jsonl", "--url", own.url)
        wait_for_lines(here / JOURNAL, 20)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
        assert process.returncode == 130, stderr
        assert f"--resume {JOURNAL}" in stderr and "Traceback" not in stderr
        assert "Interrupted" in stdout
        first = recorded(here).runs[0]
        assert first.ended is not None and first.ended["reason"] == "interrupted"
        assert 20 <= len(first.outcomes) < 100
        done = tco(here, "--resume", JOURNAL, "--json")
        assert done.returncode == 0 or "the client was late" in done.stderr, done.stderr
        run = json.loads(done.stdout)["run"]
        assert (run["requests"], run["succeeded"]) == (100, 100)
        assert len(own.record()) == WARM_UP + 100 + WARM_UP, "each row once, and a warm-up of each session"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_signals_end_it_as_an_interrupt_does(here: Path, number: signal.Signals) -> None:
    """Before the run too: a server that answers late holds the command in its preflight."""
    evenly(here / "trace.jsonl", 100, per_s=40)
    with fault_server(first_ms=5, chunk_ms=1) as own:
        process = started(here, "trace.jsonl", "--url", own.url)
        wait_for_lines(here / JOURNAL, 20)
        process.send_signal(number)
        _, stderr = process.communicate(timeout=60)
        assert process.returncode == 130, stderr
        ended = recorded(here).runs[0].ended
        assert ended is not None and ended["reason"] == "interrupted"
        own.set(first_ms=3000)
        process = started(here, "trace.jsonl", "--url", own.url, "--journal", "second.jsonl")
        time.sleep(2)  # in the warm-up by then, whose first answer takes three seconds
        process.send_signal(number)
        _, stderr = process.communicate(timeout=60)
        assert (process.returncode, "interrupted" in stderr) == (130, True), stderr


def test_a_broken_pipe_is_no_end(here: Path, server: Server) -> None:
    """Whoever reads stderr may leave: the run goes on to its end, whatever becomes of the words after it."""
    process = started(here, "trace.jsonl", "--url", server.url)
    assert process.stderr is not None
    process.stderr.close()
    assert process.stdout is not None
    with process.stdout:
        process.stdout.read()
    process.wait(timeout=60)
    [run] = recorded(here).runs
    assert len(run.outcomes) == ROWS
    assert run.ended is not None and run.ended["reason"] == "done"


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--speedup", "1e308", "from 0.0001 to 1e+06"),
        ("--speedup", "1e-308", "from 0.0001"),
        ("--journal", "/dev/null", "name a file"),
        ("--slo", "ttft_p99.99999=1s", "up to 99.99"),
    ],
)
def test_what_cannot_be_measured_is_refused(here: Path, option: str, value: str, told: str) -> None:
    done = tco(here, "trace.jsonl", "--url", "http://127.0.0.1:9", option, value)
    assert (done.returncode, told in done.stderr) == (2, True), done.stderr


def test_a_client_that_is_killed_and_resumed(here: Path) -> None:
    evenly(here / "trace.jsonl", 100, per_s=40)
    with fault_server(first_ms=5, chunk_ms=1) as own:
        process = started(here, "trace.jsonl", "--url", own.url)
        wait_for_lines(here / JOURNAL, 20)
        process.kill()
        process.communicate(timeout=60)
        ended = {o.index for o in recorded(here).runs[0].outcomes}
        said = tco(here, "summarize", JOURNAL, "--json")
        assert said.returncode == 0 and json.loads(said.stdout)["ended"] == "cut"
        done = tco(here, "--resume", JOURNAL, "--json")
        assert done.returncode == 0 or "the client was late" in done.stderr, done.stderr
        found = json.loads(done.stdout)
        assert (found["run"]["requests"], found["run"]["succeeded"], found["ended"]) == (100, 100, "done")
        under_way = len(own.record()) - 2 * WARM_UP - 100
        assert 0 <= under_way <= 5, "sent twice are those alone that were under way"
        assert ended <= {o.index for o in recorded(here).runs[0].outcomes}
        assert any("gone on with" in w for w in found["warnings"])


def test_a_resume_of_what_is_over_sends_nothing(here: Path, server: Server) -> None:
    replayed(here, server, "--requests", "5")
    before = len(server.record())
    done = tco(here, "--resume", JOURNAL)
    assert done.returncode == 0 and "nothing is left to send" in done.stderr
    assert len(server.record()) == before


def test_a_resume_needs_the_same_trace(here: Path, server: Server) -> None:
    replayed(here, server, "--requests", "5")
    cut(here)
    evenly(here / "trace.jsonl", ROWS + 1, per_s=ROWS)
    done = tco(here, "--resume", JOURNAL)
    assert done.returncode == 2 and "no longer the trace" in done.stderr
    (here / "trace.jsonl").unlink()
    assert tco(here, "--resume", JOURNAL).returncode == 2


def test_a_resume_needs_the_same_server(here: Path, server: Server) -> None:
    replayed(here, server, "--requests", "5")
    cut(here)
    with fault_server(version="9.9") as other:
        done = tco(here, "--resume", JOURNAL, "--url", other.url)
    assert done.returncode == 2 and "another one than at the start" in done.stderr and "9.9" in done.stderr


# -- the key ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("by", "settings"),
    [
        ("flag", {}),
        ("environment", {}),
        ("flag", {"fault": "leak@8+"}),
        ("environment", {"fault": "leak_mid@8+"}),
        ("flag", {"fault": "leak"}),
        ("environment", {"model": f"m-{KEY}", "version": KEY}),
    ],
    ids=["by_flag", "by_environment", "repeated", "repeated_in_mid", "repeated_at_once", "model"],
)
def test_the_key_is_nowhere(here: Path, by: str, settings: dict[str, Any]) -> None:
    options, env = (["--api-key", KEY], {}) if by == "flag" else ([], {"TCO_API_KEY": KEY})
    with fault_server(key=KEY, **settings) as locked:
        done = tco(
            here, "trace.jsonl", "--url", locked.url, *options, "--slo", "ttft_p50=10s", "--csv", "a.csv",
            "--png", "a.png", "-o", "p.yaml", "--gpu", "CPU", "--processes", "2", **env,
        )  # fmt: skip
    shown = done.stdout + done.stderr
    assert KEY not in shown
    files = [p for p in here.rglob("*") if p.is_file()]
    assert files and not [p for p in files if KEY.encode() in p.read_bytes()]
    if not settings:
        assert (done.returncode == 0 and (here / "p.yaml").exists()) or "the client was late" in done.stderr


@pytest.mark.parametrize("key", ["", "line\nbreak", "kéy"])
def test_a_key_that_no_header_can_carry(here: Path, server: Server, key: str) -> None:
    done = tco(here, "trace.jsonl", "--url", server.url, "--api-key", key)
    assert done.returncode == 2 and "key" in done.stderr
    assert not key or key not in done.stderr


def test_help_does_not_show_the_key_of_the_environment(here: Path) -> None:
    for arguments in (
        ("--help",),
        ("summarize", "--help"),
        ("trace.jsonl",),
        ("trace.jsonl", "--url", "x", "--seed", "y"),
    ):
        done = tco(here, *arguments, TCO_API_KEY=KEY)
        assert KEY not in done.stdout + done.stderr


# -- the profile ------------------------------------------------------------------------------------------------------


def test_a_closed_loop_writes_a_profile_with_what_the_gpus_drew(here: Path) -> None:
    (here / "first" / "pynvml.py").write_text(
        "class NVMLError(Exception): pass\n"
        "def nvmlInit(): pass\n"
        "def nvmlShutdown(): pass\n"
        "def nvmlDeviceGetCount(): return 1\n"
        "def nvmlDeviceGetHandleByIndex(i): return i\n"
        "def nvmlDeviceGetName(h): return 'Fake H200'\n"
        "def nvmlSystemGetDriverVersion(): return '580.1'\n"
        "def nvmlDeviceGetPowerUsage(h): return 512_000\n"
        "class nvmlDeviceGetUtilizationRates:\n"
        "    def __init__(self, h): self.gpu = 80\n"
    )
    evenly(here / "trace.jsonl", 300, per_s=40)
    with fault_server(service_ms=10) as own:
        done = tco(here, "trace.jsonl", "--url", own.url, "--concurrency", "16", "-o", "p.yaml", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["gpu"] == "Fake H200"
    assert found["run"]["completed_per_s"] == pytest.approx(1 / 0.010, rel=0.02)
    text = (here / "p.yaml").read_text()
    assert "gpu: Fake H200" in text and "gpu_watts_busy: 512" in text and 'driver: "580.1"' in text
    assert "method: closed loop" in text and "concurrency: 16" in text


def test_a_second_profile_is_one_more_entry(here: Path, server: Server) -> None:
    options = ("--url", server.url, "--concurrency", "4", "--gpu", "CPU", "-o", "p.yaml")
    evenly(here / "trace.jsonl", 300, per_s=40)
    assert tco(here, "trace.jsonl", *options, "--journal", "a.jsonl").returncode == 0
    before = (here / "p.yaml").read_text()
    again = tco(here, "summarize", "a.jsonl", "-o", "p.yaml", "--gpu", "CPU")
    assert again.returncode == 2 and "--name" in again.stderr and again.stdout, "the report is there all the same"
    assert (here / "p.yaml").read_text() == before
    assert tco(here, "summarize", "a.jsonl", "-o", "p.yaml", "--gpu", "CPU", "--name", "other").returncode == 0
    after = (here / "p.yaml").read_text()
    assert after.startswith(before.rstrip("\n")) and "\n  other:\n" in after


def test_what_is_inconclusive_is_no_profile(here: Path, server: Server) -> None:
    done = punctual(here, "trace.jsonl", "--url", server.url, "--slo", "ttft_p99=10s", "-o", "p.yaml", "--gpu", "CPU")
    assert done.returncode == 4
    assert "459" in done.stderr, "so many requests prove a p99 without a miss"
    assert not (here / "p.yaml").exists()
