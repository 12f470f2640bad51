"""The bytes of files: sparse, mapped, direct, appended to by many, allocated and punched."""
import ctypes
import fcntl
import mmap
import os
import struct

import pytest
from posix_tools import content, elsewhere, error, finish, make, start

PAGE = mmap.PAGESIZE
KEEP_SIZE, PUNCH_HOLE, ZERO_RANGE = 1, 2, 16

libc = ctypes.CDLL(None, use_errno=True)


def fallocate(fd, mode, offset, length):
    if libc.fallocate64(fd, mode, ctypes.c_int64(offset), ctypes.c_int64(length)) != 0:
        raise OSError(ctypes.get_errno(), 'fallocate')


@pytest.fixture
def fd(here):
    fd = os.open(here / 'file', os.O_CREAT | os.O_RDWR, 0o600)
    yield fd
    os.close(fd)


def test_reads_and_writes_of_every_small_size(fd):
    model = bytearray()
    for i, size in enumerate([0, 1, 2, 511, 512, 513, 3900, 4095, 4096, 4097, 8191, 8192, 8193, 65536, 1 << 20]):
        data = bytes((i + j) % 251 for j in range(size))
        offset = len(model) // 2 + i
        os.pwrite(fd, data, offset)
        if size:
            model.extend(bytes(max(0, offset + size - len(model))))
            model[offset:offset + size] = data
        assert os.fstat(fd).st_size == len(model)
        assert os.pread(fd, len(model) + 10, 0) == model
    assert os.pread(fd, 10, len(model)) == b''
    assert os.pread(fd, 10, len(model) - 3) == model[-3:]


def blocks(path):
    """What the file takes: a mount looks again when somebody closes it."""
    os.close(os.open(path, os.O_RDWR))
    return os.stat(path).st_blocks


def test_sparse_files(here, fd):
    os.pwrite(fd, b'far', 1 << 40)
    assert os.fstat(fd).st_size == (1 << 40) + 3
    os.fsync(fd)
    assert blocks(here / 'file') < 4096
    assert os.pread(fd, 100, 1 << 39) == bytes(100)
    assert os.pread(fd, 100, (1 << 40) - 50) == bytes(50) + b'far'
    os.ftruncate(fd, 10)
    assert os.pread(fd, 100, 0) == bytes(10)


def test_what_was_cut_off_does_not_come_back(fd):
    os.write(fd, b'x' * 20_000)
    for size in (12_288, 5_000, 4_096, 100, 1, 0):
        os.ftruncate(fd, size)
        os.ftruncate(fd, 20_000)
        assert os.pread(fd, 20_001, 0) == b'x' * size + bytes(20_000 - size)


def test_truncate(here, fd):
    os.truncate(here / 'file', 5)
    assert content(here / 'file') == bytes(5)
    assert error(os.truncate, here / 'file', -1) == 'EINVAL'
    assert error(os.truncate, here, 0) == 'EISDIR'
    os.utime(fd, (1, 1))
    os.truncate(here / 'file', 6)
    assert os.stat(here / 'file').st_mtime > 1


def append_lines(path, who, count):
    fd = os.open(path, os.O_WRONLY | os.O_APPEND)
    for i in range(count):
        os.write(fd, f'{who} {i} {"." * (i % 50)}\n'.encode())
    os.close(fd)


def test_many_append(here):
    make(here / 'log')
    for started in [start(append_lines, here / 'log', who, 500) for who in range(6)]:
        finish(started)
    lines = content(here / 'log').decode().split('\n')
    assert sorted(lines) == sorted([f'{who} {i} {"." * (i % 50)}' for who in range(6) for i in range(500)] + [''])


def test_append_ignores_the_place(here):
    fd = os.open(make(here / 'a', b'one'), os.O_RDWR | os.O_APPEND)
    os.lseek(fd, 0, os.SEEK_SET)
    os.write(fd, b' two')
    assert content(here / 'a') == b'one two'
    os.ftruncate(fd, 1)
    os.write(fd, b'!')
    assert content(here / 'a') == b'o!'
    os.close(fd)


def test_shared_maps(here, fd):
    os.ftruncate(fd, 3 * PAGE + 100)
    with mmap.mmap(fd, 3 * PAGE + 100) as seen:
        seen[10:15] = b'mapped'[:5]
        assert os.pread(fd, 5, 10) == b'mappe'
        os.pwrite(fd, b'written', 2 * PAGE)
        assert seen[2 * PAGE:2 * PAGE + 7] == b'written'

        def change():
            other = os.open(here / 'file', os.O_RDWR)
            with mmap.mmap(other, 3 * PAGE + 100) as theirs:
                theirs[PAGE:PAGE + 6] = b'theirs'
            os.close(other)

        elsewhere(change)
        assert seen[PAGE:PAGE + 6] == b'theirs'
        seen[3 * PAGE + 99] = 7
        seen.flush()
    assert os.fstat(fd).st_size == 3 * PAGE + 100
    whole = content(here / 'file')
    assert (whole[10:15], whole[PAGE:PAGE + 6], whole[-1]) == (b'mappe', b'theirs', 7)


def test_a_map_outlives_its_descriptor_and_its_name(here):
    fd = os.open(make(here / 'a', b'a' * PAGE), os.O_RDWR)
    seen = mmap.mmap(fd, PAGE)
    os.close(fd)
    seen[0:4] = b'late'
    seen.flush()
    assert content(here / 'a')[:5] == b'latea'
    os.unlink(here / 'a')
    seen[4:8] = b'more'
    seen.flush()
    assert seen[0:8] == b'latemore'
    seen.close()


def test_private_maps_change_nothing(here, fd):
    os.write(fd, b'original')
    with mmap.mmap(fd, 8, access=mmap.ACCESS_COPY) as seen:
        seen[0:3] = b'new'
    assert content(here / 'file') == b'original'


def test_direct_io(here):
    fd = os.open(here / 'direct', os.O_CREAT | os.O_RDWR | os.O_DIRECT, 0o600)
    buffer = mmap.mmap(-1, 1 << 20)
    for i in range(0, 1 << 20, PAGE):
        buffer[i:i + PAGE] = bytes([i // PAGE % 251]) * PAGE
    expected = buffer[:]
    assert os.pwritev(fd, [buffer], 0) == 1 << 20
    assert content(here / 'direct') == expected  # by the cache
    buffered = os.open(here / 'direct', os.O_RDWR)
    os.pwrite(buffered, b'cached', 5 * PAGE)
    got = mmap.mmap(-1, 1 << 20)
    assert os.preadv(fd, [got], 0) == 1 << 20  # directly again
    assert got[5 * PAGE:5 * PAGE + 6] == b'cached'
    assert got[:5 * PAGE] == expected[:5 * PAGE]
    assert got[6 * PAGE:] == expected[6 * PAGE:]
    os.pwritev(fd, [memoryview(buffer)[:PAGE]], 5 * PAGE)
    assert os.pread(buffered, 6, 5 * PAGE) == expected[:6]
    os.ftruncate(buffered, 2 * PAGE + 10)
    assert os.preadv(fd, [got], 2 * PAGE) == 10
    os.close(fd)
    os.close(buffered)


def test_fallocate(here, fd):
    os.write(fd, b'x' * 10_000)
    fallocate(fd, 0, 0, 50_000)
    assert os.fstat(fd).st_size == 50_000
    assert os.pread(fd, 60_000, 0) == b'x' * 10_000 + bytes(40_000)
    fallocate(fd, KEEP_SIZE, 50_000, 100_000)
    assert os.fstat(fd).st_size == 50_000
    assert error(fallocate, fd, 0, 0, 0) == 'EINVAL'
    assert error(fallocate, fd, 0, -1, 10) == 'EINVAL'
    assert error(fallocate, fd, PUNCH_HOLE, 0, 10) == 'EOPNOTSUPP'
    readable = os.open(here / 'file', os.O_RDONLY)
    assert error(fallocate, readable, 0, 0, 10) == 'EBADF'
    os.close(readable)


def test_holes_are_punched(here, fd):
    data = bytes(range(1, 251)) * 1200
    os.write(fd, data)
    os.fsync(fd)
    before = blocks(here / 'file')
    model = bytearray(data)
    for offset, length in ((10, 20), (4096, 4096), (5000, 100), (100_000, 150_000), (299_000, 10_000), (3 << 30, 10)):
        fallocate(fd, PUNCH_HOLE | KEEP_SIZE, offset, length)
        end = min(offset + length, len(model))
        if end > offset:
            model[offset:end] = bytes(end - offset)
        assert os.fstat(fd).st_size == len(data)
        assert os.pread(fd, len(data) + 1, 0) == model
    os.fsync(fd)
    assert blocks(here / 'file') < before
    os.pwrite(fd, b'again', 200_000)
    model[200_000:200_005] = b'again'
    assert os.pread(fd, len(data), 0) == model


def test_ranges_are_zeroed(fd):
    os.write(fd, b'x' * 20_000)
    what = error(fallocate, fd, ZERO_RANGE, 1000, 10_000)
    assert what in (None, 'EOPNOTSUPP')
    if what is None:
        assert os.pread(fd, 20_001, 0) == b'x' * 1000 + bytes(10_000) + b'x' * 9000


def test_copies_within_the_kernel(here, fd):
    data = os.urandom(300_000)
    os.write(fd, data)
    other = os.open(here / 'copy', os.O_CREAT | os.O_RDWR, 0o600)
    done = 0
    while done < len(data):
        done += os.copy_file_range(fd, other, len(data) - done, done, done)
    assert content(here / 'copy') == data
    os.ftruncate(other, 0)
    os.lseek(other, 0, os.SEEK_SET)
    done = 0
    while done < len(data):
        done += os.sendfile(other, fd, done, len(data) - done)
    assert content(here / 'copy') == data
    os.close(other)


def test_data_and_holes_are_never_confused(fd):
    """Whoever looks for holes before he copies must find all data, also what was just written."""
    os.ftruncate(fd, 1 << 20)
    os.pwrite(fd, b'data', 500_000)
    at = os.lseek(fd, 0, os.SEEK_DATA)
    assert at <= 500_000
    assert os.lseek(fd, 500_000, os.SEEK_DATA) == 500_000
    assert os.lseek(fd, 500_000, os.SEEK_HOLE) > 500_003
    assert error(os.lseek, fd, 1 << 20, os.SEEK_DATA) == 'ENXIO'
    assert os.lseek(fd, (1 << 20) - 1, os.SEEK_HOLE) <= 1 << 20


def test_sync(here, fd):
    os.write(fd, b'x')
    os.fsync(fd)
    os.fdatasync(fd)
    readable = os.open(here / 'file', os.O_RDONLY)
    os.fsync(readable)
    os.close(readable)
    directory = os.open(here, os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)


def test_file_systems_have_room(here, fd):
    about = os.statvfs(here)
    assert about.f_namemax >= 255
    assert 0 < about.f_bavail <= about.f_bfree <= about.f_blocks
    os.write(fd, b'x' * (8 << 20))
    os.fsync(fd)
    after = os.statvfs(here)
    assert (about.f_bavail - after.f_bavail) * about.f_frsize >= 7 << 20
    assert os.fstatvfs(fd).f_blocks == after.f_blocks


def conflict(path, call, *how):
    fd = os.open(path, os.O_RDWR)
    what = error(call, fd, *how)
    os.close(fd)
    return what


def test_locks_of_whole_files(here, fd):
    fcntl.flock(fd, fcntl.LOCK_EX)
    assert elsewhere(conflict, here / 'file', fcntl.flock, fcntl.LOCK_SH | fcntl.LOCK_NB) == 'EAGAIN'
    fcntl.flock(fd, fcntl.LOCK_SH)
    assert elsewhere(conflict, here / 'file', fcntl.flock, fcntl.LOCK_SH | fcntl.LOCK_NB) is None
    fcntl.flock(fd, fcntl.LOCK_UN)
    assert elsewhere(conflict, here / 'file', fcntl.flock, fcntl.LOCK_EX | fcntl.LOCK_NB) is None


def test_locks_of_ranges(here, fd):
    path, exclusive, shared = here / 'file', fcntl.LOCK_EX | fcntl.LOCK_NB, fcntl.LOCK_SH | fcntl.LOCK_NB
    fcntl.lockf(fd, exclusive, 10, 100)
    assert elsewhere(conflict, path, fcntl.lockf, shared, 1, 105) == 'EAGAIN'
    assert elsewhere(conflict, path, fcntl.lockf, exclusive, 10, 110) is None
    fcntl.lockf(fd, fcntl.LOCK_UN, 5, 100)
    assert elsewhere(conflict, path, fcntl.lockf, exclusive, 5, 100) is None
    assert elsewhere(conflict, path, fcntl.lockf, exclusive, 1, 105) == 'EAGAIN'
    os.close(os.open(path, os.O_RDONLY))  # lets go of all locks of this process, as POSIX wants it
    assert elsewhere(conflict, path, fcntl.lockf, exclusive, 1, 105) is None


def open_file_lock(path, kind):
    """A lock of the open file itself (OFD), for all of it."""
    fd = os.open(path, os.O_RDWR)
    try:
        fcntl.fcntl(fd, 37, struct.pack('hhqqi4x', kind, os.SEEK_SET, 0, 0, 0))  # F_OFD_SETLK
    except OSError:
        os.close(fd)
        raise
    return fd


def test_locks_of_open_files(here, fd):
    path = here / 'file'
    first = open_file_lock(path, fcntl.F_RDLCK)
    second = open_file_lock(path, fcntl.F_RDLCK)
    assert error(open_file_lock, path, fcntl.F_WRLCK) == 'EAGAIN'
    assert elsewhere(error, open_file_lock, path, fcntl.F_WRLCK) == 'EAGAIN'
    os.close(first)
    os.close(second)
    os.close(open_file_lock(path, fcntl.F_WRLCK))


def test_maps_of_two_processes(here, fd):
    """What one writes in memory the other reads there and in the file, with msync and without."""
    os.ftruncate(fd, 70_000)

    def write(at, text):
        with open(here / 'file', 'r+b') as file, mmap.mmap(file.fileno(), 70_000) as map:
            map[at:at + len(text)] = text
            map.flush()
            return bytes(map[:6])

    with mmap.mmap(fd, 70_000) as map:
        map[:6] = b'parent'
        assert elsewhere(write, 66_000, b'child') == b'parent'
        assert map[66_000:66_005] == os.pread(fd, 5, 66_000) == b'child'


def events(watch):
    """(what happened, to which name), as inotify says it."""
    found, data = [], os.read(watch, 65536)
    while data:
        _, mask, _, length = struct.unpack('iIII', data[:16])
        found.append((mask, data[16:16 + length].rstrip(b'\0').decode()))
        data = data[16 + length:]
    return found


def test_changes_are_told(here):
    watch = libc.inotify_init1(os.O_NONBLOCK)
    assert watch >= 0 and libc.inotify_add_watch(watch, os.fsencode(here), 0x3c2) >= 0  # all changes of names, and of contents
    with open(here / 'a', 'wb') as file:
        file.write(b'x')
    os.rename(here / 'a', here / 'b')
    os.unlink(here / 'b')
    assert events(watch) == [(0x100, 'a'), (2, 'a'), (0x40, 'a'), (0x80, 'b'), (0x200, 'b')]
    os.close(watch)
