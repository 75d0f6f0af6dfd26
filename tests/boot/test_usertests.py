"""tests/guest/usertests on the machines that differ: its tests of processes,
threads, memory and futexes, and its soak (POSTERN_SOAK_SECONDS says how long).
"""

import os
import re

import pytest

import bad_programs
import booting

MACHINES = (
    {"cpu": "qemu32"},
    {"cpu": "qemu32", "syscall": "int"},
    {"cpu": "486"},
    {"cpu": "max"},
)
MORE_MACHINES = (
    {"cpu": "pentium"},
    {"cpu": "pentium2"},
    {"cpu": "qemu32,-sep"},
    # Limits are met in another order where there is little memory, or more of it
    # than a process can map.
    {"options": ("--memory", "24")},
    {"options": ("--memory", "64")},
    {"options": ("--memory", "1500")},
)
BOCHS = {"emulator": "bochs", "cpu": "p3_katmai"}

SOAK_SECONDS = int(os.environ.get("POSTERN_SOAK_SECONDS", "60"))

SECONDS = 100
BOCHS_SECONDS = 900


def name_of(machine):
    return "-".join(" ".join(value) if isinstance(value, tuple) else value
                    for value in machine.values())


def names_in_source():
    """The names in the one table that there is of them."""
    text = (booting.TOP / "tests/guest/usertests/usertests.h").read_text()
    return re.findall(r"\bX\((\w+)\)", text)


def check(run, names):
    """All have passed, and each of them has run. The first line that is not
    `ok` is the best message; a test that hangs is the last one named."""
    results = re.findall(r"^(\w+): (.*)$", run.stdout.decode(errors="replace"), re.MULTILINE)
    wrong = [f"{name}: {result}" for name, result in results if result != "ok"]
    assert not wrong, run
    assert run.stdout.endswith(b"%d passed, 0 failed\n" % len(names)), run
    assert [name for name, _ in results if name != "warming_up"] == names, run
    assert run.status == 0, run


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return bad_programs.make(tmp_path_factory.mktemp("bad"))


def run_all(boot, files, machine, timeout=SECONDS):
    direct = machine.get("emulator", "qemu") == "qemu"
    check(boot("usertests", files=files, direct=direct, timeout=timeout, **machine),
          names_in_source())


@pytest.mark.slow
@pytest.mark.parametrize("machine", MACHINES, ids=name_of)
def test_all(boot, files, machine):
    run_all(boot, files, machine)


@pytest.mark.full
@pytest.mark.slow
@pytest.mark.parametrize("machine", MORE_MACHINES, ids=name_of)
def test_all_more(boot, files, machine):
    run_all(boot, files, machine)


@pytest.mark.full
@pytest.mark.slow
def test_all_bochs(boot, files):
    run_all(boot, files, BOCHS, BOCHS_SECONDS)


@pytest.mark.full
@pytest.mark.slow
@pytest.mark.parametrize("machine", MACHINES, ids=name_of)
def test_soak(boot, machine):
    run = boot("usertests", "--soak", str(SOAK_SECONDS), direct=True,
               timeout=SOAK_SECONDS + SECONDS, **machine)
    check(run, ["soak"])


def test_by_name(boot):
    run = boot("usertests", "wait_status", "parent_numbers", direct=True)
    check(run, ["wait_status", "parent_numbers"])


def test_list(boot):
    run = boot("usertests", "--list", direct=True)
    assert (run.status, run.stdout.decode().split()) == (0, names_in_source()), run


def test_wrong_name(boot):
    run = boot("usertests", "wait_status", "no_such_test", direct=True)
    assert (run.status, run.stdout) == (2, b"there is no test no_such_test\n"), run


def test_threads_app(boot):
    """The example of closures: what it prints, whatever the order."""
    run = boot("threads", direct=True)
    lines = run.stdout.decode().splitlines()
    assert sorted(lines[:-1]) == [
        f"thread {i}: {i * 25 + 1} to {i * 25 + 25} make {i * 625 + 325}" for i in range(4)], run
    assert (run.status, lines[-1]) == (0, "1 to 100 make 5050"), run


def test_no_word_is_missed(tmp_path):
    """Every file that the guest expects is made, and no other."""
    text = (booting.TOP / "tests/guest/usertests/programs.c").read_text()
    table = re.search(r"kBadFiles\[\] = \{(.*?)\};", text, re.DOTALL).group(1)
    made = [guest.removeprefix("/bad/") for _, guest in bad_programs.make(tmp_path)]
    assert sorted(re.findall(r'"(\w+)"', table) + ["good"]) == sorted(made)
