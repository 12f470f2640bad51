"""Programs that people use, inside a place; and fsx, which knows what each byte should be."""
import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys

import pytest
from posix_tools import finish, make, start

from places import BUILD


def run(*words, **named):
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=300, **named)
    assert done.returncode == 0, (words, done.stdout[-2000:], done.stderr[-4000:])
    return done.stdout


def needed(program):
    if not shutil.which(program):
        pytest.skip(f'{program} is not installed')


@pytest.mark.parametrize('seed', [1, 2])
def test_fsx(here, seed):
    count = 1_000_000 if os.environ.get('KEEPGATE_SOAK') else 2_500
    size = 600_000 if seed == 1 else 30_000
    said = subprocess.run([BUILD / 'tests' / 'keep' / 'posix' / 'fsx', here / 'file', str(count), str(seed), str(size)],
                          capture_output=True, text=True)
    assert said.returncode == 0, said.stderr


def digest(path):
    with open(path, 'rb') as file:
        return hashlib.file_digest(file, 'sha256').hexdigest() if sys.version_info >= (3, 11) \
            else hashlib.sha256(file.read()).hexdigest()


def test_a_large_file_goes_in_and_out(here, tmp_path):
    size = 1 << 30 if os.environ.get('KEEPGATE_SOAK') else 48 << 20
    block = os.urandom(1 << 20)
    with open(tmp_path / 'in', 'wb') as file:
        for i in range(size >> 20):
            file.write(i.to_bytes(8, 'little') + block[8:])
    run('cp', tmp_path / 'in', here / 'file')
    run('cp', here / 'file', tmp_path / 'out')
    assert digest(here / 'file') == digest(tmp_path / 'in') == digest(tmp_path / 'out')


def insert(path, who):
    db = sqlite3.connect(path, timeout=60)
    for i in range(60):
        with db:
            db.execute('insert into t values (?, ?, ?)', (who, i, os.urandom(300)))
    db.close()


def test_sqlite_with_writers_at_once(here):
    path = here / 'db'
    db = sqlite3.connect(path)
    assert db.execute('pragma journal_mode=wal').fetchone() == ('wal',)
    db.execute('create table t (who integer, i integer, data blob)')
    db.commit()
    for started in [start(insert, path, who) for who in range(4)]:
        finish(started)
    assert db.execute('select count(*), count(distinct who) from t').fetchone() == (240, 4)
    assert db.execute('pragma integrity_check').fetchone() == ('ok',)
    db.close()
    db = sqlite3.connect(path)
    assert db.execute('pragma journal_mode=delete').fetchone() == ('delete',)
    db.execute('delete from t where who = 1')
    db.commit()
    assert db.execute('select count(*) from t').fetchone() == (180,)
    db.close()


def test_git(here):
    needed('git')
    environment = dict(os.environ, HOME=str(here), GIT_CONFIG_NOSYSTEM='1', GIT_AUTHOR_NAME='a', GIT_AUTHOR_EMAIL='a@b',
                       GIT_COMMITTER_NAME='a', GIT_COMMITTER_EMAIL='a@b')
    first = here / 'first'
    os.mkdir(first)
    for i in range(100):
        os.makedirs(first / f'd{i % 10}', exist_ok=True)
        make(first / f'd{i % 10}' / f'f{i}', f'line {i}\n'.encode() * (i + 1))
    run('git', 'init', '-q', cwd=first, env=environment)
    run('git', 'add', '.', cwd=first, env=environment)
    run('git', 'commit', '-qm', 'all', cwd=first, env=environment)
    run('git', 'clone', '-q', first, here / 'second', env=environment)
    run('git', 'clone', '-q', f'file://{first}', here / 'third', env=environment)
    for clone in ('second', 'third'):
        assert run('git', 'status', '--porcelain', cwd=here / clone, env=environment) == ''
        run('git', 'fsck', '--strict', cwd=here / clone, env=environment)
        run('git', 'gc', '-q', cwd=here / clone, env=environment)
    run('diff', '-r', '--exclude=.git', first, here / 'third')


def test_rsync(here, tmp_path):
    needed('rsync')
    source = tmp_path / 'source'
    os.makedirs(source / 'a' / 'b')
    for i in range(30):
        make(source / 'a' / f'f{i}', os.urandom(i * 777))
    os.link(source / 'a' / 'f1', source / 'a' / 'b' / 'linked')
    os.symlink('../f2', source / 'a' / 'b' / 'symbolic')
    os.setxattr(source / 'a' / 'f3', 'user.note', b'kept')
    os.chmod(source / 'a' / 'f4', 0o4711)
    os.utime(source / 'a' / 'f5', ns=(1, 1_234_567_890_123_456_789))
    with open(source / 'sparse', 'wb') as file:
        file.truncate(5 << 20)
        file.seek(1 << 20)
        file.write(b'x')

    def compare():
        return run('rsync', '-aHAXcn', '--delete', '--itemize-changes', f'{source}/', f'{here}/copy/')

    run('rsync', '-aHAX', '--delete', f'{source}/', f'{here}/copy/')
    assert compare() == ''
    os.unlink(source / 'a' / 'f7')
    os.rename(source / 'a' / 'b', source / 'moved')
    with open(source / 'a' / 'f29', 'r+b') as file:
        file.seek(10_000)
        file.write(b'changed')
    os.utime(source / 'a' / 'f29', (9, 9))  # rsync looks at seconds
    assert compare() != ''
    run('rsync', '-aHAX', '--delete', '--inplace', f'{source}/', f'{here}/copy/')
    assert compare() == ''
    run('rsync', '-aHAX', '--delete', f'{here}/copy/', f'{tmp_path}/back/')
    run('diff', '-r', '--no-dereference', source, tmp_path / 'back')


def test_tar(here, tmp_path):
    os.mkdir(here / 'd')
    for i in range(100):
        make(here / 'd' / f'f{i}', os.urandom(i * 100))
    run('tar', '-cf', here / 'a.tar', '-C', here, 'd')
    run('tar', '-xf', here / 'a.tar', '-C', tmp_path)
    run('diff', '-r', here / 'd', tmp_path / 'd')
    os.rename(here / 'd', here / 'e')
    run('tar', '-xf', here / 'a.tar', '-C', here)
    run('diff', '-r', here / 'd', here / 'e')


def test_sparse_copies(here):
    """Whoever copies looks for holes, finds none or some, and makes them of zeros."""
    with open(here / 'sparse', 'wb') as file:
        file.seek(9 << 20)
        file.write(b'x' * 5000)
        file.truncate(20 << 20)
    for how in 'auto', 'always', 'never':
        run('cp', f'--sparse={how}', here / 'sparse', here / how)
        run('cmp', here / 'sparse', here / how)
        run('sync', here / how)
    run('tar', '-cSf', here / 'a.tar', '-C', here, 'sparse')
    os.mkdir(here / 'out')
    run('tar', '-xSf', here / 'a.tar', '-C', here / 'out')
    run('cmp', here / 'sparse', here / 'out' / 'sparse')
    run('sync', here / 'sparse', here / 'out' / 'sparse')
    for name in 'sparse', 'always', 'out/sparse':
        assert os.stat(here / name).st_blocks * 512 < 200_000, name


def test_a_compile(here):
    needed('make')
    needed('cc')
    objects = ' '.join(f'o{i}.o' for i in range(24))
    for i in range(24):
        make(here / f'o{i}.c', f'#include <stdio.h>\nint f{i}(int x) {{ return printf("%d", x) + {i}; }}\n'.encode())
    make(here / 'main.c', b'int f7(int);\nint main(void) { return f7(1) != 8; }\n')
    make(here / 'Makefile', f'program: main.o {objects}\n\tcc -o $@ $^\n'.encode())
    run('make', '-s', '-j4', '-C', here)
    run(here / 'program')
    assert 'up to date' in run('make', '-C', here, 'program')


def test_stress(here):
    needed('stress-ng')
    seconds = '60' if os.environ.get('KEEPGATE_SOAK') else '3'
    run('stress-ng', '--temp-path', here, '--hdd', '1', '--hdd-bytes', '16M', '--seek', '1', '--seek-size', '8M',
        '--dentry', '1', '--dentries', '500', '--timeout', seconds, '--verify')
