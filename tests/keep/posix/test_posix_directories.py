"""Directories: large ones, and ones that change while they are read."""
import ctypes
import os
import stat

import pytest
from posix_tools import error, make

LARGE = 100_000 if os.environ.get('KEEPGATE_SOAK') else 5_000

libc = ctypes.CDLL(None, use_errno=True)
libc.opendir.restype = libc.readdir64.restype = ctypes.c_void_p
libc.telldir.restype = ctypes.c_long
libc.readdir64.argtypes = libc.closedir.argtypes = libc.rewinddir.argtypes = libc.telldir.argtypes = [ctypes.c_void_p]
libc.seekdir.argtypes = [ctypes.c_void_p, ctypes.c_long]


class Reading:
    """A directory stream of the C library, which Python does not have."""

    def __init__(self, path):
        self.stream = libc.opendir(os.fsencode(path))
        assert self.stream

    def next(self):
        entry = libc.readdir64(self.stream)
        return ctypes.string_at(entry + 19).decode() if entry else None

    def rest(self):
        return list(iter(self.next, None))

    def tell(self):
        return libc.telldir(self.stream)

    def seek(self, at):
        libc.seekdir(self.stream, at)

    def rewind(self):
        libc.rewinddir(self.stream)

    def close(self):
        libc.closedir(self.stream)


def test_many_entries(here):
    expected = {f'entry number {i}' for i in range(LARGE)}
    for name in expected:
        os.close(os.open(here / name, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    assert set(os.listdir(here)) == expected
    assert len(os.listdir(here)) == LARGE
    with os.scandir(here) as entries:
        assert all(entry.is_file(follow_symlinks=False) for entry in entries)
    for name in sorted(expected)[::97]:
        assert os.stat(here / name).st_size == 0
    os.rename(here / 'entry number 1', here / 'renamed')
    os.unlink(here / 'entry number 2')
    expected = expected - {'entry number 1', 'entry number 2'} | {'renamed'}
    assert set(os.listdir(here)) == expected


def test_deleting_while_reading(here):
    for i in range(2000):
        make(here / f'f{i}')
    reading = Reading(here)
    seen = []
    while (name := reading.next()) is not None:
        seen.append(name)
        if name not in ('.', '..'):
            os.unlink(here / name)
    reading.close()
    assert sorted(seen) == sorted(['.', '..'] + [f'f{i}' for i in range(2000)])
    assert os.listdir(here) == []


def test_what_stays_is_seen_once(here):
    """POSIX leaves open what is made or removed meanwhile; what is there throughout is there once."""
    stay = [f'stay{i}' for i in range(1000)]
    for name in stay:
        make(here / name)
    reading = Reading(here)
    seen = []
    for i in range(10_000):
        name = reading.next()
        if name is None:
            break
        seen.append(name)
        if i < 500:
            make(here / f'new{i}')
            if i % 2:
                os.rename(here / f'new{i}', here / f'other{i}')
    reading.close()
    assert sorted(name for name in seen if name.startswith('stay')) == sorted(stay)


def test_places_in_a_directory(here):
    for i in range(500):
        make(here / f'f{i}')
    reading = Reading(here)
    names = [reading.next() for _ in range(100)]
    at = reading.tell()
    rest = reading.rest()
    assert sorted(names + rest) == sorted(['.', '..'] + [f'f{i}' for i in range(500)])
    reading.seek(at)
    assert reading.rest() == rest
    reading.rewind()
    assert reading.rest() == names + rest
    make(here / 'late')
    reading.rewind()
    assert 'late' in reading.rest()
    reading.close()


def test_kinds_of_entries(here):
    make(here / 'file')
    os.mkdir(here / 'directory')
    os.symlink('file', here / 'link')
    os.mkfifo(here / 'fifo')
    with os.scandir(here) as entries:
        kinds = {entry.name: (entry.is_file(follow_symlinks=False), entry.is_dir(follow_symlinks=False),
                              entry.is_symlink()) for entry in entries}
    assert kinds == {'file': (True, False, False), 'directory': (False, True, False), 'link': (False, False, True),
                     'fifo': (False, False, False)}


@pytest.mark.parametrize('depth', [200])
def test_deep_directories(here, depth):
    at = os.open(here, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir('a rather long name for a directory', dir_fd=at)
        below = os.open('a rather long name for a directory', os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    fd = os.open('deepest', os.O_CREAT | os.O_WRONLY, 0o600, dir_fd=at)
    os.write(fd, b'x')
    os.close(fd)
    assert os.stat('deepest', dir_fd=at).st_size == 1
    os.close(at)


def test_times_of_a_directory_follow_its_names(here):
    os.mkdir(here / 'd')
    d = here / 'd'
    for change in (lambda: make(d / 'a'), lambda: os.rename(d / 'a', d / 'b'), lambda: os.link(d / 'b', d / 'c'),
                   lambda: os.unlink(d / 'c'), lambda: os.mkdir(d / 'e'), lambda: os.symlink('x', d / 's')):
        os.utime(d, (1, 1))
        change()
        assert os.stat(d).st_mtime > 1
    assert stat.S_ISDIR(os.stat(d).st_mode)


def test_what_was_just_closed_is_there(here):
    """The kernel tells of the end of an opening while the next call is under way."""
    for i in range(800):
        os.mkdir(here / 'd')
        make(here / 'd' / 'a')
        assert error(os.rmdir, here / 'd') == 'ENOTEMPTY', i
        make(here / 'b')
        os.rename(here / 'b', here / 'd' / 'a')
        os.remove(here / 'd' / 'a')
        os.rmdir(here / 'd')
