"""Who runs keep: root, and an ordinary user."""
import os
import shutil
import subprocess

import pytest
from keep_runner import keep_as


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
