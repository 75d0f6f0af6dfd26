"""What several processors do at the same moment; tests/guest/processors.c has the
programs. What they do to each other in a longer time is test_usertests.py's."""

import re
import shutil
import subprocess

import pytest

import booting

WRITERS, LINES = 4, 60
FAULTS = 8
WATCHERS = 16
OPTIONS = {"smp": 4, "direct": True, "timeout": 150}


def watched():
    """The kernel's option for the word that the program watches."""
    nm = next(filter(None, map(shutil.which, ("llvm-nm", "llvm-nm-14", "nm"))))
    text = subprocess.run([nm, booting.guest_program("processors")], stdout=subprocess.PIPE,
                          text=True, check=True).stdout
    address, = (line.split()[0] for line in text.splitlines() if line.endswith(" gWatched"))
    return f"watch=0x{address},w,4"


def test_lines_stay_whole(boot):
    run = boot("processors", "write", **OPTIONS)
    lines = run.stdout.decode().splitlines()
    whole = [line for line in lines if re.fullmatch(r"([a-d])\1{498}", line)]
    assert len(whole) == WRITERS * LINES, run.status
    assert lines == sorted(lines, key=lambda line: line.startswith("wrote:")), run.status
    assert (lines[-1], len(lines), run.status) == (f"wrote: {WRITERS}", WRITERS * LINES + 1, 0)


def test_fault_reports_stay_whole(boot):
    run = boot("processors", "fault", **OPTIONS)
    assert (run.stdout, run.status) == (b"fell: %d\n" % FAULTS, 0), run
    # What stands behind each: where, three lines of registers, and who called whom.
    reports = re.findall(r"^fault: /bin/processors: .*\n"
                         r"  0x\w+ fall\+.*\n  eax .*\n  esi .*\n  eip .*\n  called from\n"
                         r"(?:  0x\w+ (?!_start).*\n)*  0x\w+ _start\+.*\n", run.log, re.MULTILINE)
    assert len(reports) == FAULTS, run


def test_watchpoint_on_each(boot):
    run = boot("processors", "watch", append=watched(), **OPTIONS)
    assert (run.stdout, run.status) == (b"caught: %d\n" % WATCHERS, 0), run


@pytest.mark.slow
def test_stack_addresses_go_round(boot):
    run = boot("processors", "churn", **OPTIONS)
    assert (run.stdout, run.status) == (b"failures: 0\n", 0), run


@pytest.mark.slow
def test_signals_beside_ends(boot):
    run = boot("processors", "signals", **OPTIONS)
    assert (run.stdout, run.status) == (b"taken: 300 of 300\n", 0), run


@pytest.mark.parametrize("smp", (2, 4, 16))
def test_end_while_others_run(boot, smp):
    run = boot("processors", "end", **{**OPTIONS, "smp": smp})
    assert run.status == 7, run
    assert run.log.endswith("power: off, status 7\n"), run


# Processors, the option, and how many run.
@pytest.mark.parametrize("smp, option, running", ((4, "cpus=1", 1), (4, "cpus=3", 3),
                                                  (2, "cpus=16", 2), (16, "", 16)))
def test_how_many(boot, smp, option, running):
    run = boot("processors", "fault", smp=smp, append=option, direct=True, timeout=150)
    assert (run.stdout, run.status) == (b"fell: %d\n" % FAULTS, 0), run
    assert run.lines("cpus: ") == [f"cpus: {running} of {smp}"], run
