"""keep encrypt, decrypt and reencrypt: whole, stopped at any moment, and continued by cryptsetup or the other way round."""
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import time

import pytest
from keep_runner import BUSY, CHEAP, DAMAGED, DENIED, FAILED, FOREIGN, OK, UNSUPPORTED, USAGE

SIZE = 20 << 20
SLOW = bool(os.environ.get('KEEPGATE_SOAK'))
SHIFT = 16 << 20
ZONE = ['--hotzone-size', '4M']
CHEAP_TOO = ['--pbkdf', 'pbkdf2', '--pbkdf-force-iterations', '1000']

# A library that ends the program at its n-th write to anything large, before that write.
DEADLY = r'''
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
static void tick(int fd, size_t len)
{
    static int n;
    struct stat st;
    if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size < 1 << 20)
        return;
    if (++n == atoi(getenv("DEADLY_AT")))
        _exit(99);
    if (getenv("DEADLY_LOG"))
        fprintf(stderr, "write %d %zu\n", n, len);
}
#define WRAP(name, params, args)                                                          \
    ssize_t name params;                                                                  \
    ssize_t name params                                                                   \
    {                                                                                     \
        static ssize_t (*real) params;                                                    \
        if (!real)                                                                        \
            real = (ssize_t (*) params)dlsym(RTLD_NEXT, #name);                           \
        tick(fd, len);                                                                    \
        return real args;                                                                 \
    }
WRAP(write, (int fd, const void *at, size_t len), (fd, at, len))
WRAP(pwrite, (int fd, const void *at, size_t len, off_t to), (fd, at, len, to))
WRAP(pwrite64, (int fd, const void *at, size_t len, off64_t to), (fd, at, len, to))
'''


@pytest.fixture(scope='module')
def deadly(tmp_path_factory):
    folder = tmp_path_factory.mktemp('deadly')
    (folder / 'deadly.c').write_text(DEADLY)
    subprocess.run(['cc', '-shared', '-fPIC', '-o', folder / 'deadly.so', folder / 'deadly.c'], check=True)
    return folder / 'deadly.so'


@pytest.fixture
def bench(anybody, deadly):
    return Bench(anybody, deadly)


class Bench:
    """One target, v.img, whose plain data are known; and two programs that change it."""

    def __init__(self, keep, deadly):
        self.keep, self.deadly = keep, deadly
        self.image, self.header = keep.home / 'v.img', keep.home / 'h'
        self.plain = random.Random(5).randbytes(SIZE)

    def fresh(self):
        for path in (self.image, self.header, keep_header(self.image)):
            path.unlink(missing_ok=True)
        self.keep.file('v.img', self.plain)
        self.image.chmod(0o666)

    def run(self, words, at=None, log=False):
        """at: the write that it does not live to do."""
        environment = dict(self.keep.environment)
        if at or log:
            environment.update(LD_PRELOAD=str(self.deadly), DEADLY_AT=str(at or 0))
        if log:
            environment['DEADLY_LOG'] = '1'
        return subprocess.run([*self.keep.prefix, *map(str, words)], capture_output=True, text=True, timeout=120,
                              env=environment, cwd=self.keep.home)

    def ours(self, *words, **more):
        return self.run([self.keep.program, *words, 'v.img', '--passphrase-file', self.keep.phrase], **more)

    def theirs(self, *words, **more):
        self.keep.file('key', b'correct horse')
        return self.run([shutil.which('cryptsetup', path='/usr/sbin:/sbin:/usr/bin'), *words, 'v.img', '-q',
                         '--key-file', 'key'], **more)

    def dump(self):
        place = self.header if self.header.exists() else self.image
        done = self.run([self.keep.program, 'header', 'dump', '--json', place])
        return json.loads(done.stdout) if done.returncode == 0 else {}

    def is_begun(self):
        return self.dump().get('reencryption') == 'begun'

    def is_right(self, encrypted):
        if not encrypted:
            return self.image.read_bytes()[:SIZE] == self.plain
        apart = ['--header', 'h'] if self.header.exists() else []
        done = self.keep.run('cat', 'v.img', '--passphrase-file', self.keep.phrase, *apart)
        assert done.returncode == OK, done.stderr
        return done.stdout[:SIZE] == self.plain


def keep_header(image):
    return image.with_name(image.name + '.keep-header')


def good(done):
    assert done.returncode == 0, (done.returncode, done.stderr[-500:])
    return done


# What is there before; how either program begins and continues; whether it is encrypted at the end.
APART = ['--header', 'h']
OFFLINE = ['reencrypt', '--force-offline-reencrypt']
WAYS = {
    'encrypt': (None, ['encrypt', *CHEAP], [*OFFLINE, '--encrypt', '--reduce-device-size', '32M', *CHEAP_TOO], True),
    'encrypt-apart': (None, ['encrypt', *APART, *CHEAP], [*OFFLINE, '--encrypt', *APART, *CHEAP_TOO], True),
    'reencrypt': ([], ['reencrypt', '--sector-size', '4096'], [*OFFLINE, '--sector-size', '4096', *CHEAP_TOO], True),
    'reencrypt-journal': ([], ['reencrypt', '--resilience', 'journal'],
                          [*OFFLINE, '--resilience', 'journal', *CHEAP_TOO], True),
    # The header gets room, as keep itself never begins it.
    'reencrypt-shift': ([], ['reencrypt', '--resume'], [*OFFLINE, '--reduce-device-size', '8M', *CHEAP_TOO], True),
    'decrypt': ([], ['decrypt', *APART], [*OFFLINE, '--decrypt', *APART], False),
    'decrypt-apart': (APART, ['decrypt', *APART], [*OFFLINE, '--decrypt', *APART], False),
}


class Way:
    def __init__(self, bench, name):
        self.bench = bench
        before, self.ours, self.theirs, self.encrypted = WAYS[name]
        self.apart = APART if APART[0] in self.ours else []
        bench.fresh()
        if before is not None:
            good(bench.ours('encrypt', *before, *CHEAP))
        self.saved = [(path, path.read_bytes()) for path in (bench.image, bench.header) if path.exists()]
        self.shifts = name == 'reencrypt-shift'
        self.room = 2 * SHIFT if name == 'encrypt' or self.shifts else 0

    def reset(self, theirs):
        self.bench.fresh()
        for path, content in self.saved:
            path.write_bytes(content + bytes(self.room if (theirs or self.shifts) and path == self.bench.image else 0))
            path.chmod(0o666)

    def begin(self, theirs, **more):
        bench = self.bench
        if self.shifts and not theirs:
            good(bench.theirs(*self.theirs, '--init-only'))
        return bench.theirs(*self.theirs, *ZONE, **more) if theirs else bench.ours(*self.ours, *ZONE, **more)

    def moments(self, theirs):
        """Writes of zones, and those around the changes of the header before and after them."""
        self.reset(theirs)
        log = good(self.begin(theirs, log=True)).stderr.splitlines()
        sizes = [int(line.split()[2]) for line in log if line.startswith('write ')]
        zones = [n for n, size in enumerate(sizes, 1) if size >= 4 << 20]
        assert self.bench.is_right(self.encrypted)
        self.first_zone = zones[0]
        if self.shifts and not theirs:
            zones.pop()  # cryptsetup 2.6 mends the last zone wrongly, its own too, and keep rightly
        near = 3 if theirs else 1
        if not SLOW:
            return [zones[-2], zones[-1] + (near if theirs else -near)]
        return sorted({n + d for n in zones for d in range(-2 * near, 2 * near + 1) if 0 < n + d <= len(sizes)})

    def go_on(self, theirs):
        bench = self.bench
        if not theirs:
            return bench.ours(self.ours[0], *self.apart)
        if any('in-reencryption' in line for line in bench.theirs('luksDump', *self.apart).stdout.splitlines()):
            good(bench.theirs('repair', *self.apart))
        decrypt = ['--decrypt'] if self.ours[0] == 'decrypt' else []
        return bench.theirs(*OFFLINE, *decrypt, '--resume-only', *self.apart) if bench.is_begun() else None


@pytest.mark.parametrize('name', WAYS)
@pytest.mark.parametrize('begins', ['keep', 'cryptsetup'])
def test_the_other_program_goes_on(bench, cryptsetup, name, begins):
    way = Way(bench, name)
    theirs = begins == 'cryptsetup'
    continued = 0
    for at in way.moments(theirs):
        way.reset(theirs)
        assert way.begin(theirs, at=at).returncode == 99
        if not bench.is_begun():
            continue
        done = way.go_on(not theirs)
        if done and done.returncode and not theirs and name == 'encrypt':
            good(way.go_on(False))  # cryptsetup does not end what is done but for its end, of its own neither
        elif done and 'not in progress' not in done.stderr:
            good(done)
        assert bench.is_right(way.encrypted), at
        continued += 1
    assert continued >= 2


def test_what_either_only_begins_the_other_ends(bench, cryptsetup):
    for name in ('encrypt', 'reencrypt', 'decrypt'):
        way = Way(bench, name)
        for theirs in (False, True):
            way.reset(theirs)
            good(bench.theirs(*way.theirs, '--init-only') if theirs else bench.ours(*way.ours, '--init-only'))
            assert bench.is_begun()
            assert bench.theirs('isLuks', *way.apart).returncode == 0 or name == 'decrypt'
            good(way.go_on(not theirs))
            assert bench.is_right(way.encrypted)


@pytest.mark.parametrize('name', ['encrypt', 'reencrypt', 'decrypt'])
def test_sigkill_at_any_moment(bench, name):
    way = Way(bench, name)
    words = [bench.keep.program, *way.ours, '--hotzone-size', '1M', 'v.img', '--passphrase-file', bench.keep.phrase]
    chance = random.Random(name)
    way.reset(False)
    for _ in range(400 if SLOW else 12):
        running = subprocess.Popen([*bench.keep.prefix, *map(str, words)], cwd=bench.keep.home,
                                   env=bench.keep.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(0, 0.25))
        running.send_signal(signal.SIGKILL)
        if running.wait() == 0:
            break
    again = bench.ours(*way.ours, '--hotzone-size', '1M')
    assert again.returncode in (OK, USAGE), again.stderr  # it may have been done
    assert bench.is_right(way.encrypted)
    assert not bench.is_begun()


@pytest.mark.parametrize('name', ['encrypt', 'encrypt-apart', 'reencrypt', 'reencrypt-journal', 'decrypt'])
def test_it_can_be_opened_in_the_midst(bench, name):
    keep = bench.keep
    way = Way(bench, name)
    way.moments(False)
    phrase = ['--passphrase-file', keep.phrase, *(APART if bench.header.exists() else [])]
    way.reset(False)
    assert way.begin(False, at=way.first_zone).returncode == 99
    assert 'continues' in keep.refuse(BUSY, 'cat', 'v.img', *phrase)
    assert 'continues' in keep.refuse(BUSY, 'open', 'v.img', 'm', '--raw', '--read-only', *phrase)
    keep.do('open', 'v.img', 'm', '--raw', *phrase)  # makes the zone whole
    assert keep.read(keep.home / 'm' / 'volume') == bench.plain
    assert 'use' in keep.refuse(BUSY, way.ours[0], *way.apart, 'v.img', '--passphrase-file', keep.phrase)
    changed = bytearray(bench.plain)
    for place in (0, 5000, (4 << 20) - 700, (12 << 20) - 700, SIZE - 1000):  # across pieces, too
        changed[place:place + 1000] = bytes(range(250)) * 4
        done = keep.execute('dd', 'of=m/volume', 'bs=1', f'seek={place}', 'conv=notrunc', 'status=none',
                            given=bytes(range(250)) * 4)
        assert done.returncode == 0, done.stderr
    keep.close()
    bench.plain = bytes(changed)
    assert keep.run('cat', 'v.img', *phrase).stdout == changed
    good(bench.ours(way.ours[0], *way.apart))
    assert bench.is_right(way.encrypted)


def sums(keep, image, names):
    """Of files in an ext4 image, without mounting it."""
    found = {}
    for name in names:
        done = keep.execute('/usr/sbin/debugfs', '-R', f'dump {name} out', image)
        assert done.returncode == 0, done.stderr
        found[name] = hashlib.sha256((keep.home / 'out').read_bytes()).hexdigest()
    return found


def test_a_file_system_keeps_its_files(anybody, cryptsetup):
    keep = anybody
    image = keep.file('e.img', b'')
    os.truncate(image, 48 << 20)
    image.chmod(0o666)
    keep.execute('/usr/sbin/mkfs.ext4', '-q', '-F', image)
    chance = random.Random(7)
    for name in ('one', 'two', 'three'):
        keep.file(name, chance.randbytes(chance.randrange(1, 5 << 20)))
        assert keep.execute('/usr/sbin/debugfs', '-w', '-R', f'write {name} {name}', image).returncode == 0
    before = sums(keep, image, ('one', 'two', 'three'))
    key = keep.file('key', b'correct horse')

    keep.do('encrypt', 'e.img', '--passphrase-file', keep.phrase, *CHEAP, '--init-only')
    assert 'begun' in keep.refuse(USAGE, 'decrypt', 'e.img', '--header', 'x', '--passphrase-file', keep.phrase)
    cryptsetup(*OFFLINE, '--resume-only', image, '-q', '--key-file', key)
    assert cryptsetup('open', '--test-passphrase', '--key-file', key, image) == ''
    keep.do('reencrypt', 'e.img', '--passphrase-file', keep.phrase, '--cipher', 'serpent-xts-plain64')
    (keep.home / 'out.img').write_bytes(keep.execute(keep.program, 'cat', 'e.img', '--passphrase-file',
                                                     keep.phrase).stdout)
    (keep.home / 'out.img').chmod(0o666)
    assert sums(keep, 'out.img', before) == before
    keep.do('decrypt', 'e.img', '--passphrase-file', keep.phrase)
    assert sums(keep, 'e.img', before) == before
    assert keep.execute('/usr/sbin/e2fsck', '-f', '-n', image).returncode == 0
    assert not keep_header(image).exists()


def test_a_file_gets_its_size_back(bench):
    keep = bench.keep
    bench.fresh()
    keep.do('encrypt', 'v.img', '--passphrase-file', keep.phrase, *CHEAP)
    assert bench.image.stat().st_size == SIZE + SHIFT
    assert 'already' in keep.refuse(USAGE, 'encrypt', 'v.img', '--passphrase-file', keep.phrase, *CHEAP)
    keep.do('decrypt', 'v.img', '--passphrase-file', keep.phrase)
    assert bench.image.read_bytes() == bench.plain


def test_a_full_file_system_is_known_before(anybody):
    """A file with holes takes its whole size when it is encrypted."""
    if os.getuid() != 0:
        pytest.skip('only root mounts a file system')
    keep = anybody
    room = keep.home / 'room'
    room.mkdir()
    done = subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=60m', 'room', room], capture_output=True)
    if done.returncode:
        pytest.skip('nothing can be mounted here')
    try:
        (room / 'v.img').write_bytes(b'data' * 1000)
        for size in (50 << 20, 100 << 20):
            os.truncate(room / 'v.img', size)
            before = hashlib.sha256((room / 'v.img').read_bytes()).digest()
            assert 'no room' in keep.refuse(FAILED, 'encrypt', 'room/v.img', '--passphrase-file', keep.phrase, *CHEAP)
            assert hashlib.sha256((room / 'v.img').read_bytes()).digest() == before
        line = keep.refuse(FAILED, 'encrypt', 'room/v.img', '--header', 'h', '--passphrase-file', keep.phrase, *CHEAP)
        assert 'no room' in line and not (keep.home / 'h').exists()
    finally:
        subprocess.run(['umount', room], check=True)


def test_key_slots_keep_their_passphrases_and_names(bench):
    keep = bench.keep
    bench.fresh()
    bob, eve = keep.file('bob', b'bob\n'), keep.file('eve', b'eve\n')
    keep.do('encrypt', 'v.img', '--passphrase-file', keep.phrase, *CHEAP)
    for who in (bob, eve):
        keep.do('key', 'add', 'v.img', '--name', who.name, '--passphrase-file', keep.phrase,
                '--new-passphrase-file', who, *CHEAP)
    line = keep.refuse(USAGE, 'reencrypt', 'v.img', '--passphrase-file', keep.phrase, '--other-passphrase-file', bob)
    assert '2 (eve)' in line and '(bob)' not in line
    keep.do('reencrypt', 'v.img', '--passphrase-file', keep.phrase, '--other-passphrase-file', bob, '--yes')
    assert 'bob' in keep.do('key', 'list', 'v.img')
    keep.do('key', 'test', 'v.img', '--passphrase-file', bob)
    keep.do('key', 'test', 'v.img', '--passphrase-file', keep.phrase)
    keep.refuse(DENIED, 'key', 'test', 'v.img', '--passphrase-file', eve)
    assert bench.is_right(True)


def test_metadata_of_somebody_else_are_not_continued(bench):
    """CVE-2021-4122: whoever can write the header cannot make the data plain, or anything else of them."""
    bench.fresh()
    good(bench.ours('encrypt', *APART, *CHEAP, '--init-only'))
    sound = bench.header.read_bytes()
    for old, new in ((b'"forward"', b'"backward"'), (b'"sector_size":4096', b'"sector_size":2048'),
                     (b'"checksum"', b'"journal"'), (b'"encryption":"aes-xts-plain64"', b'"encryption":"aes-xts-plain"'),
                     (b'"iv_tweak":"0"', b'"iv_tweak":"8"')):
        bench.header.write_bytes(with_json(sound, old, new))
        assert bench.dump(), 'the header itself is sound'
        done = bench.ours('encrypt', *APART)
        assert done.returncode in (DENIED, DAMAGED, UNSUPPORTED), (old, done.stderr)
        assert bench.image.read_bytes() == bench.plain
    bench.header.write_bytes(with_json(sound, b'"mode":"encrypt"', b'"mode":"decrypt"'))
    assert bench.ours('encrypt', *APART).returncode != OK
    assert bench.ours('decrypt', *APART).returncode != OK
    assert bench.image.read_bytes() == bench.plain
    bench.header.write_bytes(sound)
    good(bench.ours('encrypt', *APART))
    assert bench.is_right(True)


def with_json(header, old, new):
    """Both copies with a change in their JSON, and checksums that fit."""
    made = bytearray(header)
    for at in (0, 16384):
        copy = bytearray(made[at:at + 16384])
        text = bytes(copy[4096:]).rstrip(b'\0').replace(old, new)
        copy[4096:] = text + bytes(12288 - len(text))
        copy[448:512] = bytes(64)
        copy[448:480] = hashlib.sha256(copy).digest()
        made[at:at + 16384] = copy
    return bytes(made)


def test_a_wrong_passphrase_changes_nothing(bench):
    keep = bench.keep
    bench.fresh()
    wrong = keep.file('wrong', b'battery staple\n')
    keep.do('encrypt', 'v.img', '--passphrase-file', keep.phrase, *CHEAP)
    before = bench.image.read_bytes()
    for words in (['reencrypt'], ['decrypt'], ['decrypt', '--header', 'h']):
        keep.refuse(DENIED, *words, 'v.img', '--passphrase-file', wrong)
        assert bench.image.read_bytes() == before
        assert not bench.header.exists() and not keep_header(bench.image).exists()


@pytest.fixture
def disk(anybody):
    """A block device of 96 MiB."""
    if os.getuid() != 0:
        pytest.skip('only root has loop devices')
    image = anybody.file('disk.img', b'')
    os.truncate(image, 96 << 20)
    made = subprocess.run(['losetup', '-f', '--show', image], capture_output=True, text=True)
    if made.returncode:
        pytest.skip('there are no loop devices here')
    name = made.stdout.strip()
    yield name
    subprocess.run(['losetup', '-d', name], check=True)


def test_a_file_system_on_a_disk_makes_room(anybody, disk):
    keep = anybody
    keep.execute('/usr/sbin/mkfs.ext4', '-q', '-F', disk)
    chance = random.Random(11)
    for name in ('one', 'two'):
        keep.file(name, chance.randbytes(3 << 20))
        assert keep.execute('/usr/sbin/debugfs', '-w', '-R', f'write {name} {name}', disk).returncode == 0
    before = sums(keep, disk, ('one', 'two'))
    phrase = ['--passphrase-file', keep.phrase]
    assert 'resize2fs' in keep.refuse(USAGE, 'encrypt', disk, *phrase, *CHEAP)
    assert sums(keep, disk, before) == before
    keep.do('encrypt', disk, *phrase, *CHEAP, '--yes')
    (keep.home / 'out.img').write_bytes(keep.execute(keep.program, 'cat', disk, *phrase).stdout)
    assert (keep.home / 'out.img').stat().st_size == 80 << 20
    assert sums(keep, 'out.img', before) == before
    assert '--header' in keep.refuse(USAGE, 'decrypt', disk, *phrase)
    keep.do('decrypt', disk, '--header', 'disk.header', *phrase)
    assert sums(keep, disk, before) == before


def test_what_is_at_the_end_of_a_disk_must_be_said(anybody, disk):
    keep = anybody
    plain = random.Random(3).randbytes(40 << 20)
    with open(disk, 'r+b') as to:
        to.write(plain)
    phrase = ['--passphrase-file', keep.phrase]
    assert '--data-size' in keep.refuse(USAGE, 'encrypt', disk, *phrase, *CHEAP)
    assert 'more than' in keep.refuse(USAGE, 'encrypt', disk, *phrase, *CHEAP, '--data-size', '70M')
    with open(disk, 'rb') as at:
        assert at.read(len(plain)) == plain
    keep.do('encrypt', disk, *phrase, *CHEAP, '--data-size', '40M')
    assert keep.run('cat', disk, *phrase, '--length', '40M').stdout == plain
    with open(disk, 'rb') as at:
        assert plain[:4096] not in at.read()  # what was moved out of the way is wiped


def test_refusals(anybody):
    keep = anybody
    keep.file('v.img', b'')
    (keep.home / 'v.img').chmod(0o666)
    phrase = ['--passphrase-file', keep.phrase]
    assert 'no keep.luks' in keep.refuse(FOREIGN, 'reencrypt', '.', *phrase)
    assert 'Nothing was done' in keep.refuse(USAGE, 'encrypt', '.', *phrase)
    assert 'empty' in keep.refuse(USAGE, 'encrypt', 'v.img', *phrase)
    assert 'nothing to continue' in keep.refuse(USAGE, 'encrypt', 'v.img', '--resume', *phrase)
    assert 'checksum, journal' in keep.refuse(USAGE, 'encrypt', 'v.img', '--resilience', 'hope', *phrase)
    assert '4K' in keep.refuse(USAGE, 'encrypt', 'v.img', '--hotzone-size', '1000', *phrase)
    assert 'not known' in keep.refuse(UNSUPPORTED, 'encrypt', 'v.img', '--cipher', 'rot13', *phrase)
    assert 'data-size' in keep.refuse(USAGE, 'encrypt', 'v.img', '--data-size', '1M', '--header', 'h', *phrase)
    keep.refuse(FOREIGN, 'reencrypt', 'v.img', *phrase)
    keep.refuse(FAILED, 'encrypt', 'missing', *phrase)
    assert 'no header' in keep.refuse(USAGE, 'decrypt', 'v.img', *phrase)
