"""Who runs keep, root and an ordinary user; and where what they open is mounted."""
import ctypes
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import pytest
from keep_runner import keep_as
from places import BUILD, SOURCE

CLONE_NEWNS, MS_REC, MS_SLAVE, MNT_DETACH = 0x20000, 0x4000, 1 << 19, 2


@pytest.fixture(scope='session', autouse=True)
def mounts_of_our_own():
    """Whoever makes himself a mount namespace copies what is mounted then, and nothing of it can be closed before that
    namespace is gone: root's tests mount in one of their own, and hold on to nobody else's volumes or disks in it."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0:
        return
    assert libc.mount(None, b'/', None, MS_REC | MS_SLAVE, None) == 0
    needed = [pathlib.Path(each).resolve() for each in (SOURCE, BUILD, sys.executable, tempfile.gettempdir(), '/dev/shm')]
    for line in reversed(pathlib.Path('/proc/self/mounts').read_text().splitlines()):
        source, escaped, kind, *_ = line.split()
        at = escaped.encode().decode('unicode_escape').encode('latin-1')
        if source.startswith('/dev/loop') or kind.startswith('fuse'):
            if not any(each.is_relative_to(os.fsdecode(at)) for each in needed):
                libc.umount2(at, MNT_DETACH)


@pytest.fixture(params=['root', 'user'])
def keep(request, keep_program):
    """For what both kinds of users do."""
    with keep_as(keep_program, request.param) as made:
        yield made


@pytest.fixture
def anybody(keep_program):
    """For what is the same for all users: whoever runs the tests."""
    with keep_as(keep_program, 'root' if os.getuid() == 0 else 'user') as made:
        yield made


@pytest.fixture
def cryptsetup():
    """Runs it, and gives what it said; an AssertionError where it fails."""
    path = shutil.which('cryptsetup') or shutil.which('cryptsetup', path='/usr/sbin:/sbin')
    if not path:
        pytest.skip('cryptsetup is not installed')

    def run(*words, given=None):
        done = subprocess.run([path, *map(str, words)], input=given, capture_output=True,
                              timeout=120)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    return run
