"""Side by side with cryptsetup: each reads what the other made."""

import pytest
from keep_runner import CHEAP

CHEAP_ARGON = ['--kdf-iterations', '4', '--kdf-memory', '1M']


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


LUKS1 = [('aes-xts-plain64', 512, 'sha256'), ('aes-xts-plain', 256, 'sha512'), ('aes-cbc-essiv:sha256', 256, 'sha1'),
         ('aes-cbc-plain64', 192, 'sha256'), ('aes-cbc-plain', 128, 'ripemd160'), ('aes-ecb', 256, 'sha256'),
         ('serpent-xts-plain64', 512, 'whirlpool'), ('serpent-cbc-essiv:sha256', 256, 'sha512'),
         ('twofish-xts-plain64', 256, 'sha1'), ('twofish-cbc-plain64', 256, 'sha384'),
         ('camellia-xts-plain64', 512, 'sha256'), ('camellia-cbc-essiv:sha256', 128, 'sha256')]


@pytest.fixture
def luks_format(anybody, cryptsetup):
    """Makes v.img of a type with cryptsetup, cheaply, under 'correct horse'; its path."""
    def make(*words):
        volume = anybody.file('v.img', b'')
        with open(volume, 'r+b') as file:
            file.truncate(20 << 20)
        try:
            cryptsetup('luksFormat', '--batch-mode', '--key-file', '-', '--pbkdf', 'pbkdf2',
                       '--pbkdf-force-iterations', '1000', *words, volume, given=b'correct horse')
        except AssertionError as refusal:
            if 'device-mapper' in str(refusal):
                pytest.skip('the kernel here does not lend cryptsetup this cipher')
            raise
        volume.chmod(0o666)
        return volume
    return make


def write_and_read_again(anybody, *more):
    """In two openings; the file that holds the decrypted volume, which is open."""
    raw = anybody.open('v.img', 'r', '--raw', *more) / 'volume'
    data = bytes(range(256)) * 64
    with open(raw, 'r+b') as file:
        file.seek(300)
        file.write(data)
    anybody.close('r')
    anybody.refuse(3, 'open', 'v.img', 'r', '--raw', '--passphrase-file', '-', *more, given=b'wrong')
    anybody.open('v.img', 'r', '--raw', *more)
    assert raw.read_bytes()[300:300 + len(data)] == data
    return raw


@pytest.mark.parametrize('cipher, key_size, digest', LUKS1, ids=[f'{c}-{k}-{h}' for c, k, h in LUKS1])
def test_keep_opens_luks1(anybody, luks_format, cryptsetup, cipher, key_size, digest):
    volume = luks_format('--type', 'luks1', '--cipher', cipher, '--key-size', key_size, '--hash', digest)
    raw = write_and_read_again(anybody)
    offset = int(cryptsetup('luksDump', volume).split('Payload offset:')[1].split()[0]) * 512
    assert raw.stat().st_size == volume.stat().st_size - offset
    cryptsetup('open', '--test-passphrase', '--key-file', '-', volume, given=b'correct horse')


@pytest.mark.parametrize('cipher', ['serpent-xts-plain64', 'twofish-xts-plain64', 'camellia-xts-plain64',
                                    'serpent-cbc-essiv:sha256', 'aes-cbc-benbi', 'aes-xts-plain64be'])
def test_keep_opens_luks2_with_other_ciphers(anybody, luks_format, cipher):
    luks_format('--type', 'luks2', '--cipher', cipher, '--key-size', 256)
    write_and_read_again(anybody)


def test_luks1_slots_and_a_detached_header(anybody, luks_format, cryptsetup):
    header = anybody.home / 'header'
    volume = luks_format('--type', 'luks1', '--header', header)
    second = anybody.file('second', b'battery staple')
    cryptsetup('luksAddKey', '--key-file', '-', '--key-slot', '7', '--pbkdf-force-iterations', '1000', header,
               second, given=b'correct horse')
    header.chmod(0o666)
    raw = write_and_read_again(anybody, '--header', 'header')
    assert raw.stat().st_size == volume.stat().st_size
    anybody.close('r')
    words = ['open', 'v.img', 'r', '--raw', '--header', 'header', '--key-file', second]
    anybody.refuse(3, *words, '--key-slot', '0')
    anybody.refuse(2, *words, '--key-slot', '3')
    anybody.do(*words, '--key-slot', '7')
    anybody.close('r')
    line = anybody.refuse(2, 'open', 'header', 'r', '--raw', '--key-file', second)
    assert '--header' in line
    line = anybody.refuse(2, 'cat', 'header', '--key-file', second)
    assert '--header' in line
    anybody.do('key', 'test', 'header', '--key-file', second)
