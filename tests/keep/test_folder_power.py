"""The power fails under a folder on a real ext4, whose disk loses or reorders what was not flushed: what was synced is there."""
import mmap
import os
import pathlib
import random
import shutil
import tempfile

import pytest

from keep_runner import CHEAP, DAMAGED, FAILED, OK
from places import BUILD
from power_cut import Record, Work, after_cut, recorded, sync

SOAK = bool(os.environ.get('KEEPGATE_SOAK'))
RECORDED = BUILD / 'tests' / 'keep' / 'power' / 'recorded_disk'


@pytest.fixture
def roomy(tmp_path):
    """A directory in memory, where there are loop devices."""
    if os.getuid() != 0 or not shutil.which('losetup') or not pathlib.Path('/dev/loop-control').exists():
        pytest.skip('needs root and loop devices')
    home = pathlib.Path(tempfile.mkdtemp(prefix='keepgate-power-', dir='/dev/shm'))
    yield home
    shutil.rmtree(home)


def contents(at):
    return {os.path.relpath(os.path.join(above, name), at): pathlib.Path(above, name).read_bytes()
            for above, _, names in os.walk(at) for name in names
            if not os.path.islink(os.path.join(above, name))}


def export(keep, folder, to):
    """All files of the folder that can be read. What was not synced yet may be unfinished, or not authentic."""
    done = keep.run('check', folder, '--passphrase-file', keep.phrase)
    assert done.returncode in (OK, DAMAGED), done.stderr
    print(done.stdout.decode())
    done = keep.run('export', folder, '--to', to, '--passphrase-file', keep.phrase)
    assert done.returncode in (OK, FAILED, DAMAGED), done.stderr
    found = contents(to)
    shutil.rmtree(to)
    return found


@pytest.mark.parametrize('names', ['on', 'off'])
@pytest.mark.parametrize('seed', range(20 if SOAK else 1))
def test_names_and_contents(anybody, roomy, seed, names):
    keep = anybody
    with recorded(RECORDED, roomy) as (disk, record, base):
        keep.do('create', '--type', 'folder', disk / 'f', '--passphrase-file', keep.phrase, '--name-encryption', names, *CHEAP)
        os.sync()
        at = keep.open(disk / 'f', 'm')
        work = Work(at, record, seed)
        work.sync()
        first = work.now()
        for _ in range(120):
            work.step()
        end = work.now()
        keep.close()
        written = Record(base, record)
    chance = random.Random(seed)
    moments = [moment for moment in written.moments(first, 40 if SOAK else 8, chance) if moment <= end] + [end]
    for moment, image in written.disks(sorted(moments), chance):
        with after_cut(roomy, image) as after:
            work.check(moment, export(keep, after / 'f', roomy / 'out'))


def folder_in(keep, disk):
    keep.do('create', '--type', 'folder', disk / 'f', '--passphrase-file', keep.phrase, *CHEAP)
    return disk / 'f'


class Generations:
    """A file of blocks that tell which of its generations they are."""

    def __init__(self, path, blocks):
        self.file, self.latest, self.least, self.number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_DIRECT), [0] * blocks, [0] * blocks, 0
        self.page = mmap.mmap(-1, 1 << 20)  # aligned
        self.write(0, blocks)

    @staticmethod
    def block(number, generation):
        return (number << 32 | generation).to_bytes(8, 'little') * 512

    def write(self, first, count):
        self.number += 1
        for at in range(first, first + count, 256):
            part = range(at, min(at + 256, first + count))
            self.page[:len(part) * 4096] = b''.join(self.block(i, self.number) for i in part)
            assert os.pwrite(self.file, memoryview(self.page)[:len(part) * 4096], at * 4096) == len(part) * 4096
        self.latest[first:first + count] = [self.number] * count

    def sync(self):
        os.fsync(self.file)
        self.least = self.latest[:]

    def check(self, found, least):
        assert len(found) == len(least) * 4096
        for i, before in enumerate(least):
            generation = int.from_bytes(found[i * 4096:i * 4096 + 4], 'little')
            assert before <= generation <= self.number and found[i * 4096:i * 4096 + 4096] == self.block(i, generation), i


def test_long_overwrites(anybody, roomy):
    """Of what was synced each block is there as it was then, or as it was written later."""
    keep, chance, blocks = anybody, random.Random(11), 6000 if SOAK else 2400
    with recorded(RECORDED, roomy, 64 << 20) as (disk, record, base):
        folder_in(keep, disk)
        os.sync()
        file = Generations(keep.open(disk / 'f', 'm') / 'file', blocks)
        synced = []
        for _ in range(2):
            file.sync()
            synced.append((record.stat().st_size, file.least))
            file.write(0, blocks)
            for _ in range(blocks // 2):
                file.write(chance.randrange(blocks), 1)
            file.write(blocks // 6, blocks // 2)
        os.close(file.file)
        keep.close()
        written = Record(base, record)
    moments = written.moments(synced[0][0], 60 if SOAK else 3, chance)
    for moment, image in written.disks(moments, chance):
        with after_cut(roomy, image) as after:
            least = [blocks for at, blocks in synced if at <= moment][-1]
            file.check(export(keep, after / 'f', roomy / 'out')['file'], least)


def test_one_of_two_names_is_replaced_and_the_other_renamed(anybody, roomy):
    """Before it is on the disk that one is gone, the file is valid under both."""
    keep = anybody
    with recorded(RECORDED, roomy) as (disk, record, base):
        at = keep.open(folder_in(keep, disk), 'm')
        for name in ('one', 'new'):
            keep.write(at / name, name.encode())
        os.link(at / 'one', at / 'other')
        sync(at)
        first = record.stat().st_size
        os.rename(at / 'new', at / 'one')
        os.rename(at / 'other', at / 'another')
        sync(at)
        keep.close()
        written = Record(base, record)
    chance = random.Random(4)
    for moment, image in written.disks(written.moments(first, 12, chance), chance):
        with after_cut(roomy, image) as after:
            found = export(keep, after / 'f', roomy / 'out')
            assert found['one'] in (b'one', b'new'), moment
            assert found.get('other', found.get('another')) == b'one', moment


def plain_tree(at):
    chance = random.Random(3)
    for directory in 'one', 'one/two', 'x' * 200:
        os.makedirs(at / directory)
        for size in 0, 10, 3921, 70000:
            (at / directory / f'{size}').write_bytes(chance.randbytes(size))
    os.link(at / 'one' / '3921', at / 'linked')
    os.symlink('one/10', at / 'one' / 'link')
    return contents(at)


@pytest.mark.parametrize('command', ['encrypt', 'reencrypt'])
def test_what_is_changed_in_place(anybody, roomy, command):
    """After a cut the same command goes on to the end, and all is there; before that nothing is lost either."""
    keep = anybody
    words = ['--passphrase-file', keep.phrase, '--yes']
    with recorded(RECORDED, roomy) as (disk, record, base):
        before = plain_tree(disk / 'f')
        if command == 'reencrypt':
            keep.do('encrypt', disk / 'f', *words, *CHEAP)
        os.sync()
        first = record.stat().st_size
        keep.do(command, disk / 'f', *words, *(CHEAP if command == 'encrypt' else []))
        os.sync()
        written = Record(base, record)
    chance = random.Random(5)
    for moment, image in written.disks(written.moments(first, 200 if SOAK else 24, chance), chance):
        with after_cut(roomy, image) as after:
            done = keep.run(command, after / 'f', *words, *(CHEAP if command == 'encrypt' else []))
            assert done.returncode == OK or b'already' in done.stderr, (moment, done.stderr)
            assert export(keep, after / 'f', roomy / 'out') == before, moment


def test_the_rewriting_of_keep_luks(anybody, roomy):
    """A passphrase is changed, added and removed: at each moment one of those that are due opens the folder."""
    keep = anybody
    old, new = keep.phrase, keep.file('new', b'new phrase\n')
    with recorded(RECORDED, roomy) as (disk, record, base):
        at = keep.open(folder_in(keep, disk), 'm')
        keep.write(at / 'file', b'text' * 5000)
        keep.close()
        os.sync()
        moments = [record.stat().st_size]
        for words in (['add', '--passphrase-file', old, '--new-passphrase-file', new, *CHEAP],
                      ['remove', '--passphrase-file', new, '--key-slot', '0'],
                      ['change', '--passphrase-file', new, '--new-passphrase-file', old, *CHEAP]):
            keep.do('key', words[0], disk / 'f', *words[1:])
            moments.append(record.stat().st_size)  # it is on the disk when the command ends
        written = Record(base, record)
    chance = random.Random(9)
    due = [{old}, {old, new}, {new}, {old}]
    for moment, image in written.disks(written.moments(moments[0], 120 if SOAK else 12, chance), chance):
        stage = max(i for i, at in enumerate(moments) if at <= moment)
        with after_cut(roomy, image) as after:
            opens = {phrase for phrase in (old, new)
                     if keep.run('cat', after / 'f', 'file', '--passphrase-file', phrase).stdout == b'text' * 5000}
            upcoming = due[stage] if moment in moments else due[min(stage + 1, 3)]
            assert due[stage] & upcoming <= opens <= due[stage] | upcoming and opens, (moment, stage, opens)
