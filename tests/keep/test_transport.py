"""The same volume by rings and by /dev/fuse: nobody can tell, but by the time it takes."""
import mmap
import os
import pathlib
import random
import re
import shutil
import signal
import threading

import pytest
from keep_runner import wait_for_end
from transports import THREADS, TRANSPORTS, threads_of, transport


@pytest.fixture(params=TRANSPORTS)
def by(request):
    return request.param


def open_raw(keep, by, *more):
    keep.create('v.img', '--fs', 'none', *more)
    with transport(by):
        raw = keep.open('v.img', 'r', '--raw') / 'volume'
    return raw, keep.status()[0]['process']


def test_each_has_threads_of_its_own(keep, by):
    _, pid = open_raw(keep, by)
    threads = threads_of(pid)
    assert threads[THREADS[by]] >= (len(os.sched_getaffinity(0)) if by == 'rings' else 2)
    if by == 'rings':
        assert threads['fuse-device'] == 1
    keep.close('r')
    wait_for_end(pid)


def test_buffers_leave_memory_to_lock_for_secrets(keep, by):
    """An ordinary user may lock a few megabytes, which keys need too."""
    _, pid = open_raw(keep, by)
    status = pathlib.Path(f'/proc/{pid}/status').read_text()
    locked = int(re.search(r'VmLck:\s+(\d+)', status)[1]) << 10
    limit = int(re.search(r'Max locked memory\s+(\S+)', pathlib.Path(f'/proc/{pid}/limits').read_text())[1])
    assert locked > 1 << 20
    assert keep.user == 'root' or locked <= limit * 7 // 8


@pytest.mark.parametrize('sector_size', ['512', '4096'])
def test_what_was_written_is_read(keep, by, sector_size):
    raw, _ = open_raw(keep, by, '--sector-size', sector_size)
    data = random.Random(by).randbytes(3_000_001)
    keep.write_at_once(raw, data)
    assert keep.read(raw)[:len(data)] == data
    assert keep.execute('ls', raw.parent).stdout == b'volume\n'
    assert keep.execute('cat', raw.parent / 'nothing').returncode != 0
    assert keep.execute('stat', '-f', raw.parent).returncode == 0
    keep.close('r')
    other = TRANSPORTS[by == TRANSPORTS[0]]
    with transport(other):
        keep.open('v.img', 'r', '--raw')
    assert keep.read(raw)[:len(data)] == data


def test_direct_reads_and_writes(anybody, by):
    """O_DIRECT, at every size that a request may have."""
    raw, _ = open_raw(anybody, by)
    chance, room = random.Random(by), mmap.mmap(-1, 2 << 20)
    file = os.open(raw, os.O_RDWR | os.O_DIRECT)
    try:
        for size in (512, 4096, 64 << 10, 1 << 20, 2 << 20):
            data = chance.randbytes(size)
            room[:size] = data
            at = chance.randrange(8) << 20
            assert os.pwrite(file, memoryview(room)[:size], at) == size
            room[:size] = bytes(size)
            assert os.preadv(file, [memoryview(room)[:size]], at) == size
            assert room[:size] == data
        os.fsync(file)
    finally:
        os.close(file)


def test_neighbours_in_one_sector_lose_nothing(anybody, by):
    """Each thread writes its own bytes of the same sectors, past the kernel's cache."""
    raw, _ = open_raw(anybody, by)
    threads, part, count = 8, 512, 64
    failures = []

    def work(number):
        room = mmap.mmap(-1, part)
        file = os.open(raw, os.O_RDWR | os.O_DIRECT)
        try:
            for turn in range(6):
                for sector in range(count):
                    room[:] = bytes([number * 16 + turn]) * part
                    os.pwrite(file, room, sector * 4096 + number * part)
        except OSError as error:
            failures.append(error)
        finally:
            os.close(file)

    workers = [threading.Thread(target=work, args=(i,)) for i in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures == []
    sector = b''.join(bytes([number * 16 + 5]) * part for number in range(threads))
    assert anybody.read(raw)[:count * 4096] == sector * count


def test_a_processor_without_a_thread_is_served_too(anybody):
    """Where we may not run on all of them, or one comes later."""
    first, *others = sorted(os.sched_getaffinity(0))
    if not others:
        pytest.skip('there is one processor')
    anybody.create('v.img', '--fs', 'none')
    with transport('rings'):
        done = anybody.execute('taskset', '-c', str(first), anybody.program, 'open', 'v.img', 'r', '--raw',
                               '--passphrase-file', anybody.phrase)
    assert done.returncode == 0, done.stderr
    raw, threads = anybody.home / 'r' / 'volume', threads_of(anybody.status()[0]['process'])
    data = random.Random(5).randbytes(3_000_000)
    anybody.write_at_once(raw, data)
    for cpu in first, *others:
        found = anybody.execute('taskset', '-c', str(cpu), 'dd', f'if={raw}', 'bs=1M', 'iflag=direct', 'count=4')
        assert found.stdout[:len(data)] == data
    assert 0 < threads['fuse-ring'] <= 4


@pytest.mark.parametrize('failure', ['io_uring_setup:error=EPERM', 'io_uring_register:error=EPERM',
                                     'io_uring_enter:error=EAGAIN:when=1'])
def test_where_rings_fail_the_device_serves(anybody, failure):
    """Before or after the kernel was told of them: nobody waits for a ring that does not come."""
    strace = shutil.which('strace')
    if not strace:
        pytest.skip('strace is not installed')
    anybody.create('v.img', '--fs', 'none')
    with transport('rings'):
        daemon = anybody.start(strace, '-f', '-o', '/dev/null', '-e', f'trace={failure.split(":")[0]}', '-e',
                               f'inject={failure}', anybody.program, 'open', 'v.img', 'r', '--raw', '--foreground',
                               '--passphrase-file', anybody.phrase)
        said = daemon.stdout.readline()
    assert b'open at' in said
    threads = threads_of(anybody.status()[0]['process'])
    assert 'fuse-ring' not in threads and threads['fuse-device'] >= 2
    data = random.Random(failure).randbytes(2_000_000)
    anybody.write_at_once(anybody.home / 'r' / 'volume', data)
    assert anybody.read(anybody.home / 'r' / 'volume')[:len(data)] == data
    anybody.close('r')
    assert daemon.wait(timeout=60) == 0
    daemon.communicate()


def test_an_end_by_force_is_an_end(keep, by):
    """A reader of a mount whose daemon is killed gets an error, and all can be cleared away."""
    raw, pid = open_raw(keep, by)
    with keep.start('sh', '-c', 'while cat "$1" >/dev/null; do :; done', 'sh', raw) as reader:
        os.kill(pid, signal.SIGKILL)
        reader.communicate(timeout=60)
    wait_for_end(pid)
    assert 'had died' in keep.refuse(1, 'close', 'r')
    assert keep.status() == []
