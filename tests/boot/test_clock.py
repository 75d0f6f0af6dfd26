"""The clocks: which one tells the time on which machine, that it runs at the speed
of the tick, and the date. tests/guest/clock.c says what programs see of it;
that system_time() and the call agree is usertests' to check, here on each source.
"""

import re
import time

import pytest

QEMU = {"direct": True}
BOCHS = {"emulator": "bochs", "timeout": 300}
ISAPC = {"options": ("--emulator-arg=-machine", "--emulator-arg=isapc"), **QEMU}
MAX = {"cpu": "max", **QEMU}

# The machine, the interrupt controller, the clock.
MACHINES = {
    "qemu32": ({"cpu": "qemu32", **QEMU}, "apic, 1 processors", "acpi"),
    "four": ({"cpu": "qemu32", "options": ("--smp", "4"), **QEMU}, "apic, 4 processors", "acpi"),
    "pentium": ({"cpu": "pentium", **QEMU}, "apic, 1 processors", "acpi"),
    "486": ({"cpu": "486", **QEMU}, "8259, this cpu has no apic", "acpi"),
    "isapc": ({"cpu": "qemu32", **ISAPC}, "8259, acpi lists no apic", "pit"),
    "isapc-486": ({"cpu": "486", **ISAPC}, "8259, this cpu has no apic", "pit"),
    "max": (MAX, "apic, 1 processors", "acpi"),
    "max-invariant": ({"append": "tsc=invariant", **MAX}, "apic, 1 processors", "tsc"),
    "max-off": ({"append": "tsc=off", **MAX}, "apic, 1 processors", "acpi"),
    # Without LFENCE, or without a counter, the option changes nothing.
    "pentium-invariant": ({"cpu": "pentium", "append": "tsc=invariant", **QEMU},
                          "apic, 1 processors", "acpi"),
    "486-invariant": ({"cpu": "486", "append": "tsc=invariant", **QEMU},
                      "8259, this cpu has no apic", "acpi"),
    "q35": ({"cpu": "max", "append": "tsc=invariant",
             "options": ("--smp", "4", "--emulator-arg=-machine", "--emulator-arg=q35"), **QEMU},
            "apic, 4 processors", "tsc"),
}
BOCHS_MACHINES = {
    "bochs-p3": ({"cpu": "p3_katmai", **BOCHS}, "apic, 1 processors", "acpi"),
    "bochs-haswell": ({"cpu": "corei7_haswell_4770", **BOCHS}, "apic, 1 processors", "tsc"),
    "bochs-haswell-off": ({"cpu": "corei7_haswell_4770", "append": "tsc=off", **BOCHS},
                          "apic, 1 processors", "acpi"),
}
FREQUENCIES = {"acpi": "3.579545", "pit": "1.193182"}

SLEEP = 200000
DAY = 86400


def check_clock(boot, machine, interrupts, clock):
    run = boot("clock", **machine)
    assert run.status == 0, run
    assert run.lines("interrupts: ") == [f"interrupts: {interrupts}"], run
    line, = run.lines("clock: ")
    match = re.fullmatch(r"clock: (tsc|acpi|pit), (\d+\.\d{6}) MHz", line)
    assert match and match.group(1) == clock, run
    if clock in FREQUENCIES:
        assert match.group(2) == FREQUENCIES[clock], run

    said = dict(re.findall(r"^(.*): (.*)$", run.stdout.decode(), re.MULTILINE))
    assert said["time data"] == ("yes" if clock == "tsc" else "no"), run
    # Tick and clock count by themselves: a clock of another speed shows here.
    assert SLEEP <= int(said["sleep"]) < SLEEP * 3 // 2, run
    return int(said["date"])


@pytest.mark.parametrize("name", MACHINES)
def test_source(boot, name):
    # QEMU's date is the host's, and in UTC.
    assert abs(check_clock(boot, *MACHINES[name]) - time.time()) < 300


@pytest.mark.slow
@pytest.mark.parametrize("name", BOCHS_MACHINES)
def test_source_bochs(boot, name):
    # Bochs has the host's local time, which goes on as fast as the guest does.
    assert abs(check_clock(boot, *BOCHS_MACHINES[name]) - time.time()) < DAY


@pytest.mark.parametrize("date,seconds", (
    ("2030-02-03T04:05:06", 1896321906), ("1999-12-31T23:30:00", 946683000),
    ("2000-02-29T12:00:00", 951825600), ("2069-12-31T00:00:00", 3155673600)))
def test_date(boot, date, seconds):
    run = boot("clock", options=("--emulator-arg=-rtc", f"--emulator-arg=base={date}"), **QEMU)
    said = dict(re.findall(r"^(.*): (.*)$", run.stdout.decode(), re.MULTILINE))
    assert 0 <= int(said["date"]) - seconds < 300, run


@pytest.mark.slow
def test_turns(boot):
    """QEMU's ACPI timer has 24 bits, and turns in 4.7 s."""
    run = boot("clock", "long", **QEMU)
    assert run.lines("clock: acpi"), run
    said = dict(re.findall(r"^(.*): (.*)$", run.stdout.decode(), re.MULTILINE))
    assert 6000000 <= int(said["sleep"]) < 9000000, run


TIME_TESTS = ("time_agrees", "time_between_threads", "time_real", "snooze_never_early",
              "snooze_many")


@pytest.mark.parametrize("name", ("max", "max-invariant", "isapc", "q35"))
def test_agreement(boot, name):
    machine, _, clock = MACHINES[name]
    run = boot("usertests", *TIME_TESTS, **machine)
    line, = run.lines("clock: ")
    assert line.startswith(f"clock: {clock},"), run
    assert run.status == 0, run
    assert run.stdout.endswith(b"%d passed, 0 failed\n" % len(TIME_TESTS)), run
