"""Side by side with cryptsetup: each reads what the other made."""
import shutil
import subprocess

import pytest
from keep_runner import CHEAP

CHEAP_ARGON = ['--kdf-iterations', '4', '--kdf-memory', '1M']


@pytest.fixture
def cryptsetup():
    path = shutil.which('cryptsetup') or shutil.which('cryptsetup', path='/usr/sbin:/sbin')
    if not path:
        pytest.skip('cryptsetup is not installed')

    def run(*words, given=None):
        done = subprocess.run([path, *map(str, words)], input=given, capture_output=True,
                              timeout=120)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    return run


@pytest.mark.parametrize('kdf', [CHEAP, CHEAP_ARGON], ids=['pbkdf2', 'argon2id'])
@pytest.mark.parametrize('sector_size', ['512', '4096'])
def test_cryptsetup_opens_what_keep_made(anybody, cryptsetup, sector_size, kdf):
    anybody.do('create', 'v.img', '--size', '24M', '--sector-size', sector_size, '--label', 'mine',
               '--passphrase-file', anybody.phrase, *kdf)
    volume = anybody.home / 'v.img'
    dump = cryptsetup('luksDump', volume)
    assert 'Version:       \t2' in dump
    assert 'Label:         \tmine' in dump
    assert 'cipher: aes-xts-plain64' in dump
    assert f'sector: {sector_size} [bytes]' in dump
    assert ('pbkdf2' if kdf is CHEAP else 'argon2id') in dump
    assert 'Cipher key: 512 bits' in dump
    cryptsetup('open', '--test-passphrase', '--key-file', '-', volume, given=b'correct horse')
    with pytest.raises(AssertionError):
        cryptsetup('open', '--test-passphrase', '--key-file', '-', volume, given=b'wrong horse')


def test_cryptsetup_repairs_nothing_of_keep_s(anybody, cryptsetup):
    volume = anybody.create()
    before = volume.read_bytes()
    cryptsetup('repair', '--batch-mode', volume)
    assert volume.read_bytes() == before


@pytest.mark.parametrize('kdf', ['pbkdf2', 'argon2i', 'argon2id'])
@pytest.mark.parametrize('sector_size', ['512', '1024', '2048', '4096'])
def test_keep_opens_what_cryptsetup_made(anybody, cryptsetup, sector_size, kdf):
    volume = anybody.file('v.img', b'')
    with open(volume, 'r+b') as file:
        file.truncate(20 << 20)
    cost = ['--pbkdf-force-iterations', '1000']
    if kdf != 'pbkdf2':
        cost = ['--pbkdf-force-iterations', '4', '--pbkdf-memory', '64']
    cryptsetup('luksFormat', '--type', 'luks2', '--batch-mode', '--key-file', '-',
               '--sector-size', sector_size, '--pbkdf', kdf, *cost, volume, given=b'correct horse')
    if anybody.prefix:
        volume.chmod(0o666)
    raw = anybody.open('v.img', 'r', '--raw') / 'volume'
    assert raw.stat().st_size == 4 << 20
    data = bytes(range(256)) * 64
    with open(raw, 'r+b') as file:
        file.write(data)
    anybody.close('r')
    anybody.refuse(3, 'open', 'v.img', 'r', '--raw', '--passphrase-file', '-', given=b'wrong')
    anybody.open('v.img', 'r', '--raw')
    assert raw.read_bytes()[:len(data)] == data


def test_a_slot_that_cryptsetup_added(anybody, cryptsetup):
    volume = anybody.create()
    second = anybody.file('second', b'battery staple')
    cryptsetup('luksAddKey', '--key-file', '-', '--pbkdf', 'pbkdf2', '--pbkdf-force-iterations',
               '1000', volume, second, given=b'correct horse')
    mounted = anybody.open('v.img', 'm')
    anybody.write(mounted / 'note', b'seen by both')
    anybody.close()
    anybody.do('open', 'v.img', 'm', '--key-file', second)
    assert anybody.read(mounted / 'note') == b'seen by both'
    anybody.close()
    anybody.refuse(3, 'open', 'v.img', 'm', '--key-file', second, '--key-slot', '0')
    anybody.do('open', 'v.img', 'm', '--key-file', second, '--key-slot', '1')
