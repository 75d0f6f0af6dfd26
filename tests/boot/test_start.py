"""The state in which a program starts: DESIGN.md section 4, the i386 System V
ABI. tests/guest/start.asm writes it out as bytes; this reads them."""

import struct

import pytest

import booting

STACK_TOP = 0xC0000000
COMMPAGE_MAGIC = 0x434F4D4D

AT = {0: "NULL", 3: "PHDR", 4: "PHENT", 5: "PHNUM", 6: "PAGESZ", 9: "ENTRY", 25: "RANDOM",
      32: "SYSINFO"}

REGISTERS = ("edi", "esi", "ebp", "esp", "ebx", "edx", "ecx", "eax", "eflags",
             "cs", "ds", "es", "fs", "gs", "ss", "mxcsr")
DF = 1 << 10
IF = 1 << 9
ALWAYS_ONE = 1 << 1


class Start:
    def __init__(self, data):
        head = struct.unpack_from(f"<{len(REGISTERS)}I", data)
        self.registers = dict(zip(REGISTERS, head))
        self.x87 = data[64:92]
        self.commpage = struct.unpack_from("<64I", data, 92)
        self.stack = data[92 + 256:]
        self.esp = self.registers["esp"]
        assert len(self.stack) == STACK_TOP - self.esp

        self.argc = self.dword(self.esp)
        at = self.esp + 4
        self.arguments, at = self.pointers(at)
        self.environment, at = self.pointers(at)
        self.auxiliary = {}
        while (kind := self.dword(at)) != 0:
            assert kind not in self.auxiliary, f"AT {kind} twice"
            self.auxiliary[AT.get(kind, kind)] = self.dword(at + 4)
            at += 8

    def dword(self, address):
        return struct.unpack_from("<I", self.stack, address - self.esp)[0]

    def bytes(self, address, size):
        assert self.esp <= address <= STACK_TOP - size
        return self.stack[address - self.esp:address - self.esp + size]

    def pointers(self, at):
        """The strings of a NULL-ended array, and the address behind it."""
        found = []
        while (pointer := self.dword(at)) != 0:
            end = self.stack.index(b"\0", pointer - self.esp)
            found.append(self.stack[pointer - self.esp:end])
            at += 4
        return found, at + 4


def start(boot, *arguments, **machine):
    run = boot("start", *arguments, **machine)
    assert run.status == 0, run
    return Start(run.stdout)


@pytest.mark.parametrize("machine", (
    {"cpu": "486"}, {"cpu": "pentium"}, {"cpu": "qemu32"}, {"cpu": "max"}, {"direct": True},
    {"emulator": "bochs", "cpu": "p3_katmai"}, {"syscall": "int"},
), ids=lambda machine: "-".join(map(str, machine.values())))
def test_registers(boot, machine):
    state = start(boot, **machine)
    for name in ("eax", "ebx", "ecx", "edx", "esi", "edi", "ebp"):
        assert state.registers[name] == 0, name
    assert state.registers["eflags"] & ~(1 << 21) == ALWAYS_ONE | IF
    assert not state.registers["eflags"] & DF

    registers = state.registers
    assert registers["cs"] & 3 == 3 and registers["ss"] & 3 == 3
    assert registers["ds"] == registers["es"] == registers["ss"]
    assert registers["fs"] == registers["gs"] == 0

    control, _, status, _, tags, _ = struct.unpack_from("<6H", state.x87)
    assert (control, status, tags) == (0x037F, 0, 0xFFFF)
    has_sse = machine.get("cpu") not in ("486", "pentium")
    assert registers["mxcsr"] == (0x1F80 if has_sse else 0xFFFFFFFF)


@pytest.mark.parametrize("arguments", ([], ["a"], ["a", "bc"], ["x" * 61, "", "y"]))
def test_stack(boot, arguments):
    state = start(boot, *arguments)
    # The ABI's alignment at process entry, whatever the strings' lengths.
    assert state.esp % 16 == 0
    assert state.argc == len(state.arguments) == 1 + len(arguments)
    assert state.arguments == [b"/bin/start", *(word.encode() for word in arguments)]
    assert state.environment == []


def test_auxiliary_vector(boot):
    state = start(boot)
    auxiliary = state.auxiliary
    assert set(auxiliary) == set(AT.values()) - {"NULL"}

    elf = booting.guest_program("start").read_bytes()
    entry, headers_offset = struct.unpack_from("<2I", elf, 24)
    header_size, header_count = struct.unpack_from("<2H", elf, 42)
    assert auxiliary["ENTRY"] == entry
    assert (auxiliary["PHENT"], auxiliary["PHNUM"]) == (header_size, header_count)
    assert auxiliary["PAGESZ"] == 4096
    # Where the program headers are mapped, if a segment holds them.
    expected = 0
    for index in range(header_count):
        kind, offset, address, _, file_size = struct.unpack_from(
            "<5I", elf, headers_offset + index * header_size)
        end = headers_offset + header_count * header_size
        if kind == 1 and offset <= headers_offset and end <= offset + file_size:
            expected = address + headers_offset - offset
    assert auxiliary["PHDR"] == expected

    assert auxiliary["SYSINFO"] == state.commpage[3]
    assert 0xFFFF0000 <= auxiliary["SYSINFO"] and auxiliary["SYSINFO"] % 16 == 0


@pytest.mark.parametrize("syscall", ("sysenter", "int"))
def test_commpage(boot, syscall):
    table = start(boot, syscall=syscall).commpage
    assert table[:3] == (COMMPAGE_MAGIC, 1, 0)
    # The entry, and where signal handlers return to.
    assert table[3] != 0 and table[4] != 0 and table[5:] == (0,) * 59


def test_random(boot):
    """AT_RANDOM's 16 bytes lie on the stack and differ from run to run."""
    seen = set()
    for _ in range(3):
        state = start(boot, direct=True)
        seen.add(state.bytes(state.auxiliary["RANDOM"], 16))
    assert len(seen) == 3 and all(any(value) for value in seen)
