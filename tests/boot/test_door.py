"""Hostile programs at the door, by int 99 and by SYSENTER (tests/guest/door/).

What a program survives, `door` checks in the guest: one boot runs its whole
table and compares the ways in field by field. What ends a program is a boot a
case here: the report on the log must say what happened and where, and the two
ways must leave the same report.

The boots of the tests that were selected run in the background, as many at a
time as there are processors; each test waits for its own.
"""

import functools
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

import booting

KILLED = 123

CPUS_FULL = ("486", "pentium", "qemu32,-sep", "pentium2", "qemu32", "max")
# (cpu, syscall option): without and with SYSENTER, and both on one CPU.
MACHINES = (("qemu32", "auto"), ("qemu32", "int"), ("486", "auto"), ("max", "auto"))
MACHINES_FULL = tuple((cpu, "auto") for cpu in CPUS_FULL) + tuple(
    (cpu, "int") for cpu in ("pentium2", "qemu32", "max"))
HAVE_SYSENTER = ("pentium2", "qemu32", "max")


@functools.lru_cache
def symbols():
    """The harness's symbols, name to address."""
    program = next(filter(None, map(shutil.which, ("llvm-nm", "llvm-nm-14", "nm"))))
    text = subprocess.run([program, booting.guest_program("door")], stdout=subprocess.PIPE,
                          text=True, check=True).stdout
    return {name: int(address, 16)
            for address, _, name in (line.split() for line in text.splitlines()
                                     if len(line.split()) == 3)}


# ---- Boots in the background --------------------------------------------------------


@dataclass(frozen=True)
class Job:
    """One boot of the harness."""

    arguments: tuple = ()
    cpu: str = "qemu32"
    syscall: str = "auto"
    emulator: str = "qemu"
    smp: int = 1
    watch: str = ""  # a symbol for the kernel's option watch=, and ,r|w,length

    def run(self):
        append = ()
        if self.watch:
            name, rest = self.watch.split(",", 1)
            append = (f"watch={symbols()[name]:#010x},{rest}",)
        return booting.boot("door", *self.arguments, cpu=self.cpu, syscall=self.syscall,
                            emulator=self.emulator, smp=self.smp, direct=self.emulator == "qemu",
                            append=append, timeout=300 if self.emulator == "bochs" else 100)

    def __str__(self):
        words = [*self.arguments, self.cpu, self.syscall, self.watch.split(",")[0],
                 self.emulator if self.emulator != "qemu" else "",
                 f"smp{self.smp}" if self.smp > 1 else ""]
        return "-".join(word.replace(",", "") for word in words if word) or "all"


class Boots:
    def __init__(self, jobs):
        self.pool = ThreadPoolExecutor(max_workers=os.cpu_count() or 1)
        self.runs = {job: self.pool.submit(job.run) for job in dict.fromkeys(jobs)}

    def __getitem__(self, job):
        if job not in self.runs:
            self.runs[job] = self.pool.submit(job.run)
        return self.runs[job].result()


@pytest.fixture(scope="module")
def boots(request):
    jobs = []
    for item in request.session.items:
        if item.module is request.module and hasattr(item, "callspec"):
            if item.get_closest_marker("full") and not booting.FULL:
                continue
            values = item.callspec.params.values()
            jobs += [job for value in values
                     for job in (value if isinstance(value, tuple) else (value,))
                     if isinstance(job, Job)]
    boots = Boots(jobs)
    yield boots
    boots.pool.shutdown(cancel_futures=True)


def jobs_parameter(name, jobs):
    return pytest.mark.parametrize(
        name, jobs, ids=["-against-".join(map(str, job)) if isinstance(job, tuple) else str(job)
                         for job in jobs])


# ---- What a program survives ------------------------------------------------------------


def failures(run):
    return [line for line in run.stdout.decode(errors="replace").splitlines()
            if re.search(r": got |further failures|differ|no such|survived", line)]


def check_table(run):
    assert run.status == 0, "\n".join(failures(run)[:40]) or run
    last = run.stdout.decode(errors="replace").splitlines()[-1]
    passed = re.fullmatch(r"(\d+) passed, 0 failed", last)
    assert passed, last
    assert not run.lines("fault:")
    return int(passed.group(1))


# (cpu, syscall option, processors): the harness on one of several.
SMP_MACHINES = (("qemu32", "auto", 2),)
SMP_MACHINES_FULL = (*SMP_MACHINES, ("pentium", "auto", 2), ("pentium2", "auto", 2),
                     ("max", "auto", 2), ("max", "int", 2), ("max", "auto", 4))


@jobs_parameter("job", [*(Job(cpu=cpu, syscall=syscall) for cpu, syscall in
                          (MACHINES_FULL if booting.FULL else MACHINES)),
                        *(Job(cpu=cpu, syscall=syscall, smp=smp) for cpu, syscall, smp in
                          (SMP_MACHINES_FULL if booting.FULL else SMP_MACHINES))])
def test_table(boots, job):
    run = boots[job]
    assert check_table(run) > 500_000, run
    sysenter = job.cpu in HAVE_SYSENTER and job.syscall != "int"
    assert run.stdout.startswith(b"door: int99, sysenter, commpage" if sysenter
                                 else b"door: int99, commpage"), run
    assert booting.entry_used(run) == ("sysenter" if sysenter else "int99")


# TCG lets a null or read-only DS be used in every way, so only Bochs tells a kernel that
# runs on its own segments from one that runs on the program's.
@pytest.mark.full
@jobs_parameter("job", [Job(cpu=cpu, emulator="bochs") for cpu in (
    "p3_katmai", "pentium", "corei5_lynnfield_750")])
def test_table_bochs(boots, job):
    check_table(boots[job])


@pytest.mark.full
@pytest.mark.slow
def test_table_debug_build():
    """The kernel's own assertions at every way out, and undeclared errors."""
    build = booting.BUILD / "debug"
    made = booting.run_make(f"BUILD={build}", "DEBUG=1", "iso", "guest-tests")
    assert made.returncode == 0, made.stdout[-4000:]
    for cpu, syscall in MACHINES:
        run = booting.boot("door", cpu=cpu, syscall=syscall, direct=True, build=build)
        check_table(run)


@jobs_parameter("job", [Job(arguments=("--list",))])
def test_every_case_has_its_expectation(boots, job):
    """A killing case that is added to the guest is a line below, too."""
    listed = boots[job].stdout.decode().splitlines()
    kills = {line.split()[0] for line in listed if line.endswith(" kills")}
    known = set(KILLS) | set(STACKS) | {f"{name}_{way}" for name in (*STEPPED, *SHADOWED, *WATCHED)
                                        for way in ("int99", "sysenter")}
    assert kills == known


# ---- Reports ------------------------------------------------------------------------------


@dataclass
class Report:
    what: str
    address: int
    where: str
    registers: dict
    backtrace: list = field(default_factory=list)


def parse_report(run):
    lines = run.log.splitlines()
    starts = [index for index, line in enumerate(lines) if line.startswith("fault: ")]
    assert len(starts) == 1, run
    lines = lines[starts[0]:]
    what = re.fullmatch(r"fault: /bin/door: (.*)", lines[0]).group(1)
    address, where = re.fullmatch(r"  (0x[0-9a-f]{8}) (.*)", lines[1]).groups()
    registers = {name: int(value, 16) for line in lines[2:5]
                 for name, value in re.findall(r"(\w+) ([0-9a-f]{4,8})\b", line)}
    report = Report(what, int(address, 16), where, registers)
    assert lines[5] == "  called from", run
    for line in lines[6:]:
        entry = re.fullmatch(r"  (0x[0-9a-f]{8}) (.*)", line)
        if entry is None:
            break
        report.backtrace.append(entry.group(2))
    return report


def killed(run):
    assert run.status == KILLED, run
    assert "panic" not in run.log, run
    assert run.lines("power: off, status 123"), run
    report = parse_report(run)
    # In ring 3, with its own segments, and the symbol that belongs there.
    assert report.registers["cs"] == 0x1b and report.registers["ss"] == 0x23, run
    assert report.registers["eip"] == report.address, run
    assert report.registers["eflags"] & 0x23202 == 0x202, run  # IF on; no IOPL, no VM
    named = re.fullmatch(r"(\w+)\+0x([0-9a-f]+)", report.where)
    if named and named.group(1) != "commpage":
        assert symbols()[named.group(1)] + int(named.group(2), 16) == report.address, run
    elif named:
        assert 0xffff0000 + int(named.group(2), 16) == report.address, run
    else:
        assert report.where == "?", run
    return report


# ---- What ends a program, whatever way it calls ------------------------------------------------

GP = "general protection fault (#GP)"
UD = "invalid opcode (#UD)"
PF = "page fault (#PF): "


def selector(number):
    return f"{GP}: selector {number:#x}"


# name: (what the report says, or several; an offset to the symbol at_NAME, or
# an address)
KILLS = {
    **{name: (GP,) for name in (
        "cli", "sti", "hlt", "in_al", "in_dx", "out_al", "out_dx", "insb", "outsb", "lgdt",
        "lidt", "lldt", "ltr", "lmsw", "clts", "invd", "wbinvd", "invlpg", "mov_to_cr0",
        "mov_from_cr0", "mov_to_cr3", "mov_to_dr0", "mov_to_dr7", "mov_from_dr6", "ss_null")},
    # Not on every CPU.
    **{name: ((GP, UD),) for name in (
        "mov_from_cr4", "rdmsr", "wrmsr", "sysexit", "sysenter_unused")},
    "iret_kernel": (selector(0x8),),
    "iret_kernel_rpl3": (selector(0x8),),
    # The TSS has no link to an outer task: selector 0.
    "iret_nt": (("invalid TSS (#TS)", GP),),
    "retf_kernel": (selector(0x8),),
    "jmp_kernel": (selector(0x8),),
    "call_kernel": (selector(0x8),),
    "jmp_tss": (selector(0x28),),
    "call_tss": (selector(0x28),),
    "jmp_double_fault": (selector(0x30),),
    "call_double_fault": (selector(0x30),),
    "jmp_nmi": (selector(0x38),),
    "call_nmi": (selector(0x38),),
    "jmp_beyond": (selector(0x40),),
    "jmp_ldt": (selector(0xc),),
    "ds_kernel_data": (selector(0x10),),
    "es_kernel_code": (selector(0x8),),
    "fs_tss": (selector(0x28),),
    "gs_beyond": (selector(0x48),),
    "ds_ldt": (selector(0x4),),
    "ss_kernel": (selector(0x10),),
    "ss_rpl0": (selector(0x20),),
    "ss_code": (selector(0x18),),
    "write_commpage": (f"{PF}write to 0xffff0000, which is read-only",),
    "write_commpage_code": (f"{PF}write to 0xffff0100, which is read-only",),
    "read_kernel": (f"{PF}read from 0xc0100000, which is the kernel's",),
    "read_kernel_base": (f"{PF}read from 0xc0000000, which is the kernel's",),
    "write_kernel": (f"{PF}write to 0xc0100000, which is the kernel's",),
    "read_window": (f"{PF}read from 0xd0000000, which is the kernel's",),
    "read_last": (f"{PF}read from 0xffffffff, which is the kernel's",),
    "read_null": (f"{PF}read from 0x00000000, which is not mapped",),
    "read_first": (f"{PF}read from 0x0000fffc, which is not mapped",),
    "read_unmapped": (f"{PF}read from 0x10000000, which is not mapped",),
    "write_unmapped": (f"{PF}write to 0x10000000, which is not mapped",),
    "write_text": ("WRITE_TEXT",),
    "read_below_stack": (f"{PF}read from 0xbf7ffffc, which is not mapped",),
    "execute_kernel": (f"{PF}execution at 0xc0100000, which is the kernel's", 0xc0100000),
    "execute_unmapped": (f"{PF}execution at 0x10000000, which is not mapped", 0x10000000),
    "execute_null": (f"{PF}execution at 0x00000000, which is not mapped", 0),
    "stack_overflow": (f"{PF}write to 0xbf7ffffc, which is not mapped",),
    "divide": ("divide error (#DE)",),
    # Traps: EIP is behind the instruction. TCG has no ICEBP.
    "icebp": ((UD, "debug exception (#DB): requested by an instruction"),),
    "int3_short": ("breakpoint (#BP)", "+1"),
    "into": ("overflow (#OF)", "+1"),
    "bound": ("BOUND range exceeded (#BR)",),
    "ud2": (UD,),
    "x87": ("x87 floating-point error (#MF)",),
    "simd": ("SIMD floating-point error (#XM)",),
    "alignment": ("alignment check (#AC)",),
    "nested": (f"{PF}write to 0x00000000, which is not mapped", "nested_inner"),
    "int_0": (f"{GP}: vector 0", "kill_int"),
    "int_255": (f"{GP}: vector 255", "kill_int"),
}

# TCG raises neither.
NOT_UNDER_TCG = ("simd", "alignment")


# QEMU 7.2 reads what a far return pops as ring 0 would, also in ring 3: with SMAP, which
# of the CPU models here only max has, that is a page fault and the selector is not seen.
FAR_RETURNS = ("iret_kernel", "iret_kernel_rpl3", "retf_kernel")


def check_kill(run, name, cpu=None):
    texts, *place = KILLS[name]
    report = killed(run)
    if cpu == "max" and name in FAR_RETURNS:
        assert re.fullmatch(f"{re.escape(PF)}read from 0xbff[0-9a-f]{{5}}, which is the program's",
                            report.what), run
        return report
    if texts == "WRITE_TEXT":
        texts = (f"{PF}write to {symbols()['kill_write_text']:#010x}, which is read-only")
    assert report.what in ((texts,) if isinstance(texts, str) else texts), run
    place = place[0] if place else ""
    if isinstance(place, int):
        assert report.address == place, run
    elif place == "kill_int":
        assert report.address == symbols()["kill_int"] + 3 * int(name.split("_")[1]), run
    elif place == "nested_inner":
        assert report.where.startswith("nested_inner+"), run
    else:
        offsets = (0, 1) if name == "icebp" else (int(place or 0),)
        assert report.address - symbols()[f"at_{name}"] in offsets, run
    return report


def machine_for(name):
    """SYSENTER is unused only where int 99 is the way."""
    return {"syscall": "int"} if name == "sysenter_unused" else {}


@jobs_parameter("job", [Job(arguments=(name,), **machine_for(name)) for name in KILLS
                        if name not in NOT_UNDER_TCG])
def test_kill(boots, job):
    report = check_kill(boots[job], job.arguments[0])
    if job.arguments[0] == "nested":
        functions = [where.split("+")[0] for where in report.backtrace]
        assert functions == ["nested_middle", "nested_outer", "kill_case", "main", "_start"] \
            or functions == ["nested_middle", "nested_outer", "kill_case", "run_named", "main",
                             "_start"], boots[job]


@pytest.mark.full
@jobs_parameter("job", [Job(arguments=(name,), cpu=cpu,
                            **({"syscall": "int"} if name == "sysenter_unused"
                               and cpu in HAVE_SYSENTER else {}))
                        for cpu in CPUS_FULL for name in KILLS if name not in NOT_UNDER_TCG])
def test_kill_on_every_cpu(boots, job):
    check_kill(boots[job], job.arguments[0], job.cpu)


@pytest.mark.full
@jobs_parameter("job", [Job(arguments=(name,), cpu="p3_katmai", emulator="bochs",
                            **machine_for(name)) for name in KILLS])
def test_kill_bochs(boots, job):
    check_kill(boots[job], job.arguments[0])


VECTORS = range(256) if booting.FULL else (1, 2, 8, 13, 14, 18, 31, 32, 47, 98, 100, 128)


@jobs_parameter("job", [Job(arguments=(f"int_{vector}",)) for vector in VECTORS
                        if vector not in (3, 4, 99)])
def test_int(boots, job):
    name, = job.arguments
    vector = int(name.split("_")[1])
    report = killed(boots[job])
    assert report.what == f"{GP}: vector {vector}", boots[job]
    assert report.address == symbols()["kill_int"] + 3 * vector, boots[job]


@pytest.mark.parametrize("vector,what", ((3, "breakpoint (#BP)"), (4, "overflow (#OF)")))
def test_int_of_ring_3(boots, vector, what):
    report = killed(boots[Job(arguments=(f"int_{vector}",))])
    assert report.what == what
    assert report.address == symbols()["kill_int"] + 3 * vector + 2


# ---- What ends a program at the door: both ways leave the same report ------------------------------

CLOBBERED = ("ecx", "edx")
STEP = "debug exception (#DB): single step"
WATCH = "debug exception (#DB): watchpoint 0"

# name: EAX when the step behind the call is reported
STEPPED = {
    "tf": 1,
    "tf_echo": 0x13572468,
    "tf_echo64": 0x13572468,
    "tf_unknown": -38,
    "tf_all": 1,
    "tf_all_echo": 0x13572468,
    "tf_segments": 0x13572468,
    "tf_block": -14,
}
STEPPED_FLAGS = {"tf_all": 0x44500, "tf_all_echo": 0x44500, "tf_segments": 0x500}

SHADOWED = ("mov_ss", "pop_ss", "mov_ss_tf", "pop_ss_tf")

# name: the watched word, EAX
WATCHED = {
    "watch_buffer": ("kill_buffer,r,4", 4),
    "watch_block": ("kill_argument,r,4", 0x13572468),
    "watch_object": ("kill_object,w,4", 0),
}


def pair(name, **machine):
    return tuple(Job(arguments=(f"{name}_{way}",), **machine) for way in ("int99", "sysenter"))


def compare(reports, runs, but=CLOBBERED):
    first, second = reports
    assert first.what == second.what, runs
    for name in first.registers:
        if name not in but:
            assert first.registers[name] == second.registers[name], (name, runs)


STEP_CPUS = tuple(cpu for cpu in CPUS_FULL if cpu in HAVE_SYSENTER) if booting.FULL else ("qemu32",)


def check_stepped(runs, name):
    reports = [killed(run) for run in runs]
    for report, run in zip(reports, runs):
        assert report.what == STEP, run
        assert report.address == symbols()["kill_returned"], run
        assert report.registers["eax"] == STEPPED[name] & 0xffffffff, run
        flags = STEPPED_FLAGS.get(name, 0x100)
        assert report.registers["eflags"] & 0x44500 == flags, run
        for register in ("ecx", "edx"):
            assert report.registers[register] < 0xc0000000 or register == "edx" and (
                report.registers[register] & 0xfffff000 == 0xffff0000
                or report.registers["eax"] >= 0xfffff001), run
    compare(reports, runs)


@jobs_parameter("pair_of_jobs", [pair(name, cpu=cpu) for cpu in STEP_CPUS for name in STEPPED])
def test_single_step(boots, pair_of_jobs):
    check_stepped([boots[job] for job in pair_of_jobs],
                  pair_of_jobs[0].arguments[0].removesuffix("_int99"))


@jobs_parameter("job", [Job(arguments=("tf_int99",), cpu=cpu) for cpu in ("486", "pentium")])
def test_single_step_without_sysenter(boots, job):
    report = killed(boots[job])
    assert (report.what, report.address) == (STEP, symbols()["kill_returned"]), boots[job]


@pytest.mark.full
@jobs_parameter("pair_of_jobs", [pair(name, cpu="p3_katmai", emulator="bochs")
                                 for name in STEPPED])
def test_single_step_bochs(boots, pair_of_jobs):
    check_stepped([boots[job] for job in pair_of_jobs],
                  pair_of_jobs[0].arguments[0].removesuffix("_int99"))


def check_shadowed(boots, jobs, watched):
    """Where the trap comes is the emulator's: TCG does not hold it back over
    the load of SS, Bochs does. In ring 3 in any case, and as a #DB."""
    for job in jobs:
        name, run = job.arguments[0], boots[job]
        if not watched and "_tf_" not in name:
            assert run.status == 0, run
            continue
        if watched and job.emulator == "bochs" and "_tf_" not in name and "int99" in name \
                and run.status == 0:
            continue  # Bochs forgets a held-back trap at INT n
        report = killed(run)
        assert report.what in ((WATCH, STEP) if watched else (STEP,)), run
        assert report.address in (symbols()[f"at_{name}"], symbols()["kill_returned"]), run


@jobs_parameter("pair_of_jobs", [pair(name, cpu=cpu, watch=watch) for cpu in STEP_CPUS
                                 for watch in ("", "kill_selector,r,2") for name in SHADOWED])
def test_behind_a_load_of_ss(boots, pair_of_jobs):
    check_shadowed(boots, pair_of_jobs, pair_of_jobs[0].watch != "")


# In the default run too: Bochs is the one emulator that holds the trap of MOV
# SS back until SYSENTER has been passed, so that it comes in ring 0.
BOCHS_SHADOWED = SHADOWED if booting.FULL else ("mov_ss",)


@jobs_parameter("job", [Job(arguments=(f"{name}_{way}",), cpu="p3_katmai", emulator="bochs",
                            watch="kill_selector,r,2")
                        for name in BOCHS_SHADOWED
                        for way in (("int99", "sysenter") if booting.FULL else ("sysenter",))])
def test_behind_a_load_of_ss_bochs(boots, job):
    check_shadowed(boots, (job,), True)


@jobs_parameter("pair_of_jobs", [pair(name, cpu=cpu, watch=watch)
                                 for cpu in STEP_CPUS for name, (watch, _) in WATCHED.items()])
def test_watched_word_that_the_kernel_copies(boots, pair_of_jobs):
    name = pair_of_jobs[0].arguments[0].removesuffix("_int99")
    runs = [boots[job] for job in pair_of_jobs]
    reports = [killed(run) for run in runs]
    for report, run in zip(reports, runs):
        assert report.what == WATCH, run
        assert report.address == symbols()["kill_returned"], run
        assert report.registers["eax"] == WATCHED[name][1], run
    # Each way has a stack of its own for these.
    compare(reports, runs)


# name: (address at which the commpage's RET cannot pop, of whom it is)
STACKS = {
    "sp_zero": (0, "not mapped"),
    "sp_four": (4, "not mapped"),
    "sp_unmapped": (0x10000000, "not mapped"),
    "sp_odd": (0x10000003, "not mapped"),
    "sp_straddles": (0x3ffffe, "not mapped"),
    "sp_base": (0xc0000000, "the kernel's"),
    "sp_kernel": (0xc0100000, "the kernel's"),
    "sp_commpage": None,
    "sp_last": (0xfffffffc, "the kernel's"),
    "sp_end": (0xffffffff, "the kernel's"),
}


def stack_jobs(name, cpu):
    return tuple(Job(arguments=(name,), cpu=cpu, syscall=syscall) for syscall in ("auto", "int"))


@jobs_parameter("pair_of_jobs", [stack_jobs(name, cpu) for cpu in STEP_CPUS for name in STACKS])
def test_stack_without_a_return_address(boots, pair_of_jobs):
    name = pair_of_jobs[0].arguments[0]
    runs = [boots[job] for job in pair_of_jobs]
    reports = [killed(run) for run in runs]
    for report, run in zip(reports, runs):
        assert report.registers["eax"] == 1, run  # the call itself went well
        if STACKS[name] is None:
            assert report.what == f"{PF}execution at 0x00000000, which is not mapped", run
        else:
            address, whose = STACKS[name]
            assert report.what == f"{PF}read from {address:#010x}, which is {whose}", run
            assert report.where.startswith("commpage+0x10"), run
            assert report.registers["esp"] == address, run
    compare(reports, runs, but=(*CLOBBERED, "eip"))


# ---- NMIs in a storm --------------------------------------------------------------------------------


class Monitor(threading.Thread):
    """Injects NMIs through QEMU's monitor until told to stop."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path = path
        self.sent = 0
        self.stopping = threading.Event()

    def run(self):
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(self.path)
                lines = connection.makefile("rw")
                lines.readline()  # the greeting
                command = json.dumps({"execute": "qmp_capabilities"})
                while not self.stopping.is_set():
                    lines.write(command + "\n")
                    lines.flush()
                    while "return" not in (reply := json.loads(lines.readline() or "null")):
                        assert "error" not in reply, reply
                    self.sent += 1
                    command = json.dumps({"execute": "inject-nmi"})
        except (OSError, ValueError, TypeError):
            pass  # the machine is off


@pytest.mark.slow
@pytest.mark.parametrize("cpu,syscall", MACHINES_FULL if booting.FULL
                         else (("qemu32", "auto"), ("486", "auto")))
def test_nmi_storm(cpu, syscall):
    with tempfile.TemporaryDirectory(prefix="postern-door-") as folder:
        path = os.path.join(folder, "qmp")
        command = booting.command_for("door", "stress", cpu=cpu, syscall=syscall, direct=True,
                                      options=("--monitor", path))
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        monitor = Monitor(path)
        try:
            output = b""
            while b"stress: begins\n" not in output:
                line = process.stdout.readline()
                assert line, output
                output += line
            monitor.start()
            rest, log = process.communicate(timeout=120)
        finally:
            monitor.stopping.set()
            process.kill()
            process.wait()
    run = booting.Run(command, output + rest, log.decode(errors="replace"), process.returncode)
    check_table(run)
    calls = int(re.search(rb"stress: (\d+) calls by each path", run.stdout).group(1))
    assert calls >= 100_000, run
    counts = [int(re.match(r"nmi: number (\d+),", line).group(1)) for line in run.lines("nmi:")]
    assert monitor.sent >= 100 and counts and counts[-1] >= 64, (monitor.sent, run)
