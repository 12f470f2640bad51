"""An ext4 on a disk that records what is written and flushed, and the same disk after the power failed at any moment."""
import contextlib
import ctypes
import os
import random
import signal
import subprocess
import tempfile
import zlib

PAGE, FLUSH = 4096, (1 << 64) - 1


class Record:
    """What was written: of what no flush came after, any pages may have got to the disk, or none."""

    def __init__(self, base, path):
        self.base, self.entries = base, []
        data, at = path.read_bytes(), 0
        while at < len(data):
            offset, length = (int.from_bytes(data[at + i:at + i + 8], 'little') for i in (0, 8))
            at += 16 + length
            self.entries.append((at, offset, data[at - length:at]))
        self.end = at

    def moments(self, first, count, chance):
        """Places in the record, in order, the end of it among them."""
        ends = [end for end, _, _ in self.entries if end > first]
        return sorted({*chance.sample(ends, min(count, len(ends))), self.end})

    def disks(self, moments, chance):
        """(moment, a disk as it may be then) for each."""
        durable, unsure, upcoming = bytearray(self.base), [], iter(self.entries)
        entry = next(upcoming, None)
        for moment in moments:
            while entry and entry[0] <= moment:
                if entry[1] == FLUSH:
                    for offset, page in unsure:
                        durable[offset:offset + len(page)] = page
                    unsure = []
                else:
                    unsure += [(entry[1] + i, entry[2][i:i + PAGE]) for i in range(0, len(entry[2]), PAGE)]
                entry = next(upcoming, None)
            disk, share = bytearray(durable), chance.choice([0, 0.1, 0.5, 0.9, 1])
            for offset, page in unsure:
                if chance.random() < share:
                    disk[offset:offset + len(page)] = page
            yield moment, disk


def run(*words):
    subprocess.run(list(map(str, words)), check=True, stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def mounted(image, at, program='mount'):
    """A file system in a file, mounted; what a power cut left of an ext4 is gone through by its journal."""
    at.mkdir(exist_ok=True)
    device = subprocess.run(['losetup', '-f', '--show', image], check=True, capture_output=True, text=True).stdout.strip()
    try:
        run(program, device, at)
        try:
            yield at
        finally:
            run('umount', at)
    finally:
        run('losetup', '-d', device)


@contextlib.contextmanager
def after_cut(home, image):
    """What these bytes of a disk hold, mounted: in a file of their own. Whoever made a mount namespace meanwhile still has the file system
    of the cut before, whose last words go to its file when that namespace ends."""
    with tempfile.NamedTemporaryFile(dir=home) as file:
        file.write(image)
        file.flush()
        with mounted(file.name, home / 'after') as at:
            yield at


@contextlib.contextmanager
def recorded(program, home, size=40 << 20):
    """(where an ext4 is mounted, the file of the record, the bytes that the disk had at first)."""
    image, face, record = home / 'image', home / 'face', home / 'record'
    with open(image, 'wb') as file:
        file.truncate(size)
    run('mkfs.ext4', '-q', '-F', '-b', PAGE, '-J', 'size=4', '-E', 'lazy_itable_init=0,lazy_journal_init=0', image)
    face.mkdir()
    serving = subprocess.Popen([program, image, face, record], stdout=subprocess.PIPE, text=True)
    try:
        assert serving.stdout.readline() == 'mounted\n'
        with mounted(face / 'disk', home / 'ext4') as at:
            yield at, record, image.read_bytes()
    finally:
        serving.send_signal(signal.SIGTERM)
        assert serving.wait(timeout=30) == 0
        serving.stdout.close()


# ---- somebody at work ----

def exchange(one, other):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(-100, os.fsencode(one), -100, os.fsencode(other), 2) != 0:
        raise OSError(ctypes.get_errno(), 'renameat2')


def sync(path):
    fd = os.open(path, os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)


def brief(content):
    """For a person: its length, and the beginnings of sums of its blocks."""
    return 'nothing' if content is None else \
        f'{len(content)} ' + '-'.join(f'{zlib.crc32(content[at:at + PAGE]):08x}'[:4] for at in range(0, len(content), PAGE))


class Work:
    """Changes a directory at random, and knows what may be there after a cut: all that was since the last sync."""

    def __init__(self, at, record, seed):
        self.at, self.record, self.chance = at, record, random.Random(seed)
        self.files, self.directories = {}, {''}   # path -> number of the file; a link has that of its file
        self.contents = {}                        # number -> content
        self.states, self.synced = [], []         # (record before, record after, files, contents, the file at work)
        self.touched, self.number = set(), 0
        self.note(self.now(), None)

    def now(self):
        return self.record.stat().st_size

    def note(self, before, busy):
        self.states.append((before, self.now(), dict(self.files), dict(self.contents), busy))

    def name(self, taken=False):
        if taken:
            return self.chance.choice(sorted(self.files))
        self.number += 1
        return os.path.join(self.chance.choice(sorted(self.directories)),
                            f'{self.number}' + 'n' * self.chance.choice([0, 0, 0, 200]))

    def touch(self, *paths):
        self.touched |= {os.path.dirname(path) for path in paths}

    def make(self):
        path = self.name()
        content = (f'{self.number} ' * 20000)[:self.chance.choice([10, 3000, 3920, 5000, 20000, 70000])].encode()
        with open(self.at / path, 'wb') as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        self.files[path] = self.number
        self.contents[self.number] = content
        self.touch(path)
        return self.number

    def make_unnamed(self):
        """As make(), but the name comes when all is written."""
        path = self.name()
        content = (f'{self.number} ' * 20000)[:self.chance.choice([10, 5000, 70000])].encode()
        fd = os.open(self.at / os.path.dirname(path), os.O_TMPFILE | os.O_RDWR, 0o644)
        os.write(fd, content)
        os.fsync(fd)
        os.link(f'/proc/self/fd/{fd}', self.at / path, src_dir_fd=0)
        os.close(fd)
        self.files[path] = self.number
        self.contents[self.number] = content
        self.touch(path)
        return self.number

    def write(self):
        path = self.name(taken=True)
        content = bytearray(self.contents[self.files[path]])
        first = self.chance.randrange(len(content))
        new = os.urandom(min(self.chance.choice([1, 5000, 30000]), len(content) - first))
        content[first:first + len(new)] = new
        with open(self.at / path, 'r+b') as file:
            file.seek(first)
            file.write(new)
            file.flush()
            os.fsync(file.fileno())
        self.contents[self.files[path]] = bytes(content)
        return self.files[path]

    def rename(self):
        old, new = self.name(taken=True), self.name(taken=self.chance.random() < 0.5)
        if self.files.get(new) == self.files[old]:
            return
        os.rename(self.at / old, self.at / new)
        self.files[new] = self.files.pop(old)
        self.touch(old, new)

    def exchange(self):
        one, other = self.name(taken=True), self.name(taken=True)
        exchange(self.at / one, self.at / other)
        self.files[one], self.files[other] = self.files[other], self.files[one]
        self.touch(one, other)

    def link(self):
        old, new = self.name(taken=True), self.name()
        os.link(self.at / old, self.at / new)
        self.files[new] = self.files[old]
        self.touch(new)

    def unlink(self):
        path = self.name(taken=True)
        os.unlink(self.at / path)
        del self.files[path]
        self.touch(path)

    def mkdir(self):
        path = self.name()
        os.mkdir(self.at / path)
        self.directories.add(path)
        self.touch(path)

    def rmdir(self):
        empty = [d for d in sorted(self.directories) if d and not os.listdir(self.at / d)]
        if empty:
            path = self.chance.choice(empty)
            os.rmdir(self.at / path)
            self.directories.remove(path)
            self.touched.discard(path)
            self.touch(path)

    def rename_directory(self):
        if self.directories == {''}:
            return
        old = self.chance.choice(sorted(self.directories - {''}))
        new = self.name()
        if new.startswith(old + '/'):
            return
        os.rename(self.at / old, self.at / new)

        def moved(path):
            return new + path[len(old):] if path == old or path.startswith(old + '/') else path

        self.files = {moved(path): content for path, content in self.files.items()}
        self.directories = set(map(moved, self.directories))
        self.touched = set(map(moved, self.touched))
        self.touch(old, new)

    def sync(self):
        for path in sorted(self.touched):
            sync(self.at / path)
        self.touched = set()
        self.synced.append((self.now(), len(self.states) - 1))

    def step(self):
        ways = [self.make] if len(self.files) < 4 else [
            self.make, self.make, self.make_unnamed, self.write, self.write, self.rename, self.rename, self.rename,
            self.exchange, self.link, self.unlink, self.unlink, self.mkdir, self.rmdir, self.rename_directory]
        before = self.now()
        self.note(before, self.chance.choice(ways)())
        if self.chance.random() < 0.25:
            self.sync()

    def check(self, moment, found):
        """`found` is path -> content after a cut at this moment of the record."""
        low = max([state for at, state in self.synced if at <= moment], default=0)
        window = [state for number, state in enumerate(self.states) if number >= low and (number == low or state[0] < moment)]
        busy = {file for _, after, _, _, file in window if after > moment} - {None}
        states = [state[2] for state in window]
        contents = window[-1][3]  # each was synced when it was written
        for path in {*found, *(path for files in states for path in files)}:
            may = {files.get(path) for files in states}  # a name that is gone may still be there, with what came later
            assert may & busy or path not in found and None in may or \
                any(found.get(path) == contents[file] for file in may - {None}), \
                f'{path} at {moment}: is {brief(found.get(path))}, may be {may}: ' \
                f'{[brief(contents[file]) for file in may - {None}]}'
        for file in set.intersection(*(set(files.values()) for files in states)) - busy:
            assert contents[file] in found.values(), f'at {moment}: {file} is nowhere'
