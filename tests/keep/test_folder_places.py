"""Where a folder lies: a stick that can little, a disk that is full or read-only, what a synchronised folder is left with."""
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import time

import pytest

from keep_runner import BUSY, CHEAP, DAMAGED, FAILED, OK, USAGE, wait_for
from power_cut import mounted
from test_folder import folder, script


@pytest.fixture
def roomy(tmp_path):
    """A place for images; mounting them is for root."""
    if os.getuid() != 0 or not shutil.which('losetup') or not os.path.exists('/dev/loop-control'):
        pytest.skip('needs root and loop devices')
    return tmp_path


def image(at, size, *make):
    with open(at, 'wb') as file:
        file.truncate(size)
    subprocess.run([*make, at], check=True, capture_output=True)
    return at


@contextlib.contextmanager
def disk_for(keep, *words):
    """mounted(), for a folder that is closed whatever happens."""
    with mounted(*words) as at:
        try:
            yield at
        finally:
            for _ in range(2):  # it says once what could not be saved
                keep.run('close', 'm')


# Whether what a file system without links, owners and modes can do is done.
LITTLE = '''
import errno, os, sys
os.chdir(sys.argv[1])

def error(call, *words):
    try:
        call(*words)
    except OSError as failure:
        return failure.errno

os.makedirs('a/b')
for size in 0, 10, 5000, 300_000:
    open(f'a/{size}', 'wb').write(bytes([size % 251]) * size)
os.mkdir('e' * 200)
open('e' * 200 + '/' + 'f' * 255, 'w').write('long')
os.rename('a/10', 'a/5000')
os.rename('a', 'c')
os.mkdir('empty')
os.rename('c', 'empty')
os.mkdir('full')
open('full/x', 'w')
assert error(os.rename, 'empty', 'full') == errno.ENOTEMPTY
assert error(os.link, 'empty/0', 'link') == errno.EPERM
assert error(os.symlink, 'empty/0', 'link') in (errno.EPERM, errno.EOPNOTSUPP)
assert error(os.setxattr, 'empty/0', 'user.x', b'1') == errno.EOPNOTSUPP
fd = os.open('gone', os.O_CREAT | os.O_RDWR)
os.write(fd, b'x' * 9000)
os.unlink('gone')
assert os.pread(fd, 10, 8995) == b'x' * 5
'''


def end_who_serves(stick):
    """As if it was pulled out: nothing below can be reached any more."""
    found = subprocess.run(['pgrep', '-f', f'^mount.exfat-fuse .*{stick}'], check=True, capture_output=True).stdout
    (process,) = found.split()
    os.kill(int(process), signal.SIGKILL)
    with pytest.raises(OSError):
        while os.listdir(stick):
            time.sleep(0.05)


def test_a_stick_that_can_little(anybody, roomy):
    """exFAT: no links, no attributes, no owners; and by FUSE no rename that does not replace."""
    keep = anybody
    if not shutil.which('mount.exfat-fuse') or not shutil.which('mkfs.exfat'):
        pytest.skip('exfat-fuse is not installed')
    phrase = ['--passphrase-file', keep.phrase]
    with disk_for(keep, image(roomy / 'image', 96 << 20, 'mkfs.exfat'), roomy / 'stick', 'mount.exfat-fuse') as stick:
        keep.do('create', '--type', 'folder', stick / 'f', *phrase, *CHEAP)
        keep.refuse(USAGE, 'create', '--type', 'folder', stick / 'f', *phrase, *CHEAP)
        at = keep.open(stick / 'f', 'm')
        script(keep, LITTLE, at)
        keep.close()
        keep.do('check', stick / 'f', *phrase)
        keep.do('reencrypt', stick / 'f', *phrase, '--yes')
        keep.open(stick / 'f', 'm')
        assert keep.read(at / 'empty' / '5000') == bytes([10]) * 10
        assert keep.read(at / 'empty' / '300000') == bytes([300_000 % 251]) * 300_000
        assert keep.read(at / ('e' * 200) / ('f' * 255)) == b'long'
        keep.close()
        os.makedirs(stick / 'plain' / 'd')
        (stick / 'plain' / 'd' / 'file').write_bytes(b'text' * 5000)
        keep.do('encrypt', stick / 'plain', *phrase, *CHEAP, '--yes')
        assert keep.run('cat', stick / 'plain', 'd/file', *phrase).stdout == b'text' * 5000
        keep.do('check', stick / 'plain', *phrase)
        keep.open(stick / 'f', 'm')
        end_who_serves(stick)
        assert "'umount " in keep.refuse(FAILED, 'close', 'm')
        subprocess.run(['umount', at], check=True)
        wait_for(lambda: not keep.status(), 'its end')


FULL = '''
import errno, os, sys
os.chdir(sys.argv[1])

def until_full(path, flags=os.O_CREAT):
    fd, size = os.open(path, os.O_RDWR | flags), 0
    try:
        while size < 64 << 20:
            os.write(fd, bytes([size // 50_000 % 251]) * 50_000)
            os.fsync(fd)
            size += 50_000
    except OSError as failure:
        assert failure.errno == errno.ENOSPC, failure
    finally:
        try:
            os.close(fd)
        except OSError as failure:
            assert failure.errno == errno.ENOSPC, failure
    return size

os.mkdir('d')
for i in range(20):
    open(f'd/{i}', 'wb').write(bytes([i]) * i * 3000)
size = until_full('big')
assert 100_000 < size < 64 << 20
for i in range(20):
    assert open(f'd/{i}', 'rb').read() == bytes([i]) * i * 3000
    fd = os.open(f'd/{i}', os.O_RDWR)
    try:  # there is no room for more, nor perhaps for this
        os.pwrite(fd, b'X', 0)
        os.pwrite(fd, b'Y' * 100_000, 100_000)
        os.fsync(fd)
    except OSError as failure:
        assert failure.errno == errno.ENOSPC, failure
    try:
        os.close(fd)
    except OSError as failure:
        assert failure.errno == errno.ENOSPC, failure
big = os.open('big', os.O_RDONLY)
for block in range(size // 50_000):
    assert os.pread(big, 50_000, block * 50_000) == bytes([block % 251]) * 50_000, block
os.close(big)
os.unlink('big')  # its room is there at once
open('after', 'wb').write(b'z' * 300_000)
with open('after', 'rb+') as file:
    os.fsync(file.fileno())
'''


@pytest.mark.parametrize('fast', [[], ['--fast']], ids=['safe', 'fast'])
def test_the_disk_is_full(anybody, roomy, fast):
    """ENOSPC, and nothing that was there is lost; with room again all goes on."""
    keep = anybody
    with disk_for(keep, image(roomy / 'image', 20 << 20, 'mkfs.ext4', '-q', '-m', '0'), roomy / 'disk') as disk:
        keep.do('create', '--type', 'folder', disk / 'f', '--passphrase-file', keep.phrase, *CHEAP)
        at = keep.open(disk / 'f', 'm', *fast)
        script(keep, FULL, at)
        while keep.run('close', 'm').returncode == FAILED:
            pass  # it says once what could not be saved
        done = keep.run('check', disk / 'f', '--passphrase-file', keep.phrase)
        assert b'damaged: ' not in done.stdout, done.stdout.decode()
        keep.open(disk / 'f', 'm')
        assert keep.read(at / 'after') == b'z' * 300_000
        for i in range(1, 20):
            assert keep.read(at / 'd' / str(i))[1:i * 3000] == bytes([i]) * (i * 3000 - 1)
        keep.close()


def test_a_disk_that_is_read_only(anybody, roomy):
    keep = anybody
    lower = folder(keep)
    at = keep.open('f', 'm')
    keep.write(at / 'file', b'text' * 3000)
    keep.close()
    (roomy / 'ro').mkdir()
    subprocess.run(['mount', '--bind', lower, roomy / 'ro'], check=True)
    try:
        subprocess.run(['mount', '-o', 'remount,bind,ro', roomy / 'ro'], check=True)
        for more in [], ['--read-only']:
            keep.open(roomy / 'ro', 'm', *more)
            assert keep.read(at / 'file') == b'text' * 3000
            for what in ['touch', at / 'file'], ['touch', at / 'new'], ['rm', at / 'file'], ['mkdir', at / 'd']:
                done = keep.execute(*what)
                assert done.returncode == 1 and b'Read-only file system' in done.stderr, done.stderr
            keep.close()
        assert 'Read-only' in keep.refuse(FAILED, 'reencrypt', roomy / 'ro', '--passphrase-file', keep.phrase, '--yes')
        keep.do('check', roomy / 'ro', '--passphrase-file', keep.phrase)
    finally:
        subprocess.run(['umount', roomy / 'ro'], check=True)


def test_what_synchronisation_leaves(anybody):
    """Copies after a conflict, markers, what has not come yet: it is named, and what is there can be read."""
    keep = anybody
    lower = folder(keep)
    phrase = ['--passphrase-file', keep.phrase]
    at = keep.open('f', 'm')
    keep.write(at / 'doc', b'mine')
    keep.execute('mkdir', at / 'd')
    keep.write(at / 'd' / ('x' * 200), b'long')
    keep.close()
    doc = next(each for each in lower.iterdir() if each.is_file() and not each.name.startswith('keep.'))
    directory = next(each for each in lower.iterdir() if each.is_dir())
    long = next(directory.glob('keep.long.*'))
    beside = next(directory.glob('keep.name.*'))
    conflicting = [doc.with_name(doc.name + end) for end in (" (somebody's conflicted copy 2026-11-26)", '.sync-conflict-20261126-7.txt')]
    conflicting.append(long.with_name(long.name + ' (1)'))
    for copy in conflicting:
        shutil.copy2(doc if copy.parent == lower else long, copy)
    for foreign in '.stfolder', 'desktop.ini', 'keep (Case Conflict).luks':
        (lower / foreign).write_bytes(b'')
    keep.open('f', 'm')
    keep.write(at / 'doc', b'theirs')
    assert keep.execute('ls', at).stdout == b'd\ndoc\n'
    keep.close()
    done = keep.run('check', 'f', *phrase)
    said = done.stdout.decode()
    assert done.returncode == DAMAGED and said.count('foreign: ') == 6 and 'damaged: ' not in said, said
    assert said.count(': is another copy of doc, and can be read in its place\n') == 2
    assert f': is another copy of {"x" * 200}, and can be read in its place\n' in said
    doc.rename(lower / 'set aside')
    conflicting[0].rename(doc)
    assert keep.run('cat', 'f', 'doc', *phrase).stdout == b'mine'
    beside.rename(lower / 'late')
    assert f'damaged: d/{long.name}: has a long name, whose keep.name. file is missing' in keep.run('check', 'f', *phrase).stdout.decode()
    (lower / 'late').rename(beside)
    keep.do('check', 'f', *phrase, '--repair')
    keep.do('check', 'f', *phrase)
    assert keep.run('cat', 'f', 'd/' + 'x' * 200, *phrase).stdout == b'long'


def test_one_folder_at_one_place(anybody):
    keep = anybody
    folder(keep)
    phrase = ['--passphrase-file', keep.phrase]
    assert 'hide behind it' in keep.refuse(USAGE, 'open', 'f', 'f/inside', *phrase)
    assert 'hide behind it' in keep.refuse(USAGE, 'open', 'f', 'f', *phrase)
    with keep.hold('f', '>m/file') as busy:
        for other in 'm', 'm2', 'f/m':
            assert 'already open' in keep.refuse(BUSY, 'open', 'f', other, *phrase)
        assert 'still in use' in keep.refuse(BUSY, 'close', 'm')
        time.sleep(2.5)
        assert len(keep.status()) == 1  # what is open is used, whatever the time
        busy.communicate(b'text\n')
    wait_for(lambda: not keep.status(), 'its end')
    assert keep.run('cat', 'f', 'file', *phrase).stdout == b'text\n'
    assert keep.run('check', 'f', *phrase).returncode == OK
