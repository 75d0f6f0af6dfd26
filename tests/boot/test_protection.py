"""What pages may be used for, on machines that can forbid execution and on those
that cannot, and SMAP and SMEP by a kernel that forgets them."""

import re
import subprocess
import sys

import pytest

import booting

SECONDS = 120

# (words for boot.py, NX, SMEP and SMAP)
MACHINES = {
    "max": (("--direct", "--cpu", "max"), True, True),
    "max, int 99": (("--direct", "--cpu", "max", "--syscall", "int"), True, True),
    "max, nx=off": (("--direct", "--cpu", "max", "--append", "nx=off"), False, True),
    "max without SMAP": (("--direct", "--cpu", "max,-smap,-smep"), True, False),
    "max without NX": (("--direct", "--cpu", "max,-nx"), False, True),
    "coreduo": (("--direct", "--cpu", "coreduo"), True, False),
    "qemu32": (("--direct", "--cpu", "qemu32"), False, False),
    "pentium": (("--direct", "--cpu", "pentium"), False, False),
    "486": (("--direct", "--cpu", "486"), False, False),
    "max, 2 GiB": (("--direct", "--cpu", "max", "--memory", "2048"), True, True),
    "max, 16 MiB": (("--direct", "--cpu", "max", "--memory", "16"), True, True),
}
if booting.FULL:
    MACHINES.update({
        "max, from the ISO": (("--cpu", "max"), True, True),
        "Bochs, broadwell": (("--emulator", "bochs", "--cpu", "broadwell_ult"), True, True),
        "Bochs, yonah": (("--emulator", "bochs", "--cpu", "core_duo_t2400_yonah"), True, False),
        "Bochs, pentium": (("--emulator", "bochs", "--cpu", "pentium"), False, False),
    })

# Case: (how it ends, what the log says) where execution can be forbidden, and
# where it cannot; one pair where that makes no difference.
RAN = ("exit 0", None)
NOT_EXECUTABLE = ("signal 11", r"execution at 0x\w+, which is not executable")
CHILD_NOT_EXECUTABLE = ("exit 111", NOT_EXECUTABLE[1])
READ_ONLY = ("signal 11", r"write to 0x\w+, which is read-only")
CASES = {
    "execute_data": (NOT_EXECUTABLE, RAN),
    "execute_bss": (NOT_EXECUTABLE, RAN),
    "execute_stack": (NOT_EXECUTABLE, RAN),
    "execute_break": (NOT_EXECUTABLE, RAN),
    "execute_mapping": (NOT_EXECUTABLE, RAN),
    "execute_shared": (NOT_EXECUTABLE, RAN),
    "execute_untouched": (("signal 11", r"execution at 0x\w+ffe, which is not executable"),
                          ("signal 11", r"execution at 0x\w+000, which is not mapped")),
    "execute_across": (("signal 11", r"execution at 0x\w+000, which is not executable"), RAN),
    "execute_kernel": (("signal 11", "execution at 0xc0100000, which is the kernel's"),),
    "execute_inherited": (CHILD_NOT_EXECUTABLE, RAN),
    "execute_copied": (CHILD_NOT_EXECUTABLE, RAN),
    "protect_and_back": (RAN,),
    "execute_protected": (NOT_EXECUTABLE, RAN),
    "execute_read_only": (NOT_EXECUTABLE, RAN),
    "read_none": (("signal 11", r"read from 0x\w+, which is not mapped"),),
    "none_and_back": (RAN,),
    "write_protected": (READ_ONLY,),
    "write_and_execute": (RAN,),
    "write_and_execute_inherited": (RAN,),
    "write_and_execute_unasked": (RAN,),
    "write_text": (READ_ONLY,),
    "write_constant": (READ_ONLY,),
    "write_commpage": (("signal 11", "write to 0xffff0000, which is read-only"),),
    "use_boot_address": (RAN,),
    "kernel_writes_text": (RAN,),
    "kernel_reads_arguments": (RAN,),
    "alignment_check_on": (RAN,),
}


def boot(machine, program, *arguments, build=booting.BUILD):
    """(the console, the log, the status)"""
    done = subprocess.run(
        [sys.executable, booting.TOP / "tools" / "boot.py", *machine,
         "--iso", build / "postern.iso",
         "--file", f"{build}/tests/bin/{program}:/bin/{program}", "--timeout", str(SECONDS),
         "--", program, *arguments],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        errors="replace", timeout=SECONDS + 60)
    return done.stdout, done.stderr, done.returncode


@pytest.mark.parametrize("machine", MACHINES)
def test_cases(machine):
    words, nx, smap = MACHINES[machine]
    console, log, status = boot(words, "protection")
    assert status == 0, log
    expected = {name: how[0] if nx else how[-1] for name, how in CASES.items()}
    assert dict(line.split(": ", 1) for line in console.splitlines()) == \
        {name: end for name, (end, _) in expected.items()}, log

    faults = re.findall(r"^fault: /bin/protection: page fault \(#PF\): (.*)$", log, re.M)
    reports = [report for _, report in expected.values() if report is not None]
    assert len(faults) == len(reports), faults
    for fault, report in zip(faults, reports):
        assert re.fullmatch(report, fault), (fault, report)

    assert re.findall(r"^paging: .*$", log, re.M) == \
        [f"paging: {'pae, nx' if nx else 'two-level'}"]
    yes = "yes" if smap else "no"
    assert f"protection: smep {yes}, smap {yes}\n" in log


def test_first_program_killed():
    """The program that the machine was started for ends by such a fault."""
    console, log, status = boot(MACHINES["max"][0], "protection", "execute_stack")
    assert (console, status) == ("", 123), log
    assert "which is not executable" in log


# ---- A kernel that touches user memory by itself -----------------------------------

POKE_LINE = """
enum POKE { POKE_READ = 0, POKE_WRITE = 1, POKE_CALL = 2, POKE_TEXT = 3, POKE_DATA = 4 }
int poke(int how [enum: POKE], uint32_t address);
"""

POKE_HANDLER = """/* What no handler may do. */
#include "syscall_handlers.h"

static unsigned char sReturn[] = {0xc3};

int _user_poke(int how, uint32_t address)
{
	if (how == POKE_READ)
		return *(volatile unsigned char *)address;
	if (how == POKE_WRITE)
		*(volatile unsigned char *)address = 1;
	if (how == POKE_CALL)
		((void (*)(void))address)();
	if (how == POKE_TEXT)
		*(volatile unsigned char *)&_user_poke = 1;
	if (how == POKE_DATA)
		((void (*)(void))(unsigned)sReturn)();
	return 0;
}
"""

POKE_PROGRAM = """/* Has the kernel poke; 0 when all went as if nothing were there. */
#include <postern/syscalls.h>

static void nothing(void)
{
}

static volatile unsigned char sByte = 7;

int main(int argc, char **argv)
{
	int how = argv[1][0] - '0';
	uint32_t address = how == POKE_CALL ? (uint32_t)nothing : (uint32_t)&sByte;

	sByte = 7; /* in a page of its own from now on, which can be written */
	if (argc > 2) /* with AC on, which would open the gate */
		__asm__ volatile("pushf\\n\\torl $0x40000, (%esp)\\n\\tpopf");
	return _kern_poke(how, address) == (how == POKE_READ ? 7 : 0) ? 0 : 1;
}
"""


@pytest.fixture(scope="module")
def poking(tmp_path_factory):
    """A copy of the tree with one more call, built."""
    tree = tmp_path_factory.mktemp("poking") / "tree"
    booting.copy_tree(tree)
    with open(tree / "syscalls.def", "a", encoding="utf-8") as calls:
        calls.write(POKE_LINE)
    (tree / "kernel" / "poke.c").write_text(POKE_HANDLER)
    (tree / "tests" / "guest" / "poke.c").write_text(POKE_PROGRAM)
    made = booting.run_make("-j2", "iso", "build/tests/bin/poke", tree=tree)
    assert made.returncode == 0, made.stdout[-6000:]
    return tree / "build"


# (how, whether SMEP and SMAP, NX, or CR0.WP stop it, the panic's words)
POKES = {
    "read": ("0", "smap", r"read from 0x00\w+, which is the program's"),
    "write": ("1", "smap", r"write to 0x00\w+, which is the program's"),
    "call": ("2", "smap", r"execution at 0x00\w+, which is the program's"),
    "text": ("3", "always", r"write to 0xc\w+, which is the kernel's"),
    "data": ("4", "nx", r"execution at 0xc\w+, which is the kernel's"),
}


@pytest.mark.parametrize("ac", (False, True), ids=("plain", "AC"))
@pytest.mark.parametrize("machine", ("max", "max, int 99", "max, nx=off", "max without SMAP",
                                     "qemu32") + (("Bochs, broadwell",) if booting.FULL else ()))
def test_kernel_pokes(poking, machine, ac):
    words, nx, smap = MACHINES[machine]
    stops = {"always": True, "nx": nx, "smap": smap}
    for how, by, message in POKES.values():
        _, log, status = boot(words, "poke", how, *(["ac"] if ac else []), build=poking)
        if stops[by]:
            assert status == 125, (how, log)
            assert re.search(rf"^panic: page fault \(#PF\): {message} in the kernel$", log,
                             re.M), log
        else:
            assert status == 0, (how, log)
