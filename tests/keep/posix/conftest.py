"""Where behaviour is tried: a plain directory, the same one passed through FUSE, an encrypted folder."""
import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from places import BUILD
from transports import transport


@contextlib.contextmanager
def workshop():
    """An empty directory, on a file system with all that the tests ask for where root can make one."""
    memory = pathlib.Path('/dev/shm')
    roomy = os.getuid() == 0 and memory.is_dir() and shutil.disk_usage(memory).free > 2 << 30
    home = pathlib.Path(tempfile.mkdtemp(prefix='keepgate-posix-', dir=memory if roomy else None))
    home.chmod(0o755)
    image, at = home / 'image', home / 'disk'
    at.mkdir()
    mounted = False
    if os.getuid() == 0 and shutil.which('mkfs.ext4'):
        with open(image, 'wb') as file:
            file.truncate((3 if os.environ.get('KEEPGATE_SOAK') else 1) << 30)
        subprocess.run(['mkfs.ext4', '-q', '-F', '-m', '0', '-N', '150000', image], check=True)
        mounted = subprocess.run(['mount', '-o', 'loop', image, at], capture_output=True).returncode == 0
    try:
        yield at
    finally:
        if mounted:
            subprocess.run(['umount', at], check=True)
        shutil.rmtree(home)


@contextlib.contextmanager
def passed_through(lower, at, *words):
    """The directory `lower`, shown at `at` by the pass-through tree."""
    program = BUILD / 'tests' / 'keep' / 'posix' / 'pass_mount'
    serving = subprocess.Popen([program, lower, at, *words], stdout=subprocess.PIPE, text=True)
    assert serving.stdout.readline() == 'mounted\n'
    try:
        yield at
    finally:
        serving.terminate()
        assert serving.wait(timeout=30) == 0
        serving.stdout.close()


@contextlib.contextmanager
def plain(disk):
    yield disk


@contextlib.contextmanager
def passing(disk):
    lower, at = disk / 'lower', disk / 'shown'
    lower.mkdir()
    at.mkdir()
    with contextlib.ExitStack() as stack:
        with transport(os.environ.get('KEEPGATE_TRANSPORT', 'device')):
            stack.enter_context(passed_through(lower, at, *(['allow_other'] if os.getuid() == 0 else [])))
        yield at


@contextlib.contextmanager
def encrypted(disk):
    """An encrypted folder, as 'keep open' mounts it."""
    lower, at = disk / 'folder', disk / 'open'
    phrase = disk / 'phrase'
    phrase.write_text('correct horse')
    words = ['--passphrase-file', phrase]

    def keep(*what):
        subprocess.run([BUILD / 'keep', *what], check=True, stdout=subprocess.DEVNULL)

    keep('create', '--type', 'folder', lower, *words, '--pbkdf', 'pbkdf2', '--kdf-iterations', '1000')
    if os.getuid() == 0:
        lower.chmod(0o755)
    with transport(os.environ.get('KEEPGATE_TRANSPORT', 'device')):
        keep('open', lower, at, *words, *(['--allow-other'] if os.getuid() == 0 else []))
    try:
        yield at
    finally:
        keep('close', lower)
        shutil.rmtree(lower)


PLACES = {'plain': plain, 'pass': passing, 'folder': encrypted}


@pytest.fixture(scope='session', params=PLACES)
def place(request):
    """A directory to work in, of each kind in turn."""
    if not os.access('/dev/fuse', os.R_OK | os.W_OK):
        pytest.skip('/dev/fuse is not there, or closed')
    with workshop() as disk, PLACES[request.param](disk) as at:
        yield at


@pytest.fixture
def here(place, request):
    """An empty directory of the place, for one test."""
    old = os.umask(0o022)
    at = place / request.node.name.split('[')[0][:100]
    at.mkdir()
    at.chmod(0o777)
    yield at
    os.umask(old)
    shutil.rmtree(at)


@pytest.fixture
def root():
    if os.getuid() != 0:
        pytest.skip('only root can be other users')
