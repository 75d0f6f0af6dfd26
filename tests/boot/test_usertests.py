"""tests/guest/usertests on the machines that differ: its tests of processes,
threads, memory and futexes, and its soak (POSTERN_SOAK_SECONDS says how long).
"""

import concurrent.futures
import os
import re

import pytest

import bad_programs
import booting

MACHINES = (
    {"cpu": "qemu32"},
    {"cpu": "486"},
    {"cpu": "max", "smp": 4, "append": "schedule=random:1"},
)
HAVE_APIC = ("pentium", "pentium2", "qemu32", "max")
MORE_MACHINES = (
    {"cpu": "qemu32", "syscall": "int"},
    {"cpu": "max"},
    {"cpu": "pentium"},
    {"cpu": "pentium2"},
    {"cpu": "qemu32,-sep"},
    # Limits are met in another order where there is little memory, or more of it
    # than a process can map.
    {"options": ("--memory", "little")},
    {"options": ("--memory", "64")},
    {"options": ("--memory", "1500")},
    {"options": ("--memory", "64"), "smp": 4},
    # Without an APIC the others are not there.
    {"cpu": "max", "smp": 4, "append": "cpus=3"},
    {"cpu": "max", "smp": 4, "append": "nx=off"},
    {"cpu": "qemu32", "smp": 2, "syscall": "int"},
    *({"cpu": cpu, "smp": smp} for cpu in HAVE_APIC for smp in (2, 4)),
    *({"cpu": cpu, "smp": smp, "append": f"schedule=random:{seed}"}
      for cpu, seed in (("qemu32", 2), ("max", 0xdecaf)) for smp in (1, 2, 4)),
    *({"cpu": "qemu32", "smp": 4, "append": f"schedule=random:{seed:#x}"}
      for seed in (3, 0x5eed, 0xffffffff)),
)
BOCHS = {"emulator": "bochs", "cpu": "p3_katmai"}
# Bochs runs its processors in turns on one of the host's: those tests that several
# processors are for.
BOCHS_SMP_NAMES = ["futex_hammer", "locks_hammered", "remap_zeros", "protect_is_seen",
                   "same_addresses", "fpu_crowd", "time_crowd", "kill_blocked",
                   "signal_between_calls"]

# Ten minutes on each number of processors; less where another CPU is all that differs.
SOAK_SECONDS = int(os.environ.get("POSTERN_SOAK_SECONDS", "600"))
SHORT_SOAK_SECONDS = min(SOAK_SECONDS, 60)
SOAK_MACHINES = tuple(
    {"cpu": "max", "smp": smp, "append": f"schedule=random:{smp}"} for smp in (4, 2, 1))
SHORT_SOAK_MACHINES = (
    {"cpu": "qemu32", "syscall": "int"},
    {"cpu": "486"},
    {"cpu": "pentium", "smp": 2},
    {"cpu": "qemu32", "smp": 4},
)

# For one processor. Those of the guest share the host's, and wait for each other.
SECONDS = 300
SECONDS_EACH_MORE = 100
BOCHS_SECONDS = 1200


def name_of(machine):
    return "-".join(" ".join(value) if isinstance(value, tuple)
                    else f"smp{value}" if name == "smp" else value
                    for name, value in machine.items())


def seconds_for(machine):
    return SECONDS + SECONDS_EACH_MORE * (machine.get("smp", 1) - 1)


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


def with_memory(machine):
    """Little is some 14 MiB that nobody has: beside the kernel, and an archive that is as
    large as the ports which are built."""
    if machine.get("options") != ("--memory", "little"):
        return machine
    archive = (booting.BUILD / "system.tar").stat().st_size
    return {**machine, "options": ("--memory", str(archive // 2**20 + 1 + 15))}


def run_all(boot, files, machine, timeout=None):
    machine = with_memory(machine)
    timeout = timeout or seconds_for(machine)
    direct = machine.get("emulator", "qemu") == "qemu"
    loose = machine.get("smp", 1) > 1 or "schedule=random" in machine.get("append", "")
    check(boot("usertests", *(["--loose"] if loose else []), files=files, direct=direct, timeout=timeout, **machine),
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
@pytest.mark.longest
def test_all_bochs(boot, files):
    run_all(boot, files, BOCHS, BOCHS_SECONDS)


@pytest.mark.full
@pytest.mark.slow
def test_bochs_two_processors(boot):
    run = boot("usertests", "--loose", *BOCHS_SMP_NAMES, direct=False, smp=2, timeout=300, **BOCHS)
    results = re.findall(r"^(\w+): ok$", run.stdout.decode(errors="replace"), re.MULTILINE)
    assert [name for name in results if name != "warming_up"] == BOCHS_SMP_NAMES, run
    assert run.status == 0, run


@pytest.mark.slow
def test_bochs_fpu(boot):
    """A processor without FXSAVE, whose x87 raises what is left to the next instruction
    that waits: QEMU's does that at FWAIT only."""
    names = ["fpu_first_state", "fpu_exception_left"]
    check(boot("usertests", *names, emulator="bochs", cpu="pentium", timeout=300), names)


def run_soak(boot, machine, seconds, seed):
    # The guest's seconds: on a busy host, where ticks get lost, they are longer.
    run = boot("usertests", "--soak", str(seconds), str(seed), direct=True,
               timeout=3 * seconds + seconds_for(machine), **machine)
    check(run, ["soak"])


@pytest.mark.full
@pytest.mark.slow
@pytest.mark.longest
def test_soak(boot):
    """Side by side: it is their clocks that say when it ends."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for run in [pool.submit(run_soak, boot, machine, SOAK_SECONDS, 1000 + machine["smp"])
                    for machine in SOAK_MACHINES]:
            run.result()


@pytest.mark.full
@pytest.mark.slow
@pytest.mark.parametrize("machine", SHORT_SOAK_MACHINES, ids=name_of)
def test_soak_elsewhere(boot, machine):
    run_soak(boot, machine, SHORT_SOAK_SECONDS, 1)


@pytest.mark.slow
def test_soak_a_moment(boot):
    run_soak(boot, {"cpu": "max", "smp": 2, "append": "schedule=random:3"}, 5, 3)


# Options; how many processes beside the two that count, MiB, and whether brk() moves.
LIMITS = (
    (("processes=20",), 18, None, "moves"),
    (("processes=2",), 0, None, "moves"),
    (("processes=600",), None, None, "moves"),
    (("process-memory=40",), 254, 31, "stays"),
    (("processes=300", "process-memory=100"), 298, 91, "stays"),
)


@pytest.mark.parametrize("options,processes,mebibytes,moves", LIMITS,
                         ids=[" ".join(case[0]) for case in LIMITS])
def test_limits(boot, options, processes, mebibytes, moves):
    """Each ends in its own error, which is EAGAIN or ENOMEM; the machine goes on."""
    run = boot("usertests", "--limits", direct=True, append=options)
    found = re.fullmatch(r"(\d+) processes, then (-11|-12)\n(\d+) MiB, then -12\n"
                         r"brk (moves|stays)\n(\d+) threads, then (-11|-12)\n",
                         run.stdout.decode())
    assert run.status == 0 and found, run
    assert found.group(4) == moves, run
    if processes is not None:
        assert (int(found.group(1)), found.group(2)) == (processes, "-11"), run
    else:
        assert int(found.group(1)) > 254, run
    if mebibytes is not None:
        # What the program itself is counts, too; a thread's stack is 256 KiB of it.
        assert int(found.group(3)) == mebibytes, run
        assert mebibytes * 4 <= int(found.group(5)) < mebibytes * 4 + 4, run


def test_out_of_memory_is_told(boot):
    """Who touches a page that there is no memory for has done nothing wrong."""
    run = boot("usertests", "out_of_memory", direct=True, options=["--memory", "24"])
    assert run.status == 0, run
    reports = run.lines("fault: ")
    assert reports and all(re.fullmatch(r"fault: /bin/usertests: out of memory: no page for "
                                        r"0x[0-9a-f]{8}, which it writes to", line)
                           for line in reports), run


def test_too_little_memory_for_a_program(boot):
    run = boot("hello", direct=True, append="process-memory=1")
    assert run.status == booting.NO_PROGRAM, run
    assert run.lines("process: /bin/hello: not enough memory"), run


def test_wrong_limits(boot):
    words = ("processes=1", "threads=many", "process-memory=-1", "cpus=0", "schedule=random:")
    run = boot("hello", direct=True, append=words)
    assert (run.status, run.stdout) == (0, booting.HELLO), run
    for word in words:
        assert run.lines(f"options: bad value of a kernel option: {word}"), run


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
    tables = "".join(re.findall(r"k(?:Bad|Good)Files\[\] = \{(.*?)\};", text, re.DOTALL))
    made = [guest.removeprefix("/bad/") for _, guest in bad_programs.make(tmp_path)]
    assert sorted(re.findall(r'"(\w+)"', tables) + ["large"]) == sorted(made)
