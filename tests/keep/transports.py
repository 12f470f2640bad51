"""The two ways by which FUSE's requests come to keep: rings, and /dev/fuse."""
import contextlib
import fcntl
import os
import pathlib

import pytest

SWITCH = pathlib.Path('/sys/module/fuse/parameters/enable_uring')
THREADS = {'rings': 'fuse-ring', 'device': 'fuse-device'}
TRANSPORTS = list(THREADS)


@contextlib.contextmanager
def transport(name):
    """What is opened meanwhile is served so. The switch is the whole system's: one test at a time."""
    wanted = 'Y' if name == 'rings' else 'N'
    if not SWITCH.exists():
        if name == 'rings':
            pytest.skip('this kernel has no FUSE over io_uring')
        yield
        return
    if os.getuid() != 0:
        if SWITCH.read_text().strip() != wanted:
            pytest.skip(f'only root may switch enable_uring to {wanted}')
        yield
        return
    with open(SWITCH) as switch:
        fcntl.flock(switch, fcntl.LOCK_EX)
        before = SWITCH.read_text()
        SWITCH.write_text(wanted)
        try:
            yield
        finally:
            SWITCH.write_text(before)


def threads_of(pid):
    """{the name of its threads: their number}"""
    names = [path.read_text().strip() for path in pathlib.Path(f'/proc/{pid}/task').glob('*/comm')]
    return {name: names.count(name) for name in names}
