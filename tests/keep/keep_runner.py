"""Runs keep as root and as an ordinary user, in a folder of its own that is left unmounted."""
import contextlib
import functools
import json
import os
import pathlib
import pwd
import shutil
import stat
import subprocess
import tempfile
import time

import pytest
import waiting

from machine_wide import made_so

CHEAP = ['--pbkdf', 'pbkdf2', '--kdf-iterations', '1000']
OK, FAILED, USAGE, DENIED, FOREIGN, DAMAGED, BUSY, UNSUPPORTED = range(8)
PATIENCE_S = 60
wait_for = functools.partial(waiting.wait_for, patience_s=PATIENCE_S)


def wait_for_end(pid):
    """Also of what was killed: until then it has its locks and its mounts. Whom nobody has asked how it went stays as a zombie."""
    def has_ended():
        try:
            state = pathlib.Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0]
            return state == 'Z' and len(os.listdir(f'/proc/{pid}/task')) == 1
        except (FileNotFoundError, ProcessLookupError):
            return True
    wait_for(has_ended, f'the end of process {pid}')


class Keep:
    """keep, as one user."""

    def __init__(self, program, user):
        self.user = user
        self.home = pathlib.Path(tempfile.mkdtemp(prefix='keepgate-test-'))
        self.program = self.home / 'keep'
        shutil.copy(program, self.program)
        self.environment = dict(os.environ, LC_ALL='C')
        self.prefix = []
        if user == 'user':
            runtime = self.home / 'runtime'
            runtime.mkdir(mode=0o700)
            self.environment['XDG_RUNTIME_DIR'] = str(runtime)
            if os.getuid() == 0:
                nobody = pwd.getpwnam('nobody')
                for path in (self.home, runtime):
                    os.chown(path, nobody.pw_uid, nobody.pw_gid)
                self.prefix = [shutil.which('setpriv'), f'--reuid={nobody.pw_uid}', f'--regid={nobody.pw_gid}',
                               '--clear-groups', '--']
        self.phrase = self.file('phrase', b'correct horse\n')

    def file(self, name, content):
        path = self.home / name
        path.write_bytes(content)
        path.chmod(0o644)
        return path

    def execute(self, *words, given=None):
        """Any program, as this user; bytes in, bytes out."""
        return subprocess.run([*self.prefix, *map(str, words)], input=given, capture_output=True,
                              env=self.environment, cwd=self.home, timeout=120)

    def run(self, *words, given=None):
        return self.execute(self.program, *words, given=given)

    def do(self, *words, given=None):
        """What must succeed."""
        done = self.run(*words, given=given)
        assert done.returncode == OK, done.stderr.decode()
        return done.stdout.decode()

    def refuse(self, status, *words, given=None):
        """What must fail with this status and one line; the line."""
        done = self.run(*words, given=given)
        line = done.stderr.decode()
        assert done.returncode == status, (done.returncode, line)
        assert line.startswith('keep: ') and line.count('\n') == 1, line
        return line

    def create(self, name='v.img', *more, size='24M'):
        self.do('create', name, '--size', size, '--passphrase-file', self.phrase, *CHEAP, *more)
        return self.home / name

    def open(self, name='v.img', at='m', *more):
        self.do('open', name, at, '--passphrase-file', self.phrase, *more)
        return self.home / at

    def hold(self, target, way, *more):
        """Opens it at m, where it closes itself after a second, and starts a program that is in it before that: `way` is "<m/..." or ">m/...".
        The program ends with a line of its input, which it writes there."""
        for _ in range(5):  # a machine may be busy for more than a second
            self.open(target, 'm', '--idle', '1s', *more)
            held = self.start('sh', '-c', f'exec 3{way}; echo; read line; echo "$line" >&3', stdin=subprocess.PIPE)
            if held.stdout.readline() and self.status():
                return held
            held.communicate()
            wait_for(lambda: not self.status(), 'its end')
        raise AssertionError('it is never open for a second')

    def close(self, name='m'):
        self.do('close', name)

    def status(self):
        return [each for each in json.loads(self.do('status', '--json'))
                if each['target'].startswith(str(self.home))]

    def write(self, path, content):
        """As this user: what is mounted is for nobody else."""
        done = self.execute('sh', '-c', 'cat > "$1" && sync "$1"', 'sh', path, given=content)
        assert done.returncode == 0, done.stderr.decode()

    def write_at_once(self, path, content):
        """Over what is there, and not truncated: the raw file keeps its size."""
        done = self.execute('dd', f'of={path}', 'bs=1M', 'conv=notrunc,fsync', 'iflag=fullblock', given=content)
        assert done.returncode == 0, done.stderr.decode()

    def start(self, *words, **more):
        """Any program, as this user, while something else happens."""
        return subprocess.Popen([*self.prefix, *map(str, words)], env=self.environment, cwd=self.home,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)

    def read(self, path):
        done = self.execute('cat', path)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def clear(self):
        for each in self.status():
            for _ in range(50):
                if self.run('close', each['target']).returncode != BUSY:
                    break
                time.sleep(0.1)
        mounts = pathlib.Path('/proc/mounts').read_text()
        assert str(self.home) not in mounts, mounts
        shutil.rmtree(self.home)


@contextlib.contextmanager
def fuse_for_everybody():
    """/dev/fuse as every distribution has it; root may lend it."""
    if not os.path.exists('/dev/fuse'):
        pytest.skip('there is no /dev/fuse here')
    if os.getuid() != 0:
        if not os.access('/dev/fuse', os.R_OK | os.W_OK):
            pytest.skip('/dev/fuse is closed to ordinary users here')
        yield
        return
    with made_so('/dev/fuse', lambda: stat.S_IMODE(os.stat('/dev/fuse').st_mode), lambda mode: os.chmod('/dev/fuse', mode),
                 lambda mode: mode | 0o666):
        yield


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
