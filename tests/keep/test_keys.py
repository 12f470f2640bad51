"""keep key and keep cat: who opens a volume, side by side with cryptsetup."""
import fcntl
import json
import random
import subprocess
import time

import pytest
from keep_runner import BUSY, CHEAP, DENIED, FAILED, FOREIGN, OK, UNSUPPORTED, USAGE

ONE, TWO, THREE = b'correct horse', b'battery staple', b'paper clip'


@pytest.fixture
def volume(anybody):
    anybody.file('two', TWO)
    anybody.file('three', THREE)
    return anybody.create('v.img', '--fs', 'none', size='20M')


def opens(keep, phrase, *more):
    done = keep.run('key', 'test', 'v.img', '--passphrase-file', '-', *more, given=phrase)
    assert done.returncode in (OK, DENIED), done.stderr
    return done.returncode == OK


def add(keep, *more, new='two'):
    return keep.do('key', 'add', 'v.img', '--passphrase-file', keep.phrase, '--new-key-file', new,
                   *CHEAP, *more)


def slots(keep, *more):
    return {each['slot']: each for each in json.loads(keep.do('key', 'list', 'v.img', '--json', *more))}


def data_of(volume):
    with open(volume, 'rb') as file:
        file.seek(16 << 20)
        return file.read()


def test_a_key_comes_is_changed_and_goes(anybody, volume):
    data = data_of(volume)
    assert 'bob (1)' in add(anybody, '--name', 'bob')
    assert opens(anybody, ONE) and opens(anybody, TWO)
    listed = slots(anybody)
    assert sorted(listed) == [0, 1]
    assert listed[1]['name'] == 'bob' and 'name' not in listed[0]
    assert listed[1]['key_bits'] == 512 and listed[1]['opens'] == 'data'
    assert listed[1]['kdf'] == {'type': 'pbkdf2', 'hash': 'sha256', 'iterations': 1000}
    anybody.do('key', 'change', 'v.img', '--key-file', 'two', '--new-key-file', 'three',
               '--kdf-iterations', '4', '--kdf-memory', '1M')
    assert opens(anybody, ONE) and not opens(anybody, TWO) and opens(anybody, THREE)
    changed = slots(anybody)[1]
    assert changed['name'] == 'bob' and changed['kdf']['memory_kib'] == 1024
    anybody.do('key', 'remove', 'v.img', '--key-file', 'three')
    assert sorted(slots(anybody)) == [0]
    assert opens(anybody, ONE) and not opens(anybody, THREE)
    assert data_of(volume) == data


def test_the_area_of_a_key_that_went_is_noise(anybody, volume):
    add(anybody)
    area = slots(anybody)[1]
    at, size = area['area_offset'], area['area_size']
    before = volume.read_bytes()[at:at + size]
    anybody.do('key', 'remove', 'v.img', '--key-slot', '1', '--passphrase-file', anybody.phrase)
    after = volume.read_bytes()[at:at + size]
    same = sum(a == b for a, b in zip(before, after))
    assert same < size / 128  # one byte in 256 by chance


def test_a_removal_by_number_needs_another_key(anybody, volume):
    add(anybody)
    assert 'another slot than 1' in anybody.refuse(DENIED, 'key', 'remove', 'v.img', '--key-slot',
                                                   '1', '--key-file', 'two')
    assert opens(anybody, TWO)
    assert 'no key slot 7' in anybody.refuse(USAGE, 'key', 'remove', 'v.img', '--key-slot', '7',
                                             '--key-file', 'two')
    anybody.do('key', 'remove', 'v.img', '--key-slot', '0', '--key-file', 'two')
    assert not opens(anybody, ONE) and opens(anybody, TWO)


@pytest.mark.parametrize('way', [['--key-slot', '0'], []], ids=['by number', 'by passphrase'])
def test_the_last_key_stays(anybody, volume, way):
    words = ['key', 'remove', 'v.img', *way, '--passphrase-file', anybody.phrase]
    before = volume.read_bytes()
    assert '--yes-lose-everything' in anybody.refuse(USAGE, *words)
    assert volume.read_bytes() == before
    anybody.do(*words, '--yes-lose-everything')
    assert slots(anybody) == {}
    assert not opens(anybody, ONE)


def test_thirty_two_people(anybody, volume):
    for number in range(1, 32):
        add(anybody, '--name', f'person {number}', new=anybody.file('key', b'key %d' % number))
    line = anybody.refuse(UNSUPPORTED, 'key', 'add', 'v.img', '--passphrase-file', anybody.phrase,
                          '--new-key-file', 'two', *CHEAP)
    assert 'all 32' in line
    assert len(slots(anybody)) == 32
    assert opens(anybody, b'key 31', '--key-slot', '31')
    anybody.do('key', 'change', 'v.img', '--key-slot', '31', '--key-file', 'key',
               '--new-key-file', 'two', *CHEAP)
    assert opens(anybody, TWO, '--key-slot', '31')
    assert slots(anybody)[31]['name'] == 'person 31'


REFUSED = [
    (DENIED, ['key', 'test', 'v.img', '--key-file', 'two'], 'no keyslot opens'),
    (DENIED, ['key', 'add', 'v.img', '--key-file', 'two', '--new-key-file', 'three'], 'no keyslot'),
    (DENIED, ['key', 'change', 'v.img', '--key-file', 'two', '--new-key-file', 'three'], 'no key'),
    (DENIED, ['cat', 'v.img', '--key-file', 'two'], 'no keyslot opens'),
    (USAGE, ['key', 'test', 'v.img', '--key-file', 'two', '--key-slot', '3'], 'no keyslot 3'),
    (USAGE, ['key', 'add', 'v.img', '--key-file', '-', '--new-key-file', '-'], 'standard input'),
    (USAGE, ['key', 'add', 'v.img', '--new-passphrase-file', 'two', '--new-key-file', 'three'], 'exclude'),
    (USAGE, ['key', 'add', 'v.img', '--generate-passphrase', '--new-key-file', 'three'], 'no other'),
    (USAGE, ['key', 'add', 'v.img', '--name', ''], '--name'),
    (USAGE, ['key', 'add', 'v.img', '--name', 'x\x1b[2J'], '--name'),
    (USAGE, ['key', 'add', 'v.img', '--passphrase-file', 'phrase', '--new-key-file', 'empty', *CHEAP], 'empty'),
    (BUSY, ['key', 'add', 'v.img', '--passphrase-file', 'phrase', '--new-key-file', 'two',
            '--key-slot', '0', *CHEAP], 'in use'),
    (FAILED, ['key', 'list', 'nowhere'], 'nowhere'),
    (FAILED, ['key', 'add', 'v.img', '--key-file', 'nowhere'], 'nowhere'),
    (FAILED, ['key', 'add', 'v.img', '--passphrase-file', 'phrase', '--new-key-file', 'nowhere'], 'nowhere'),
    (FOREIGN, ['key', 'list', 'two'], 'no LUKS2 header'),
    (FOREIGN, ['cat', 'two', '--key-file', 'two'], 'no LUKS2 header'),
    (USAGE, ['key'], "'keep --help'"),
    (USAGE, ['key', 'lsit'], 'did you mean "key list"?'),
    (USAGE, ['key', 'list'], 'a word is missing'),
    (USAGE, ['cat', 'v.img', '--offset', 'x'], '--offset'),
]


@pytest.mark.parametrize('status, words, part', REFUSED, ids=[' '.join(c[1])[:60] for c in REFUSED])
def test_what_is_refused_changes_nothing(anybody, volume, status, words, part):
    anybody.file('empty', b'')
    before = volume.read_bytes()
    assert part in anybody.refuse(status, *words)
    assert volume.read_bytes() == before


def test_keys_of_an_open_volume(keep):
    keep.file('two', TWO)
    keep.create()
    mounted = keep.open()
    add(keep, '--name', 'late')
    keep.write(mounted / 'note', b'meanwhile')
    keep.do('key', 'remove', 'v.img', '--key-slot', '0', '--key-file', 'two')
    keep.refuse(BUSY, 'cat', 'v.img', '--key-file', 'two')
    keep.close()
    keep.do('open', 'v.img', 'm', '--key-file', 'two')
    assert keep.read(mounted / 'note') == b'meanwhile'


def test_a_header_that_another_program_holds(anybody, volume):
    with open(volume, 'r+b') as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        anybody.refuse(BUSY, 'key', 'add', 'v.img', '--passphrase-file', anybody.phrase,
                       '--new-key-file', 'two', *CHEAP)
        assert sorted(slots(anybody)) == [0]


def test_a_detached_header(anybody, cryptsetup):
    data = anybody.file('v.img', bytes(1 << 20))
    header = anybody.home / 'header'
    cryptsetup('luksFormat', '--type', 'luks2', '--batch-mode', '--key-file', '-', '--header', header,
               '--pbkdf', 'pbkdf2', '--pbkdf-force-iterations', '1000', data, given=ONE)
    header.chmod(0o666)
    anybody.file('two', TWO)
    add(anybody, '--header', header, '--name', 'apart')
    assert slots(anybody, '--header', header)[1]['name'] == 'apart'
    assert opens(anybody, TWO, '--header', header)
    assert data.read_bytes() == bytes(1 << 20)
    cryptsetup('open', '--test-passphrase', '--header', header, '--key-file', '-', data, given=TWO)
    plain = anybody.execute(anybody.program, 'cat', 'v.img', '--header', header, '--key-file', 'two')
    assert plain.returncode == OK and len(plain.stdout) == 1 << 20
    anybody.refuse(FOREIGN, 'key', 'list', 'v.img')


def test_cryptsetup_sees_what_keep_changes(anybody, volume, cryptsetup):
    def check(phrase, slot):
        cryptsetup('open', '--test-passphrase', '--key-file', '-', '--key-slot', slot, volume, given=phrase)

    add(anybody, '--name', 'bob', '--key-slot', '4')
    check(ONE, 0)
    check(TWO, 4)
    assert 'keep-names' in cryptsetup('luksDump', volume)
    anybody.do('key', 'change', 'v.img', '--key-file', 'two', '--new-key-file', 'three', *CHEAP)
    check(THREE, 4)
    with pytest.raises(AssertionError):
        check(TWO, 4)
    anybody.do('key', 'remove', 'v.img', '--key-slot', '4', '--passphrase-file', anybody.phrase)
    assert '4: luks2' not in cryptsetup('luksDump', volume)
    check(ONE, 0)
    before = volume.read_bytes()
    cryptsetup('repair', '--batch-mode', volume)
    assert volume.read_bytes() == before


def test_names_survive_cryptsetup(anybody, volume, cryptsetup):
    cheap = ['--pbkdf', 'pbkdf2', '--pbkdf-force-iterations', '1000']
    add(anybody, '--name', 'bob')
    anybody.do('key', 'change', 'v.img', '--passphrase-file', anybody.phrase, '--new-passphrase-file',
               anybody.phrase, '--name', 'alice', *CHEAP)
    cryptsetup('luksAddKey', '--key-file', '-', *cheap, volume, anybody.home / 'three', given=ONE)
    listed = slots(anybody)
    assert [listed[n].get('name') for n in (0, 1, 2)] == ['alice', 'bob', None]
    assert opens(anybody, THREE, '--key-slot', '2')
    # A name goes with its slot, and is not that of whoever gets the slot next.
    cryptsetup('luksKillSlot', '--batch-mode', '--key-file', '-', volume, '1', given=ONE)
    cryptsetup('luksAddKey', '--key-file', '-', '--new-key-slot', '1', *cheap, volume,
               anybody.home / 'two', given=ONE)
    listed = slots(anybody)
    assert [listed[n].get('name') for n in (0, 1, 2)] == ['alice', None, None]


@pytest.mark.parametrize('command', ['add', 'change', 'remove'])
def test_killed_at_any_moment(anybody, volume, command):
    """A kill leaves what was before or what comes after, and a header that is whole."""
    if anybody.prefix:
        pytest.skip('the process to kill is not our child')
    add(anybody)
    before, outcomes, chance = volume.read_bytes(), set(), random.Random(7)
    words = {'add': ['--new-key-file', 'three', *CHEAP],
             'change': ['--new-key-file', 'three', *CHEAP], 'remove': []}[command]
    started = time.monotonic()
    anybody.do('key', command, 'v.img', '--key-file', 'two', *words)
    whole = time.monotonic() - started
    for _ in range(16):
        volume.write_bytes(before)
        process = subprocess.Popen([anybody.program, 'key', command, 'v.img', '--key-file', 'two', *words],
                                   cwd=anybody.home, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(chance.uniform(0, 1.2 * whole))
        process.kill()
        process.communicate()
        old, new = opens(anybody, TWO), opens(anybody, THREE)
        assert opens(anybody, ONE)
        if command == 'change':
            assert old != new
        if command == 'add':
            assert old
        outcomes.add((old, new))
    assert outcomes


def test_the_decrypted_bytes_on_standard_output(anybody, volume):
    content = random.Random(3).randbytes(3 << 20)
    raw = anybody.open('v.img', 'r', '--raw') / 'volume'
    anybody.execute('dd', f'of={raw}', 'bs=1M', 'conv=notrunc,fsync', given=content)
    anybody.close('r')

    def cat(*more):
        done = anybody.run('cat', 'v.img', '--passphrase-file', anybody.phrase, *more)
        assert done.returncode == OK, done.stderr
        return done.stdout

    whole = cat()
    assert len(whole) == 4 << 20 and whole[:3 << 20] == content
    assert cat('--offset', '1000', '--length', '7') == content[1000:1007]
    assert cat('--offset', '1000') == whole[1000:]
    assert cat('--length', '0') == b''
    assert cat('--offset', '4M') == b'' and cat('--offset', '1T') == b''
    assert cat('--length', '1T') == whole


def test_cat_says_when_its_reader_is_full(anybody, volume):
    with open('/dev/full', 'wb') as full:
        done = subprocess.run([*anybody.prefix, anybody.program, 'cat', 'v.img', '--passphrase-file',
                               anybody.phrase], stdout=full, stderr=subprocess.PIPE, cwd=anybody.home)
    assert done.returncode == FAILED and b'standard output' in done.stderr


def test_generated_passphrases(anybody, volume):
    shown = anybody.do('key', 'add', 'v.img', '--passphrase-file', anybody.phrase,
                       '--generate-passphrase', *CHEAP)
    assert opens(anybody, shown.splitlines()[-1].encode())
