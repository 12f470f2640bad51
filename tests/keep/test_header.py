"""keep header and keep shred: copies of a header, what is in it, and its end."""
import hashlib
import json
import os
import random
import stat
import subprocess
import time

import pytest
from keep_runner import BUSY, CHEAP, DAMAGED, DENIED, FAILED, FOREIGN, OK, USAGE

ONE, TWO = b'correct horse', b'battery staple'
HEADER = 16 << 20


@pytest.fixture
def volume(anybody):
    anybody.file('two', TWO)
    return anybody.create('v.img', '--fs', 'none', '--label', 'mine', size='20M')


def opens(keep, phrase, target='v.img'):
    return keep.run('key', 'test', target, '--passphrase-file', '-', given=phrase).returncode == OK


def add(keep, target='v.img'):
    keep.do('key', 'add', target, '--passphrase-file', keep.phrase, '--new-key-file', 'two', '--name', 'bob',
            *CHEAP)


def overwrite(path, at, content=b'\xff' * 16):
    with open(path, 'r+b') as file:
        file.seek(at)
        file.write(content)


def front(path, size=HEADER):
    with open(path, 'rb') as file:
        return file.read(size)


def test_a_backup_brings_a_header_back(anybody, volume):
    said = anybody.do('header', 'backup', 'v.img', 'b', '--passphrase-file', anybody.phrase)
    backup = anybody.home / 'b'
    assert 'opens with key slot 0' in said
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert backup.read_bytes() == front(volume)
    assert opens(anybody, ONE, 'b')
    overwrite(volume, 0, os.urandom(1 << 20))
    anybody.refuse(FOREIGN, 'key', 'list', 'v.img')
    line = anybody.refuse(USAGE, 'header', 'restore', 'v.img', 'b')
    assert '--yes' in line and 'no LUKS header can be read here' in line
    assert not opens(anybody, ONE)
    anybody.do('header', 'restore', 'v.img', 'b', '--yes', '--passphrase-file', anybody.phrase)
    assert opens(anybody, ONE)
    assert anybody.do('header', 'check', 'v.img')


def test_a_backup_overwrites_nothing_and_must_open(anybody, volume):
    there = anybody.file('b', b'precious')
    anybody.refuse(USAGE, 'header', 'backup', 'v.img', 'b')
    assert there.read_bytes() == b'precious'
    anybody.refuse(DENIED, 'header', 'backup', 'v.img', 'c', '--key-file', 'two')
    anybody.refuse(FAILED, 'header', 'backup', 'v.img', 'nowhere/c')
    anybody.refuse(FOREIGN, 'header', 'backup', 'b', 'c')
    assert sorted(path.name for path in anybody.home.iterdir() if path.name.startswith(('c', '.'))) == []


def test_a_backup_of_a_damaged_header_is_whole(anybody, volume):
    overwrite(volume, 5000)
    anybody.do('header', 'backup', 'v.img', 'b')
    assert 'both copies are sound' in anybody.do('header', 'check', 'b')
    assert 'first copy' in anybody.run('header', 'check', 'v.img').stdout.decode()


def test_a_restore_undoes_what_came_after(anybody, volume):
    anybody.do('header', 'backup', 'v.img', 'b')
    add(anybody)
    add(anybody)
    assert opens(anybody, TWO)
    anybody.do('header', 'restore', 'v.img', 'b')  # the same volume: no question
    assert opens(anybody, ONE) and not opens(anybody, TWO)


def test_a_restore_of_another_volume_asks(anybody, volume):
    anybody.create('w.img', '--fs', 'none', size='20M')
    anybody.do('header', 'backup', 'w.img', 'b')
    before = front(volume)
    assert 'unreadable' in anybody.refuse(USAGE, 'header', 'restore', 'v.img', 'b')
    assert front(volume) == before
    anybody.do('header', 'restore', 'v.img', 'b', '--yes')
    uuid = [json.loads(anybody.do('header', 'dump', each, '--json'))['uuid'] for each in ('v.img', 'w.img')]
    assert uuid[0] == uuid[1]


def test_what_a_restore_refuses(anybody, volume):
    anybody.do('header', 'backup', 'v.img', 'b')
    before = front(volume)
    small = anybody.file('small', bytes(1 << 20))
    anybody.refuse(USAGE, 'header', 'restore', 'small', 'b', '--yes')
    assert small.read_bytes() == bytes(1 << 20)
    anybody.refuse(FOREIGN, 'header', 'restore', 'v.img', 'small', '--yes')
    anybody.refuse(FAILED, 'header', 'restore', 'v.img', 'nowhere')
    anybody.refuse(DENIED, 'header', 'restore', 'v.img', 'b', '--key-file', 'two')
    overwrite(anybody.home / 'b', 5000)
    overwrite(anybody.home / 'b', 16384 + 5000)
    anybody.refuse(DAMAGED, 'header', 'restore', 'v.img', 'b', '--yes')
    assert front(volume) == before


def test_a_detached_header_does_not_go_over_data(anybody, cryptsetup):
    data, header = anybody.file('v.img', bytes(20 << 20)), anybody.home / 'h'
    cryptsetup('luksFormat', '--type', 'luks2', '--batch-mode', '--key-file', '-', '--header', header,
               '--pbkdf', 'pbkdf2', '--pbkdf-force-iterations', '1000', data, given=ONE)
    header.chmod(0o666)
    anybody.do('header', 'backup', 'v.img', 'b', '--header', header)
    assert 'detached' in anybody.refuse(USAGE, 'header', 'restore', 'v.img', 'b', '--yes')
    assert data.read_bytes() == bytes(20 << 20)
    anybody.do('header', 'restore', header, 'b')
    assert '20971520 bytes' in anybody.do('header', 'check', 'v.img', '--header', header)


def test_an_open_volume_keeps_its_header(keep):
    keep.create()
    keep.do('header', 'backup', 'v.img', 'b')
    keep.open()
    keep.refuse(BUSY, 'header', 'restore', 'v.img', 'b', '--yes')
    keep.do('header', 'backup', 'v.img', 'c')
    assert 'UUID' in keep.do('header', 'dump', 'v.img')
    assert 'open now' in keep.refuse(USAGE, 'shred', 'v.img')
    keep.close()
    assert opens(keep, ONE)


def test_backups_of_cryptsetup(anybody, volume, cryptsetup):
    mine, theirs = anybody.home / 'mine', anybody.home / 'theirs'
    cryptsetup('luksHeaderBackup', volume, '--header-backup-file', theirs)
    theirs.chmod(0o644)
    anybody.do('header', 'backup', 'v.img', mine)
    assert mine.read_bytes() == theirs.read_bytes()
    add(anybody)
    anybody.do('header', 'restore', 'v.img', theirs)
    assert not opens(anybody, TWO)
    cryptsetup('open', '--test-passphrase', '--key-file', '-', volume, given=ONE)
    add(anybody)
    cryptsetup('luksHeaderRestore', '--batch-mode', volume, '--header-backup-file', mine)
    assert opens(anybody, ONE) and not opens(anybody, TWO)


def test_a_dump(anybody, volume, cryptsetup):
    add(anybody)
    text = anybody.do('header', 'dump', 'v.img')
    told = json.loads(anybody.do('header', 'dump', 'v.img', '--json'))
    assert told['uuid'] in text and told['uuid'] in cryptsetup('luksDump', volume)
    assert told['label'] == 'mine' and told['sound_copies'] == 2 and told['reencryption'] == 'none'
    assert told['segments'] == [{'segment': 0, 'type': 'crypt', 'offset': HEADER, 'sector_size': 4096,
                                 'encryption': 'aes-xts-plain64', 'iv_tweak': 0}]
    assert [slot['slot'] for slot in told['keyslots']] == [0, 1]
    assert told['keyslots'][1]['name'] == 'bob'
    assert told['digests'][0]['keyslots'] == [0, 1] and told['digests'][0]['segments'] == [0]
    assert told['tokens'] == [{'token': 0, 'type': 'keep-names', 'keyslots': [1]}]
    secret = json.loads(front(volume)[4096:16384].split(b'\0')[0])
    for value in (secret['digests']['0']['digest'], secret['digests']['0']['salt'],
                  secret['keyslots']['0']['kdf']['salt']):
        assert value not in text and value not in json.dumps(told)


@pytest.mark.parametrize('at', [100, 5000, 16384 + 100, 16384 + 5000])
def test_a_damaged_copy_is_found_and_mended(anybody, volume, at):
    whole = front(volume, 32768)
    overwrite(volume, at)
    damaged = front(volume, 32768)
    anybody_said = anybody.run('header', 'check', 'v.img')
    which = 'first' if at < 16384 else 'second'
    assert anybody_said.returncode == DAMAGED and f'the {which} copy is damaged' in anybody_said.stdout.decode()
    assert f'The {which} copy will be written' in anybody.refuse(USAGE, 'header', 'repair', 'v.img')
    assert front(volume, 32768) == damaged
    anybody.do('header', 'repair', 'v.img', '--yes')
    assert 'both copies are sound' in anybody.do('header', 'check', 'v.img')
    other = slice(16384, 32768) if at < 16384 else slice(0, 16384)
    assert front(volume, 32768)[other] == whole[other]
    assert 'nothing to repair' in anybody.do('header', 'repair', 'v.img')
    assert opens(anybody, ONE)


def test_a_check_finds_a_key_slot_that_was_overwritten(anybody, volume):
    add(anybody)
    slot = json.loads(anybody.do('key', 'list', 'v.img', '--json'))[1]
    assert 'bob (1) is sound' in anybody.do('header', 'check', 'v.img')
    overwrite(volume, slot['area_offset'] + 100 * 512, bytes(512))
    done = anybody.run('header', 'check', 'v.img')
    assert done.returncode == DAMAGED
    assert 'keyslot 1: its area was overwritten' in done.stdout.decode()
    assert 'key slot 0 is sound' in done.stdout.decode()


def test_a_check_finds_data_that_were_cut_off(anybody, volume):
    with open(volume, 'r+b') as file:
        file.truncate(HEADER + 100)
    assert anybody.run('header', 'check', 'v.img').returncode == DAMAGED


def test_one_slot_is_shredded(anybody, volume, cryptsetup):
    add(anybody)
    slot = json.loads(anybody.do('key', 'list', 'v.img', '--json'))[1]
    at, size = slot['area_offset'], slot['area_size']
    before = volume.read_bytes()
    line = anybody.refuse(USAGE, 'shred', 'v.img', '--key-slot', '1')
    assert 'bob (1)' in line and 'backup' in line and '--yes' in line
    assert volume.read_bytes() == before
    anybody.do('shred', 'v.img', '--key-slot', '1', '--yes')
    after = volume.read_bytes()
    assert sum(a == b for a, b in zip(before[at:at + size], after[at:at + size])) < size / 128
    assert opens(anybody, ONE) and not opens(anybody, TWO)
    assert before[HEADER:] == after[HEADER:]
    cryptsetup('open', '--test-passphrase', '--key-file', '-', volume, given=ONE)
    assert 'no key slot 1' in anybody.refuse(USAGE, 'shred', 'v.img', '--key-slot', '1', '--yes')


@pytest.mark.parametrize('more', [[], ['--all']], ids=['slots', 'all'])
def test_a_backup_undoes_a_shredding(anybody, volume, more):
    add(anybody)
    anybody.do('header', 'backup', 'v.img', 'b')
    before = volume.read_bytes()
    assert 'lost for good' in anybody.refuse(USAGE, 'shred', 'v.img', *more)
    assert volume.read_bytes() == before
    anybody.do('shred', 'v.img', '--yes', *more)
    after = volume.read_bytes()
    assert not opens(anybody, ONE) and not opens(anybody, TWO)
    assert sum(a == b for a, b in zip(before[32768:HEADER], after[32768:HEADER])) < HEADER / 128
    if more:
        anybody.refuse(FOREIGN, 'header', 'dump', 'v.img')
        assert b'LUKS' not in after[:32768] and b'aes-xts' not in after[:32768]
    else:
        assert json.loads(anybody.do('key', 'list', 'v.img', '--json')) == []
    assert before[HEADER:] == after[HEADER:]
    anybody.do('header', 'restore', 'v.img', 'b', '--yes')
    assert opens(anybody, ONE) and opens(anybody, TWO)


def test_what_shred_refuses(anybody, volume):
    anybody.refuse(USAGE, 'shred', 'v.img', '--all', '--key-slot', '0', '--yes')
    anybody.refuse(USAGE, 'shred', 'v.img', '--key-slot', '32', '--yes')
    anybody.refuse(FOREIGN, 'shred', 'two', '--yes')
    assert opens(anybody, ONE)


def test_a_restore_that_was_killed_is_done_again(anybody, volume):
    if anybody.prefix:
        pytest.skip('the process to kill is not our child')
    anybody.do('header', 'backup', 'v.img', 'b')
    for _ in range(3):
        add(anybody)
    before, chance = front(volume), random.Random(5)
    for _ in range(8):
        overwrite(volume, 0, before)
        process = subprocess.Popen([anybody.program, 'header', 'restore', 'v.img', 'b'], cwd=anybody.home,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(chance.uniform(0, 0.1))
        process.kill()
        process.communicate()
        anybody.do('header', 'restore', 'v.img', 'b')
        assert opens(anybody, ONE) and not opens(anybody, TWO)


@pytest.fixture
def old(anybody, cryptsetup):
    """A LUKS1 volume that cryptsetup made."""
    other = anybody.file('old.img', os.urandom(20 << 20))
    other.chmod(0o666)
    anybody.file('two', TWO)
    cryptsetup('luksFormat', '--type', 'luks1', '--batch-mode', '--key-file', '-',
               '--pbkdf-force-iterations', '1000', other, given=ONE)
    return other


def test_a_dump_of_luks1(anybody, old, cryptsetup):
    add_luks1(anybody)
    text = anybody.do('header', 'dump', 'old.img')
    told = json.loads(anybody.do('header', 'dump', 'old.img', '--json'))
    theirs = cryptsetup('luksDump', old)
    assert told['format'] == 'LUKS1' and told['sound_copies'] == 1 and 'sequence' not in told
    assert told['uuid'] in text and told['uuid'] in theirs and 'LUKS1' in text
    assert told['segments'][0]['offset'] == int(theirs.partition('Payload offset:')[2].split()[0]) * 512
    assert [slot['slot'] for slot in told['keyslots']] == [0, 1]
    assert told['keyslots'][1]['kdf']['iterations'] == 1000
    assert 'key slot 1 is sound' in anybody.do('header', 'check', 'old.img')
    assert 'nothing to repair' in anybody.do('header', 'repair', 'old.img')
    overwrite(old, told['keyslots'][1]['area_offset'] + 5000, bytes(4096))
    assert 'keyslot 1' in anybody.run('header', 'check', 'old.img').stdout.decode()
    anybody.refuse(DAMAGED, 'header', 'check', 'old.img')


def add_luks1(keep, target='old.img'):
    keep.do('key', 'add', target, '--passphrase-file', keep.phrase, '--new-key-file', 'two', *CHEAP)


def test_backups_of_luks1_are_those_of_cryptsetup(anybody, old, cryptsetup):
    mine, theirs = anybody.home / 'mine', anybody.home / 'theirs'
    said = anybody.do('header', 'backup', 'old.img', mine, '--passphrase-file', anybody.phrase)
    assert 'opens with key slot 0' in said
    assert 'a header alone' in anybody.do('header', 'check', mine)
    cryptsetup('luksHeaderBackup', old, '--header-backup-file', theirs)
    theirs.chmod(0o644)
    assert mine.stat().st_size == theirs.stat().st_size
    data = old.read_bytes()[2 << 20:]
    for ours in (True, False):
        add_luks1(anybody)
        assert opens(anybody, TWO, 'old.img')
        if ours:
            anybody.do('header', 'restore', 'old.img', theirs)
        else:
            cryptsetup('luksHeaderRestore', '--batch-mode', old, '--header-backup-file', mine)
        assert opens(anybody, ONE, 'old.img') and not opens(anybody, TWO, 'old.img')
        cryptsetup('open', '--test-passphrase', '--key-file', '-', old, given=ONE)
    overwrite(old, 0, os.urandom(1 << 20))
    anybody.refuse(FOREIGN, 'key', 'list', 'old.img')
    assert '--yes' in anybody.refuse(USAGE, 'header', 'restore', 'old.img', mine)
    anybody.do('header', 'restore', 'old.img', mine, '--yes', '--passphrase-file', anybody.phrase)
    assert opens(anybody, ONE, 'old.img')
    cryptsetup('open', '--test-passphrase', '--key-file', '-', old, given=ONE)
    assert old.read_bytes()[2 << 20:] == data


@pytest.mark.parametrize('at, content', [(446, bytes(range(64)) + b'\x55\xaa'), (208 + 48 * 3 + 40, bytes(8))],
                         ids=['a partition table', 'a slot without a place'])
def test_slots_of_luks1_that_hold_no_key_are_mended(anybody, old, cryptsetup, at, content):
    sound = old.read_bytes()
    overwrite(old, at, content)
    damaged = old.read_bytes()
    anybody.refuse(DAMAGED, 'header', 'check', 'old.img')
    assert '--yes' in anybody.refuse(USAGE, 'header', 'repair', 'old.img')
    assert old.read_bytes() == damaged
    assert 'sound again' in anybody.do('header', 'repair', 'old.img', '--yes')
    anybody.do('header', 'check', 'old.img')
    assert opens(anybody, ONE, 'old.img')
    cryptsetup('open', '--test-passphrase', '--key-file', '-', old, given=ONE)
    assert old.read_bytes()[1024:] == sound[1024:]
    mine = cryptsetup('luksDump', old)
    overwrite(old, 0, damaged[:1024])
    cryptsetup('repair', '--batch-mode', old)
    assert cryptsetup('luksDump', old) == mine
    overwrite(old, 208 + 44, bytes(4))  # of the slot that has the key
    damaged = old.read_bytes()
    anybody.refuse(DAMAGED, 'header', 'repair', 'old.img', '--yes')
    assert old.read_bytes() == damaged


def test_a_backup_of_before_a_conversion_is_asked_about(anybody, old, cryptsetup):
    anybody.do('header', 'backup', 'old.img', 'b1')
    anybody.do('convert', 'old.img', '--to', 'luks2', '--yes')
    anybody.do('header', 'backup', 'old.img', 'b2')
    for backup, before, after in (('b1', 2, 1), ('b2', 1, 2)):
        line = anybody.refuse(USAGE, 'header', 'restore', 'old.img', backup)
        assert f'LUKS{before}, and the backup is one of LUKS{after}' in line
        anybody.do('header', 'restore', 'old.img', backup, '--yes')
        assert opens(anybody, ONE, 'old.img')
        assert f'Version:       \t{after}' in cryptsetup('luksDump', old)
        cryptsetup('open', '--test-passphrase', '--key-file', '-', old, given=ONE)


def test_texts_of_others_are_not_shown_raw(anybody, volume):
    """A label with a terminal's escape sequence, in a header that is sound otherwise."""
    for at in (0, 16384):
        copy = bytearray(front(volume, 32768)[at:at + 16384])
        copy[24:72] = b'\x1b[2Jx\xff'.ljust(48, b'\0')
        copy[448:512] = bytes(64)
        copy[448:480] = hashlib.sha256(copy).digest()
        overwrite(volume, at, copy)
    text = anybody.do('header', 'dump', 'v.img')
    assert '\x1b' not in text and 'not shown' in text
    assert 'not shown' in json.loads(anybody.do('header', 'dump', 'v.img', '--json'))['label']
