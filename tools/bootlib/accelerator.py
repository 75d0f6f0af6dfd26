"""Whether KVM can run this kernel here.

A 32-bit kernel with paging needs the CPU's own virtualisation. Under kvm_pvm,
which does without, setting CR0.PG outside long mode faults, and QEMU does not
fall back by itself; so the module in use decides, not the device alone.
"""

import os
import platform

from bootlib.errors import BootError

HARDWARE_MODULES = ("kvm_intel", "kvm_amd")


def kvm_obstacle(modules, device_usable, machine):
    """Why KVM cannot be used, or None. `modules` are those that are loaded."""
    if machine not in ("x86_64", "i386", "i686", "AMD64"):
        return f"the host is {machine}, not x86"
    if not any(module in modules for module in HARDWARE_MODULES):
        if "kvm_pvm" in modules:
            return "kvm_pvm cannot run a 32-bit kernel with paging"
        return "neither kvm_intel nor kvm_amd is loaded"
    if not device_usable:
        return "/dev/kvm cannot be opened for reading and writing"
    return None


def host_kvm_obstacle():
    modules = {
        name
        for name in HARDWARE_MODULES + ("kvm_pvm",)
        if os.path.isdir(f"/sys/module/{name}")
    }
    try:
        os.close(os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC))
        usable = True
    except OSError:
        usable = False
    return kvm_obstacle(modules, usable, platform.machine())


def choose(wanted, obstacle):
    """QEMU's name of the accelerator: "kvm" or "tcg"."""
    if wanted == "tcg":
        return "tcg"
    if obstacle is None:
        return "kvm"
    if wanted == "kvm":
        raise BootError(f"--accel kvm: {obstacle}")
    return "tcg"
