"""The real ISO on CPUs old and new: which way in the kernel takes, and that the
programs see no difference."""

import re

import pytest

import booting

# (QEMU's CPU model, vendor, family, model, stepping, sep, entry). TCG executes
# SYSENTER even where CPUID hides it, so the log's line is what tells; Bochs
# below does not. None: what QEMU's version makes of it.
CPUS = (
    ("486", "GenuineIntel", 4, 8, 0, "no", "int99"),
    ("pentium", "GenuineIntel", 5, 4, 3, "no", "int99"),
    ("qemu32,-sep", "GenuineIntel", 6, 6, 3, "no", "int99"),
    ("pentium2", "GenuineIntel", 6, 5, 2, "yes", "sysenter"),
    ("qemu32", "GenuineIntel", 6, 6, 3, "yes", "sysenter"),
    ("max", None, None, None, None, "yes", "sysenter"),
    # A Pentium Pro of a later stepping, which Intel's own test lets pass.
    ("pentium3,model=1,stepping=9", "GenuineIntel", 6, 1, 9, "yes", "int99"),
    ("pentium3,model=3,stepping=3", "GenuineIntel", 6, 3, 3, "yes", "sysenter"),
    ("athlon", "AuthenticAMD", 6, 2, 3, "yes", "sysenter"),
)

# (Bochs's CPU model, family, model, stepping, sep, entry)
BOCHS_CPUS = (
    ("pentium", 5, 4, 3, "no", "int99"),
    ("p3_katmai", 6, 7, 3, "yes", "sysenter"),
)

PROGRAMS = {
    "hello": booting.HELLO,
    "is_computer_on": b"The computer is on\n",
    "echo": b"The number was: 0xDEADBEEF\n",
}


def check_log(run, cpu, entry):
    """DESIGN.md's two lines, exactly once; `cpu` is a regular expression."""
    line, = run.lines("cpu: ")
    assert re.fullmatch(f"cpu: {cpu}", line), line
    assert booting.entry_used(run) == entry, run
    line, = run.lines("syscall: entry ")
    assert line.endswith(f", {booting.syscall_count()} calls")
    assert run.log.count("cpu: ") == 1 and run.log.count("syscall: entry") == 1


def cpu_line(vendor, family, model, stepping, sep):
    if vendor is None:
        return rf"\w+ family \d+ model \d+ stepping \d+, sep {sep}"
    return f"{vendor} family {family} model {model} stepping {stepping}, sep {sep}"


@pytest.mark.parametrize("cpu", CPUS, ids=[cpu[0] for cpu in CPUS])
def test_qemu(boot, cpu):
    name, *identity, entry = cpu
    for program, expected in PROGRAMS.items():
        run = boot(program, cpu=name)
        assert (run.stdout, run.status) == (expected, 0), run
        check_log(run, cpu_line(*identity), entry)


@pytest.mark.slow
@pytest.mark.parametrize("cpu", BOCHS_CPUS, ids=[cpu[0] for cpu in BOCHS_CPUS])
def test_bochs(boot, cpu):
    name, *identity, entry = cpu
    for program, expected in PROGRAMS.items():
        run = boot(program, emulator="bochs", cpu=name)
        assert (run.stdout, run.status) == (expected, 0), run
        check_log(run, cpu_line("GenuineIntel", *identity), entry)


def test_bochs_forced(boot):
    run = boot("hello", emulator="bochs", cpu="p3_katmai", syscall="int")
    assert (run.stdout, run.status) == (booting.HELLO, 0), run
    assert booting.entry_used(run) == "int99"

    run = boot("hello", emulator="bochs", cpu="pentium", syscall="sysenter")
    check_sysenter_refused(run, "GenuineIntel family 5 model 4 stepping 3")


@pytest.mark.full
@pytest.mark.parametrize("cpu", ("bx_generic", "pentium_mmx", "amd_k6_2_chomper", "p2_klamath",
                                 "p4_willamette", "athlon64_clawhammer", "core2_penryn_t9600",
                                 "corei7_haswell_4770", "ryzen"))
def test_more_of_bochs(boot, cpu):
    """Whatever it has, the way in is the one that CPUID's line calls for."""
    run = boot("hello", emulator="bochs", cpu=cpu)
    assert (run.stdout, run.status) == (booting.HELLO, 0), run
    has_sep = run.lines("cpu: ")[0].endswith("sep yes")
    assert booting.entry_used(run) == ("sysenter" if has_sep else "int99"), run


@pytest.mark.full
@pytest.mark.parametrize("cpu", ("pentium3", "coreduo", "n270", "phenom", "Nehalem", "Haswell",
                                 "EPYC", "qemu64", "kvm32"))
def test_more_of_qemu(boot, cpu):
    run = boot("hello", cpu=cpu)
    assert (run.stdout, run.status) == (booting.HELLO, 0), run
    assert booting.entry_used(run) == "sysenter", run


# ---- Forced ways ---------------------------------------------------------------

def check_sysenter_refused(run, cpu):
    assert run.status == booting.PANIC, run
    line, = run.lines("panic: ")
    assert "syscall=sysenter" in line and cpu in line, run
    assert booting.HELLO not in run.stdout
    # A panic is on the programs' console as well.
    assert line.encode() in run.stdout


@pytest.mark.parametrize("syscall,entry", (("int", "int99"), ("sysenter", "sysenter"),
                                           ("auto", "sysenter")))
def test_forced(boot, syscall, entry):
    run = boot("hello", cpu="qemu32", syscall=syscall)
    assert (run.stdout, run.status) == (booting.HELLO, 0), run
    assert booting.entry_used(run) == entry


@pytest.mark.parametrize("cpu,identity", (
    ("486", "family 4 model 8"),
    ("pentium", "family 5 model 4"),
    ("qemu32,-sep", "family 6 model 6"),
    ("pentium3,model=1,stepping=9", "family 6 model 1"),
))
def test_sysenter_refused(boot, cpu, identity):
    check_sysenter_refused(boot("hello", cpu=cpu, syscall="sysenter"), identity)


@pytest.mark.parametrize("program", ("hello", "is_computer_on", "echo", "args", "bytes"))
def test_ways_are_equal(boot_both, program):
    """What a program prints and returns is the same, whichever the way in."""
    fast, slow = boot_both(program)
    assert (fast.stdout, fast.status) == (slow.stdout, slow.status)
    assert fast.status == 0 and fast.stdout != b""


def test_get_info(boot_both):
    for run in boot_both("info"):
        assert run.status == 0, run
        info = run.stdout.decode().splitlines()
        assert info[0] == f"entry {booting.entry_used(run)}"
        assert run.lines("cpu: ")[0] == info[1].replace("cpu ", "cpu: ") + ", sep yes"
        assert info[2] == f"calls {booting.syscall_count()}"
        page, total, free = map(int, re.findall(r"\d+", info[3]))
        assert page == 4096 and 0 < free < total <= 128 * 256
        number, text = info[4].removeprefix("version ").split(" ", 1)
        assert text == f"Postern {number}" and run.lines(f"kernel: {text}")


# ---- KVM -----------------------------------------------------------------------

@pytest.mark.parametrize("cpu", ("host", "qemu32,-sep"))
def test_kvm(boot, cpu):
    run = boot("hello", accel="kvm", cpu=cpu)
    if run.status == booting.NOT_STARTED and run.lines("boot.py: --accel kvm: "):
        pytest.skip(run.lines("boot.py: ")[0].removeprefix("boot.py: "))
    assert (run.stdout, run.status) == (booting.HELLO, 0), run
    assert booting.entry_used(run) == ("sysenter" if cpu == "host" else "int99")


def test_accel_auto_always_runs(boot):
    run = boot("hello", accel="auto")
    assert (run.stdout, run.status) == (booting.HELLO, 0), run


# ---- Memory ---------------------------------------------------------------------

@pytest.mark.parametrize("direct", (False, True), ids=("grub", "direct"))
@pytest.mark.parametrize("mib", (32, 128, 512, 1024, 3000))
def test_memory(boot, mib, direct):
    """It boots and uses what there is, up to the 768 MiB that the kernel maps."""
    run = boot("info", direct=direct, options=["--memory", str(mib)])
    assert run.status == 0, run
    found = re.fullmatch(r"memory: (\d+) MiB found by multiboot[12].*", run.lines("memory: ")[0])
    assert found, run
    assert mib - 4 <= int(found.group(1)) <= mib, run
    total = int(re.search(r"total (\d+)", run.stdout.decode()).group(1))
    # Less the page tables, the kernel and the boot archives.
    assert min(mib, 768) - 16 <= total * 4 // 1024 <= min(mib, 768), run


# ---- Firmware and media ----------------------------------------------------------

def test_raw_disk(boot):
    run = boot("hello", options=["--boot-as", "disk"])
    assert (run.stdout, run.status) == (booting.HELLO, 0), run


@pytest.mark.full
@pytest.mark.parametrize("firmware", ("ovmf", "ovmf-ia32"))
def test_raw_disk_uefi(boot, firmware):
    run = boot("hello", options=["--boot-as", "disk", "--firmware", firmware], timeout=120)
    assert (run.stdout, run.status) == (booting.HELLO, 0), run


def test_direct(boot):
    run = boot("hello", direct=True)
    assert (run.stdout, run.status) == (booting.HELLO, 0), run
    check_log(run, cpu_line("GenuineIntel", 6, 6, 3, "yes"), "sysenter")
