"""Times of files in a folder: what a program saw is what the next one sees, and what changed says so after a crash."""
import json
import os
import re
import shutil
import signal
import time

import pytest

from folder_reader import Damaged, Folder
from keep_runner import wait_for, wait_for_end
from test_folder import folder, script, volume_key

# Changes files in every way, some in the tick in which they are made, and says what it sees then.
CHANGE = '''
import ctypes, json, mmap, os, sys
os.chdir(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)

def put(path, flags, size, sync=False):
    fd = os.open(path, flags, 0o644)
    os.write(fd, b'x' * size)
    if sync:
        os.fsync(fd)
        os.write(fd, b'y' * size)
        libc.sync_file_range(fd, ctypes.c_long(0), ctypes.c_long(0), 7)
    os.close(fd)

for i in range(60):
    for size in (10, 5000, 300_000):
        put(f'new {i} {size}', os.O_CREAT | os.O_WRONLY, size)
    put(f'synced {i}', os.O_CREAT | os.O_WRONLY, 9000, True)
    put(f'again {i}', os.O_CREAT | os.O_WRONLY, 9000)
    put(f'again {i}', os.O_TRUNC | os.O_WRONLY, 9000)
    put(f'longer {i}', os.O_CREAT | os.O_WRONLY, 100)
    put(f'longer {i}', os.O_APPEND | os.O_WRONLY, 9000)
    fd = os.open(f'mapped {i}', os.O_CREAT | os.O_RDWR, 0o644)
    os.ftruncate(fd, 20000)
    with mmap.mmap(fd, 20000) as map:
        os.close(fd)
        map[:] = b'm' * 20000
    with open(f'room {i}', 'wb') as file:
        os.posix_fallocate(file.fileno(), 0, 70000)
    put(f'set {i}', os.O_CREAT | os.O_WRONLY, 9000)
    os.utime(f'set {i}', ns=(5, 1_234_567_890_123_456_789))
    with open(f'set {i}', 'r+b') as file:
        os.utime(file.fileno(), ns=(5, i + 1))
print(json.dumps({name: os.stat(name).st_mtime_ns for name in os.listdir('.')}))
'''
SEE = "import json, os, sys; print(json.dumps({name: os.stat(f'{sys.argv[1]}/{name}').st_mtime_ns for name in os.listdir(sys.argv[1])}))"

# An old file gets other bytes, which go to the disk while it stays open.
HIDE = '''
import mmap, os, sys, time
fd = os.open(sys.argv[1], os.O_RDWR | os.O_DIRECT)
other = os.open(sys.argv[1], os.O_RDWR)
os.close(other)
with mmap.mmap(-1, 8192) as page:
    page[:] = b'z' * 8192
    os.pwrite(fd, page, 0)
    other = os.open(sys.argv[1], os.O_RDONLY)
    print('written', flush=True)
    time.sleep(60)
'''


def test_times_stay_when_it_is_opened_again(anybody):
    keep = anybody
    folder(keep)
    for more in [], ['--fast']:
        at = keep.open('f', 'm', *more)
        before = json.loads(script(keep, CHANGE, at))
        keep.close()
        keep.open('f', 'm')
        after = json.loads(script(keep, SEE, at))
        assert {name: (seen, after[name]) for name, seen in before.items() if after[name] != seen} == {}
        keep.close()


def begins_with(reader, name, content):
    """Whether that is on the disk, under a daemon that is at work."""
    try:
        path, tag = next((path, tag) for found, _, path, tag in reader.walk() if found == name)
        return reader.file(path, tag).read().startswith(content)
    except Damaged:
        return False


def test_a_crash_hides_no_change(anybody, cryptsetup):
    keep = anybody
    reader = Folder(folder(keep), volume_key(keep, cryptsetup))
    at = keep.open('f', 'm')
    keep.write(at / 'file', b'a' * 20000)
    keep.execute('touch', '-d', '@1', at / 'file')
    keep.close()
    keep.open('f', 'm')
    with keep.start('/usr/bin/python3', '-c', HIDE, at / 'file') as writer:
        assert writer.stdout.readline() == b'written\n', writer.stderr.read()
        wait_for(lambda: begins_with(reader, 'file', b'z' * 8192), 'what waits to go to the disk')
        time.sleep(1)  # and its time after it
        daemon = keep.status()[0]['process']
        os.kill(daemon, signal.SIGKILL)
        writer.kill()
    wait_for_end(daemon)
    keep.run('close', 'f')
    keep.open('f', 'm')
    assert keep.read(at / 'file')[:8192] == b'z' * 8192
    assert json.loads(script(keep, SEE, at))['file'] > 10**9


def test_a_sync_asks_the_disk_once(anybody):
    """Once more only before a header loses content to blocks, and before what was synced is overwritten."""
    keep = anybody
    if os.getuid() != 0 or not shutil.which('strace'):
        pytest.skip('needs root and strace')
    folder(keep)
    calls, at = keep.home / 'calls', keep.home / 'm'
    traced = keep.start('strace', '-qq', '-f', '-o', calls, '-e', 'trace=fsync,fdatasync,msync', keep.program, 'open', 'f', at,
                        '--foreground', '--passphrase-file', keep.phrase)
    wait_for(at.is_mount, 'the mount')
    asked = []
    with open(at / 'a', 'wb', buffering=0) as file:
        for content, offset in (b'small', 0), (b'x' * 299_008, 0), (b'y' * 4096, 299_008), (b'z' * 4096, 8192):
            before = len(calls.read_text())
            os.pwrite(file.fileno(), content, offset)
            os.fsync(file.fileno())
            asked.append(re.findall(r'(\w+)\(', calls.read_text()[before:]))
    keep.close()
    traced.communicate(timeout=60)
    assert asked[:3] == [['fsync'], ['fdatasync', 'fsync'], ['fsync']]
    assert asked[3] in (['msync', 'fsync'], ['fdatasync', 'fsync'])  # a part, where the file system below knows parts
