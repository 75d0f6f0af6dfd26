"""The benchmark (tools/bench.py, tests/bench/figures) runs to its end and has every
row; what its figures are is not tested."""

import json
import re
import subprocess
import sys

import booting
import pytest

PROGRAM = booting.BUILD / "bench" / "bin" / "figures"
FILES = [(PROGRAM, "/bin/figures")]


def documented_rows(heading="| row | a sample is |"):
    """The names in the first column of the table of rows in docs/benchmarks.md."""
    text = (booting.TOP / "docs" / "benchmarks.md").read_text()
    table = text.partition(heading)[2].partition("\n\n")[0]
    return [name for line in table.splitlines()[2:]
            for name in re.findall(r"`([^`]+)`", line.split("|")[1])]


def run_bench(*arguments):
    return subprocess.run(
        [sys.executable, str(booting.TOP / "tools" / "bench.py"), "--build", str(booting.BUILD),
         "--accel", "tcg", "--runs", "1", *arguments],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)


@pytest.mark.slow
def test_every_row(tmp_path):
    path = tmp_path / "report.json"
    done = run_bench("--samples", "5", "--no-ports", "--json", str(path))
    assert done.returncode == 0, done.stderr
    report = json.loads(path.read_text())
    assert re.fullmatch(r"QEMU \d[\d.]+", report["machine"]["emulator"])
    assert report["machine"]["cpu"] == "qemu32" and report["machine"]["accelerator"] == "TCG"
    assert done.stdout.startswith(f"{report['machine']['kernel']}, {report['machine']['emulator']},"
                                  " TCG, CPU model qemu32;")
    skipped = {row["name"]: row["reason"] for row in report["skipped"]}
    for name in skipped:
        assert name == "system-time-commpage" or name.startswith("smp-"), skipped
    rows = {(row["name"], row["entry"]): row for row in report["rows"]}
    names = documented_rows()
    assert len(names) > 15
    assert set(rows) == {(name, entry) for name in names if name not in skipped
                         for entry in ("sysenter", "int99")}
    for row in rows.values():
        assert 0 < row["cycles_min"] <= row["cycles_median"], row
        if row["name"].startswith("smp-"):
            assert row["instructions"] is None, row
        else:
            assert row["instructions"] > 0, row
        assert re.search(rf"^{row['name']} +{row['unit']} .*\b{row['cycles_min']} +"
                         rf"{row['cycles_median']}\b", done.stdout, re.MULTILINE), row
    # The door's own figure, which -icount makes exact.
    assert rows["null-call", "sysenter"]["instructions"] <= 40


def test_chosen_rows():
    done = run_bench("--samples", "5", "null", "yield-a")
    assert done.returncode == 0, done.stderr
    assert re.findall(r"^[a-z-]+(?= +call )", done.stdout, re.MULTILINE) == [
        "null-call", "yield-alone"]


@pytest.mark.parametrize("name", ("nothing-of-the-kind", "smp-nothing"))
def test_unknown_row(name):
    done = run_bench(name)
    assert done.returncode == 1
    assert f"there is no row {name}; there are: null-call" in done.stderr


def test_without_counter(boot):
    run = boot("figures", cpu="486", direct=True, files=FILES)
    assert run.status == 3, run
    assert run.stdout.startswith(b"cycles cannot be measured: this processor"), run
    done = run_bench("--cpu", "486", "null-call")
    assert done.returncode == 1
    assert "no time-stamp counter" in done.stderr


def test_without_sysenter():
    """One entry is measured, and the other's absence said."""
    done = run_bench("--samples", "5", "--cpu", "pentium", "null-call")
    assert done.returncode == 0, done.stderr
    assert "note: CPU model pentium has no SYSENTER" in done.stdout
    assert re.search(r"^null-call +call +- +- +- +\d+ +\d+ +\d+$", done.stdout, re.MULTILINE)


# ---- The ports' own benchmarks ------------------------------------------------------------


PORT_ROWS = documented_rows("| row of the ports | seconds of |")


@pytest.mark.full
@pytest.mark.slow
def test_ports(tmp_path):
    """Each port's benchmark has run, all of it, by both entries; SQLite's the least there is."""
    for path in ("bench/speedtest1", "root/bin/bc", "root/bin/tcc"):
        if not (booting.BUILD / "ports" / path).is_file():
            pytest.skip(f"`make ports` has not made {path}")
    path = tmp_path / "report.json"
    done = run_bench("--size", "1", "--json", str(path), "sqlite", "bc", "tcc-speed")
    assert done.returncode == 0, done.stderr
    report = json.loads(path.read_text())
    rows = {(row["name"], row["entry"]): row for row in report["ports"]}
    assert set(rows) == {(name, entry) for name in PORT_ROWS for entry in ("sysenter", "int99")}
    assert report["rows"] == [] and report["skipped"] == []
    for (name, _), row in rows.items():
        parts = row["parts"]
        assert 0 < row["seconds"] <= sum(parts.values()) + 0.1, row
        if name.startswith("sqlite"):
            assert len(parts) == 32 and "990 - ANALYZE" in parts, row
        elif name == "bc-timetest":
            assert list(parts) == ["exp", "ln", "sine", "atan", "sqrt"]
        else:
            assert list(parts) == ["compile-ex2", "ex2", "compile-ex3", "ex3"]
        assert re.search(rf"^{name} .*\b{row['seconds']:.3f}\b", done.stdout, re.MULTILINE), row


def test_ports_that_are_not_built(tmp_path):
    """Each is left out, with the reason; the command still succeeds."""
    for name in ("postern.iso", "postern.elf", "system.tar", "bench"):
        (tmp_path / name).symlink_to(booting.BUILD / name)
    done = run_bench("--build", str(tmp_path), "sqlite-ram", "bc")
    assert done.returncode == 0, done.stderr
    for name in ("sqlite-ram", "bc-timetest"):
        assert f"{name}: not measured: `make ports` has not made ports/" in done.stdout


def test_ports_are_documented():
    shown = subprocess.run([sys.executable, "-c", "import bench_ports; print(*bench_ports.ROWS)"],
                           cwd=booting.TOP / "tools", check=True, capture_output=True,
                           text=True).stdout.split()
    assert PORT_ROWS == shown
