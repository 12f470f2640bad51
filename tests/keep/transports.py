"""The two ways by which FUSE's requests come to keep: rings, and /dev/fuse."""
import contextlib
import os
import pathlib

import pytest

from machine_wide import made_so

SWITCH = pathlib.Path('/sys/module/fuse/parameters/enable_uring')
THREADS = {'rings': 'fuse-ring', 'device': 'fuse-device'}
TRANSPORTS = list(THREADS)


@contextlib.contextmanager
def transport(name):
    """What is opened meanwhile is served so. The switch is the whole system's."""
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
    with made_so(SWITCH, lambda: SWITCH.read_text().strip(), SWITCH.write_text, lambda _: wanted):
        yield


def threads_of(pid):
    """{the name of its threads: their number}"""
    names = [path.read_text().strip() for path in pathlib.Path(f'/proc/{pid}/task').glob('*/comm')]
    return {name: names.count(name) for name in names}
