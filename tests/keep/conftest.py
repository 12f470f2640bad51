"""Who runs keep: root, and an ordinary user."""
import contextlib
import fcntl
import os
import shutil
import stat
import subprocess

import pytest
from keep_runner import Keep


@contextlib.contextmanager
def fuse_for_everybody():
    """/dev/fuse as every distribution has it; root may lend it, one test at a time."""
    if not os.path.exists('/dev/fuse'):
        pytest.skip('there is no /dev/fuse here')
    if os.getuid() != 0:
        if not os.access('/dev/fuse', os.R_OK | os.W_OK):
            pytest.skip('/dev/fuse is closed to ordinary users here')
        yield
        return
    with open('/dev/fuse') as device:
        fcntl.flock(device, fcntl.LOCK_EX)  # before the mode is read: another run may have lent it
        mode = stat.S_IMODE(os.stat('/dev/fuse').st_mode)
        os.chmod('/dev/fuse', mode | 0o666)
        try:
            yield
        finally:
            os.chmod('/dev/fuse', mode)


@contextlib.contextmanager
def keep_as(program, user):
    if user == 'root' and os.getuid() != 0:
        pytest.skip('only root can try what root does')
    with fuse_for_everybody():
        keep = Keep(program, user)
        try:
            yield keep
        finally:
            keep.clear()


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
