"""keep is killed in the midst of writing: what was synced is there, everything can be read, and nothing is damaged."""
import collections
import os
import random
import signal
import struct
import subprocess
import time

import pytest

from keep_runner import CHEAP, PATIENCE_S, wait_for, wait_for_end
from transports import transport

FILES, BLOCKS = 12, 160

# Stamps blocks of files with rising numbers, and tells outside what it is about to do and what it has synced.
WRITER = '''
import os, random, struct, sys
at, log, seed = sys.argv[1], open(sys.argv[2], 'a', buffering=1), int(sys.argv[3])
random.seed(seed)
version = seed * 1000000
while True:
    name = random.randrange(%d)
    path = f'{at}/d{name %% 3}/{name}'
    version += 1
    kind = random.random()
    try:
        if kind < 0.15:  # as editors save
            blocks = range(random.randrange(1, %d))
            print('new', name, version, len(blocks), file=log)
            with open(path + '.new', 'wb') as file:
                file.write(b''.join(struct.pack('<QQ', version, b) * 256 for b in blocks))
                file.flush()
                os.fsync(file.fileno())
            os.rename(path + '.new', path)
            fd = os.open(os.path.dirname(path), os.O_RDONLY)
            os.fsync(fd)
            os.close(fd)
            print('renamed', name, version, file=log)
            continue
        fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        first, count = random.randrange(%d), random.choice([1, 1, 1, 3, 40])
        print('write', name, version, first, count, file=log)
        os.pwrite(fd, b''.join(struct.pack('<QQ', version, b) * 256 for b in range(first, first + count)), first * 4096)
        if kind < 0.6:
            os.fsync(fd)
            print('synced', name, version, file=log)
        os.close(fd)
    except OSError as error:
        print('error', error, file=log)
        break
''' % (FILES, BLOCKS, BLOCKS)


class Expected:
    """For each block of each file the stamps that may be there."""

    def __init__(self):
        self.may = collections.defaultdict(lambda: collections.defaultdict(lambda: {0}))
        self.whole = collections.defaultdict(set)  # versions of files that may stand there as a whole
        self.synced = {}

    def take(self, words):
        kind, name = words[0], words[1]
        if kind == 'new':
            self.whole[name].add((int(words[2]), int(words[3])))
        elif kind == 'renamed':
            version = int(words[2])
            size = next(size for v, size in self.whole[name] if v == version)
            self.whole[name] = set()
            self.may[name] = collections.defaultdict(lambda: {0})
            for block in range(size):
                self.may[name][block] = {version}
            self.synced[name] = True
        elif kind == 'write':
            for block in range(int(words[3]), int(words[3]) + int(words[4])):
                self.may[name][block].add(int(words[2]))
        elif kind == 'synced':
            for block, stamps in self.may[name].items():
                self.may[name][block] = {max(stamps)}
            self.synced[name] = True

    def is_right(self, name, content):
        stamps = []
        for block in range(-(-len(content) // 4096)):
            data = content[block * 4096:block * 4096 + 4096]
            version, number = struct.unpack('<QQ', data[:16])
            assert data == struct.pack('<QQ', version, number) * 256 and number in (block, 0)
            stamps.append(version)
        if any(size == len(stamps) and set(stamps) == {version} for version, size in self.whole[name]):
            return True
        return all(stamp in self.may[name][block] for block, stamp in enumerate(stamps)) and \
            all(0 in stamps_of or block < len(stamps) for block, stamps_of in self.may[name].items())


def killed_while_writing(keep, seed, *options, by='device'):
    """Twice, with a check of everything after each."""
    def open_folder():
        with transport(by):
            return keep.open('f', 'm', *options)

    keep.do('create', '--type', 'folder', 'f', '--passphrase-file', keep.phrase, *CHEAP)
    at = open_folder()
    for i in range(3):
        keep.execute('mkdir', at / f'd{i}')
    keep.close()
    log = keep.file('log', b'')
    log.chmod(0o666)
    pick = random.Random(seed)
    expected, done = Expected(), 0
    for round in range(2):
        at = open_folder()
        writer = subprocess.Popen([*keep.prefix, '/usr/bin/python3', '-c', WRITER, str(at), str(log), str(seed * 10 + round)],
                                  env=keep.environment, stderr=subprocess.DEVNULL)
        wait_for(lambda: log.read_text().count('\n') > done + 20, 'the writer to be at work')
        time.sleep(pick.random() * 2)
        daemon = keep.status()[0]['process']
        os.kill(daemon, signal.SIGKILL)
        writer.wait(timeout=PATIENCE_S)
        wait_for_end(daemon)
        keep.run('close', 'f')
        checked = keep.run('check', 'f', '--passphrase-file', keep.phrase)
        assert b'damaged: ' not in checked.stdout, checked.stdout.decode()
        lines = log.read_text().split('\n')
        for line in lines[done:-1]:
            if not line.startswith('error'):
                expected.take(line.split())
        done = len(lines) - 1
        at = open_folder()
        for name in map(str, range(FILES)):
            path = at / f'd{int(name) % 3}' / name
            there = keep.execute('test', '-e', path).returncode == 0
            assert there or name not in expected.synced
            content = keep.read(path) if there else b''
            assert expected.is_right(name, content), (name, round, seed)
            # From here on what is there is what is expected.
            blocks = [struct.unpack('<Q', content[i:i + 8])[0] for i in range(0, len(content), 4096)]
            expected.may[name] = collections.defaultdict(lambda: {0})
            expected.may[name].update({block: {stamp} for block, stamp in enumerate(blocks)})
            expected.whole[name] = set()
            if there:
                expected.synced[name] = True
        keep.close()


# Files that are open and have nothing in them yet are there for everybody, and for good once their directory was synced.
MAKER = """
import errno, os, sys
os.chdir(sys.argv[1])
def code(call, *words):
    try:
        call(*words)
    except OSError as error:
        return error.errno
for directory in 'default', 'synced':
    os.mkdir(directory)
kept = [os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY) for name in ('default/new', 'synced/new')]
assert code(os.open, 'default/new', os.O_CREAT | os.O_EXCL | os.O_WRONLY) == errno.EEXIST
assert code(os.rmdir, 'default') == errno.ENOTEMPTY
os.mkdir('other')
assert code(os.rename, 'other', 'default') == errno.ENOTEMPTY
assert [(each.name, each.stat().st_size) for each in os.scandir('default')] == [('new', 0)]
os.link('default/new', 'linked')
os.unlink('linked')
os.fsync(os.open('synced', os.O_RDONLY))
print('made', flush=True)
sys.stdin.read()
"""


def test_killed_when_files_were_just_made(anybody):
    keep = anybody
    keep.do('create', '--type', 'folder', 'f', '--passphrase-file', keep.phrase, *CHEAP)
    at = keep.open('f', 'm')
    maker = keep.start('/usr/bin/python3', '-c', MAKER, at, stdin=subprocess.PIPE)
    assert maker.stdout.readline() == b'made\n', maker.stderr.read().decode()
    os.kill(keep.status()[0]['process'], signal.SIGKILL)
    maker.communicate(timeout=30)
    keep.run('close', 'f')
    assert b'damaged: ' not in keep.run('check', 'f', '--passphrase-file', keep.phrase).stdout
    at = keep.open('f', 'm')
    assert keep.read(at / 'synced/new') == b''
    assert keep.execute('rm', '-r', at / 'default', at / 'synced').returncode == 0
    keep.close()


@pytest.mark.parametrize('seed, options', [(1, []), (3, ['--fast'])])
def test_killed_while_writing(anybody, seed, options):
    killed_while_writing(anybody, seed, *options)
