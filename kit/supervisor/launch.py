"""Becomes another program that ends when its parent does, under another account if asked. A script, never imported.

    python -I -S launch.py PARENT_PID SIGNAL UID GID REACH_ALL PROGRAM ARGUMENT...

The kernel clears the death signal whenever credentials change, so it has to be set in the new process, after them. A
function between fork and exec could do it too, but is unsafe beside threads. UID -1 keeps the account. With REACH_ALL 1
the program keeps the one capability to pass through directories that its account cannot enter: a checkout under root's
home can then be used without opening that home to everybody.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1
PR_SET_SECUREBITS = 28
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
SECBIT_NO_SETUID_FIXUP = 1 << 2  # keeps capabilities across setuid, and lets access(2) honour them
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2
CAPABILITY_VERSION_3 = 0x20080522


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def _checked(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _keep_only(libc: ctypes.CDLL, capability: int) -> None:
    header = _Header(CAPABILITY_VERSION_3, 0)
    bit = 1 << capability
    sets = (_Sets * 2)(_Sets(bit, bit, bit), _Sets(0, 0, 0))
    _checked(libc.capset(ctypes.byref(header), sets))
    _checked(libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0))


def _change_account(libc: ctypes.CDLL, uid: int, gid: int, *, reach_all: bool) -> None:
    if reach_all:
        _checked(libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0))
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    if reach_all:
        try:
            _keep_only(libc, CAP_DAC_READ_SEARCH)
        except PermissionError:  # containers commonly withhold it and grant the other one
            _keep_only(libc, CAP_DAC_OVERRIDE)


def main() -> None:
    """Reads the arguments, prepares the process and becomes the program; returns if the parent is gone already."""
    parent_pid, death_signal, uid, gid, reach_all = map(int, sys.argv[1:6])
    libc = ctypes.CDLL(None, use_errno=True)
    if uid >= 0:
        _change_account(libc, uid, gid, reach_all=bool(reach_all))
    if sys.platform == "linux":
        _checked(libc.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0))
    if os.getppid() == parent_pid:
        os.execv(sys.argv[6], sys.argv[6:])  # noqa: S606 - becoming that program is what this one is for


if __name__ == "__main__":
    main()
