"""Every cipher, integrity, sector size, PBKDF and hash: made by keep or by cryptsetup, opened by the other."""
import errno
import hashlib
import json
import os
import pathlib
import signal

import pytest
from keep_runner import CHEAP, DENIED, UNSUPPORTED, USAGE, wait_for_end

# What keep makes: the words, and what cryptsetup has to see in the header.
MADE = [
    (['--cipher', 'aes-xts-plain64', '--key-size', 256], 'aes-xts-plain64', 32, None),
    (['--cipher', 'aes-cbc-essiv:sha256'], 'aes-cbc-essiv:sha256', 32, None),
    (['--cipher', 'aes-lrw-benbi', '--key-size', 384], 'aes-lrw-benbi', 48, None),
    (['--cipher', 'serpent-xts-plain64', '--sector-size', 512], 'serpent-xts-plain64', 64, None),
    (['--cipher', 'twofish-xts-plain64'], 'twofish-xts-plain64', 64, None),
    (['--cipher', 'camellia-cbc-plain64'], 'camellia-cbc-plain64', 32, None),
    (['--cipher', 'xchacha12,aes-adiantum-plain64'], 'xchacha12,aes-adiantum-plain64', 32, None),
    (['--cipher', 'xchacha20,aes-adiantum-plain64'], 'xchacha20,aes-adiantum-plain64', 32, None),
    (['--cipher', 'capi:xts(aes)-plain64'], 'capi:xts(aes)-plain64', 64, None),
    (['--integrity', 'hmac-sha256'], 'aes-xts-plain64', 96, 'hmac(sha256)'),
    (['--integrity', 'hmac-sha512', '--sector-size', 512, '--key-size', 256], 'aes-xts-plain64', 96, 'hmac(sha512)'),
    (['--integrity', 'hmac-sha1', '--cipher', 'serpent-cbc-plain64'], 'serpent-cbc-plain64', 52, 'hmac(sha1)'),
    (['--integrity', 'aead'], 'aes-gcm-random', 32, 'aead'),
    (['--integrity', 'aead', '--key-size', 128], 'aes-gcm-random', 16, 'aead'),
    (['--integrity', 'aead', '--cipher', 'aegis128-random'], 'aegis128-random', 16, 'aead'),
    (['--integrity', 'poly1305'], 'chacha20-random', 32, 'poly1305'),
]

# What cryptsetup makes: the cipher, the bits of its key, the size of sectors, the PBKDF and the hash.
THEIRS = [
    ('aes-xts-plain64', 512, 512, 'pbkdf2', 'sha256'), ('aes-xts-plain64', 256, 4096, 'argon2id', 'sha512'),
    ('aes-xts-plain', 512, 1024, 'argon2i', 'sha1'), ('aes-xts-plain64be', 512, 2048, 'pbkdf2', 'ripemd160'),
    ('aes-cbc-plain', 128, 512, 'pbkdf2', 'whirlpool'), ('aes-cbc-plain64', 192, 512, 'pbkdf2', 'sha384'),
    ('aes-cbc-essiv:sha256', 256, 512, 'pbkdf2', 'sha3-256'), ('aes-cbc-benbi', 256, 512, 'pbkdf2', 'blake2b-512'),
    ('aes-cbc-null', 256, 512, 'pbkdf2', 'sha224'), ('aes-ecb', 256, 512, 'pbkdf2', 'sha256'),
    ('aes-lrw-benbi', 384, 512, 'pbkdf2', 'sha256'), ('serpent-xts-plain64', 512, 4096, 'argon2id', 'sha256'),
    ('serpent-cbc-essiv:sha256', 256, 512, 'pbkdf2', 'sha256'), ('serpent-lrw-benbi', 384, 512, 'pbkdf2', 'sha256'),
    ('twofish-xts-plain64', 256, 512, 'pbkdf2', 'sha512'), ('twofish-cbc-plain64', 256, 4096, 'pbkdf2', 'sha256'),
    ('camellia-xts-plain64', 512, 512, 'pbkdf2', 'sha256'), ('camellia-cbc-essiv:sha256', 128, 512, 'pbkdf2', 'sha256'),
    ('blowfish-cbc-plain64', 256, 512, 'pbkdf2', 'sha256'), ('cast5-cbc-plain64', 128, 512, 'pbkdf2', 'sha256'),
    ('des3_ede-cbc-plain64', 192, 512, 'pbkdf2', 'sha256'), ('capi:xts(aes)-plain64', 512, 512, 'pbkdf2', 'sha256'),
    ('xchacha12,aes-adiantum-plain64', 256, 4096, 'argon2id', 'sha256'),
]


def named(rows):
    return [' '.join(map(str, row[0])) if isinstance(row[0], list) else '-'.join(map(str, row)) for row in rows]


def fill(raw, seed):
    """Writes over sectors and across them; what it wrote, by offset."""
    wrote = {0: bytes([seed]) * 70000, 300001: bytes(range(256)) * 13, 999999: b'x' * 512}
    with open(raw, 'r+b') as file:
        for offset, data in wrote.items():
            file.seek(offset)
            file.write(data)
    return wrote


def has(raw, wrote):
    content = pathlib.Path(raw).read_bytes() if not isinstance(raw, bytes) else raw
    return all(content[offset:offset + len(data)] == data for offset, data in wrote.items())


@pytest.mark.parametrize('words, encryption, key_bytes, integrity', MADE, ids=named(MADE))
def test_what_keep_makes(anybody, cryptsetup, words, encryption, key_bytes, integrity):
    anybody.do('create', 'v.img', '--size', '24M', '--fs', 'none', *words, '--passphrase-file', 'phrase', *CHEAP)
    volume = anybody.home / 'v.img'
    try:
        cryptsetup('open', '--test-passphrase', '--key-file', '-', volume, given=b'correct horse')
    except AssertionError as refusal:  # what the kernel here does not lend it, the header has all the same
        assert 'keyslot encryption' in str(refusal) and not encryption.startswith(('aes-xts', 'aes-cbc', 'aes-gcm'))
    header = json.loads(cryptsetup('luksDump', '--dump-json-metadata', volume))
    segment = header['segments']['0']
    assert segment['encryption'] == encryption
    assert segment.get('integrity', {}).get('type') == integrity
    assert header['keyslots']['0']['key_size'] == key_bytes
    wrote = fill(anybody.open('v.img', 'r', '--raw') / 'volume', 7)
    assert has(anybody.home / 'r' / 'volume', wrote)
    anybody.close('r')
    assert has(anybody.run('cat', 'v.img', '--passphrase-file', 'phrase').stdout, wrote)
    anybody.refuse(DENIED, 'cat', 'v.img', '--passphrase-file', '-', given=b'wrong')


# What keep makes as LUKS1: the cipher, and the bits of its key.
MADE_LUKS1 = [('aes-xts-plain64', 512), ('aes-xts-plain', 256), ('aes-cbc-essiv:sha256', 128), ('aes-cbc-plain64', 192),
              ('aes-cbc-plain', 256), ('aes-ecb', 256), ('serpent-xts-plain64', 512), ('twofish-cbc-essiv:sha256', 256),
              ('camellia-xts-plain64', 256)]


@pytest.mark.parametrize('apart', [[], ['--header', 'h']], ids=['in front', 'apart'])
@pytest.mark.parametrize('cipher, bits', MADE_LUKS1, ids=named(MADE_LUKS1))
def test_what_keep_makes_as_luks1(anybody, cryptsetup, cipher, bits, apart):
    anybody.do('create', 'v.img', '--luks1', '--size', '8M', '--fs', 'none', '--cipher', cipher, '--key-size', bits,
               '--passphrase-file', 'phrase', '--kdf-iterations', '1000', *apart)
    header = anybody.home / (apart[1] if apart else 'v.img')
    try:
        cryptsetup('open', '--test-passphrase', '--type', 'luks1', '--key-file', '-', header, given=b'correct horse')
    except AssertionError as refusal:  # the kernel here does not lend it this cipher
        assert 'device-mapper' in str(refusal) and not cipher.startswith('aes')
    shown = dict(line.split(':', 1) for line in cryptsetup('luksDump', header).splitlines() if line.count(':') >= 1)
    name, _, mode = cipher.partition('-')
    assert [shown[each].strip() for each in ('Version', 'Cipher name', 'Cipher mode', 'MK bits')] == ['1', name, mode, str(bits)]
    wrote = fill(anybody.open('v.img', 'r', '--raw', *apart) / 'volume', 7)
    anybody.close('r')
    assert has(anybody.run('cat', 'v.img', '--passphrase-file', 'phrase', *apart).stdout, wrote)


@pytest.mark.parametrize('cipher, bits, sector, pbkdf, digest', THEIRS, ids=named(THEIRS))
def test_what_cryptsetup_makes(anybody, cryptsetup, cipher, bits, sector, pbkdf, digest):
    volume = anybody.file('v.img', b'')
    with open(volume, 'r+b') as file:
        file.truncate(20 << 20)
    volume.chmod(0o666)
    cost = ['--pbkdf-memory', 64] if pbkdf != 'pbkdf2' else []
    iterations = 4 if pbkdf != 'pbkdf2' else 1000
    try:
        cryptsetup('luksFormat', '--batch-mode', '--type', 'luks2', '--cipher', cipher, '--key-size', bits,
                   '--hash', digest, '--sector-size', sector, '--pbkdf', pbkdf, '--pbkdf-force-iterations', iterations,
                   *cost, '--key-file', '-', volume, given=b'correct horse')
    except AssertionError as refusal:
        assert 'device-mapper' in str(refusal) and not cipher.startswith(('aes-xts', 'aes-cbc'))
        pytest.skip('the kernel here does not lend cryptsetup this cipher; make test-kernel has one that does')
    wrote = fill(anybody.open('v.img', 'r', '--raw') / 'volume', 9)
    anybody.close('r')
    assert has(anybody.run('cat', 'v.img', '--passphrase-file', 'phrase').stdout, wrote)
    second = anybody.file('second', b'battery staple')
    anybody.do('key', 'add', 'v.img', '--passphrase-file', 'phrase', '--new-passphrase-file', second, *CHEAP)
    cryptsetup('open', '--test-passphrase', '--key-file', '-', volume, given=b'battery staple')


ALGORITHMS = {'aes': 'AES', 'camellia': 'Camellia', 'blowfish': 'Blowfish', 'cast5': 'CAST5',
              'des3_ede': 'TripleDES', 'sm4': 'SM4'}
VECTORS = ['null', 'plain', 'plain64', 'plain64be', 'benbi']
SKIP = (1 << 32) - 16  # the numbers of sectors run over 32 bits

# Ciphers that the cryptography package has: the cipher, the bits of its key, the size of sectors.
PLAIN = [('aes-ecb', 256, 512), ('sm4-ecb', 128, 512), ('blowfish-ecb', 448, 512),
         *[(f'aes-xts-{vector}', 512, 512) for vector in VECTORS],
         *[(f'aes-cbc-{vector}', 256, 512) for vector in [*VECTORS, 'essiv:sha256', 'eboiv']],
         *[(f'blowfish-cbc-{vector}', 256, 512) for vector in [*VECTORS, 'essiv:sha256', 'eboiv']],
         *[(f'aes-lrw-{vector}', 384, 512) for vector in ('benbi', 'plain64')],
         ('aes-xts-plain64', 256, 4096), ('aes-xts-plain64', 512, 2048), ('aes-cbc-benbi', 128, 4096),
         ('aes-cbc-eboiv', 192, 4096), ('aes-lrw-benbi', 256, 4096), ('aes-xts-essiv:sha256', 512, 1024),
         ('camellia-cbc-plain64', 256, 512), ('camellia-cbc-essiv:sha256', 192, 4096), ('cast5-cbc-plain64', 128, 512),
         ('des3_ede-cbc-plain64', 192, 512), ('des3_ede-cbc-benbi', 192, 4096), ('sm4-cbc-plain64be', 128, 512)]


class Sectors:
    """dm-crypt's encryption as its documentation says it, over another library than keep's."""

    def __init__(self, cipher, key):
        ciphers = pytest.importorskip('cryptography.hazmat.primitives.ciphers')
        self.new, self.modes = ciphers.Cipher, ciphers.modes
        name, self.mode, *vector = cipher.split('-')
        self.vector = vector[0] if vector else 'null'
        self.algorithm = getattr(ciphers.algorithms, ALGORITHMS[name])
        self.tweak_key = int.from_bytes(key[-16:], 'big')
        self.key = key[:-16] if self.mode == 'lrw' else key
        self.key_of_vector = hashlib.sha256(key).digest() if 'essiv' in self.vector else key
        self.block = 8 if name in ('blowfish', 'cast5', 'des3_ede') else 16

    def ecb(self, key, data, encrypt=False):
        cipher = self.new(self.algorithm(key), self.modes.ECB())
        with_it = cipher.encryptor() if encrypt else cipher.decryptor()
        return with_it.update(data) + with_it.finalize()

    def iv(self, number, size):
        last = self.block - 8
        if self.vector == 'plain':
            return (number % (1 << 32)).to_bytes(self.block, 'little')
        if self.vector == 'plain64be':
            return bytes(last) + number.to_bytes(8, 'big')
        if self.vector == 'benbi':
            return bytes(last) + (number * (512 // self.block) + 1).to_bytes(8, 'big')
        if self.vector == 'eboiv':
            return self.ecb(self.key_of_vector, (number * size).to_bytes(self.block, 'little'), True)
        number = number.to_bytes(self.block, 'little')
        if 'essiv' in self.vector:
            return self.ecb(self.key_of_vector, number, True)
        return bytes(self.block) if self.vector == 'null' else number

    def lrw(self, number, size):
        """Products of the key of tweaks and the numbers of blocks, in GF(2^128)."""
        first = int.from_bytes(self.iv(number, size), 'big')
        for block in range(first, first + size // 16):
            product, power = 0, self.tweak_key
            while block:
                product ^= power if block & 1 else 0
                power = power << 1 ^ (power >> 127) * ((1 << 128) | 0x87)
                block >>= 1
            yield product.to_bytes(16, 'big')

    def decrypt(self, number, data):
        if self.mode == 'ecb':
            return self.ecb(self.key, data)
        if self.mode == 'lrw':
            tweaks = b''.join(self.lrw(number, len(data)))
            return mixed(self.ecb(self.key, mixed(data, tweaks)), tweaks)
        mode = {'cbc': self.modes.CBC, 'xts': self.modes.XTS}[self.mode]
        decryptor = self.new(self.algorithm(self.key), mode(self.iv(number, len(data)))).decryptor()
        return decryptor.update(data) + decryptor.finalize()


def mixed(a, b):
    return (int.from_bytes(a, 'big') ^ int.from_bytes(b, 'big')).to_bytes(len(a), 'big')


# Those whose sectors are numbered in their own size.
LARGE = [('aes-xts-plain64', 512, 4096), ('aes-xts-plain', 256, 2048), ('aes-cbc-benbi', 256, 4096),
         ('aes-cbc-eboiv', 256, 4096), ('aes-lrw-benbi', 384, 4096), ('camellia-cbc-plain64be', 256, 1024)]


@pytest.mark.parametrize('cipher, bits, sector, large', [(*row, row in LARGE) for row in [*PLAIN, *LARGE]],
                         ids=[*named(PLAIN), *[f'{name}-large' for name in named(LARGE)]])
def test_another_library_reads_what_keep_writes(anybody, cipher, bits, sector, large):
    key = hashlib.sha512(cipher.encode()).digest()[:bits // 8]
    anybody.file('key', key)
    volume = anybody.file('v.img', bytes(64 << 10))
    volume.chmod(0o666)
    anybody.do('open', '--type', 'plain', 'v.img', 'r', '--raw', '--key-file', 'key', '--cipher', cipher, '--key-size', bits,
               '--sector-size', sector, '--skip', SKIP, *(['--iv-large-sectors'] if large else []))
    content = bytes(range(251)) * 261 + bytes(25)
    with open(anybody.home / 'r' / 'volume', 'r+b') as file:
        file.write(content)
    anybody.close('r')
    image, other = volume.read_bytes(), Sectors(cipher, key)
    unit = sector if large else 512
    for at in range(0, len(image), sector):
        number = SKIP // (unit // 512) + at // unit
        assert other.decrypt(number, image[at:at + sector]) == content[at:at + sector], at


@pytest.mark.parametrize('words', [['--integrity', 'hmac-sha256'], ['--integrity', 'aead'],
                                   ['--integrity', 'aead', '--cipher', 'aegis128-random']], ids=' '.join)
def test_a_damaged_sector_is_an_error_and_never_wrong_data(anybody, words):
    anybody.do('create', 'v.img', '--size', '24M', '--fs', 'none', *words, '--passphrase-file', 'phrase', *CHEAP)
    raw = anybody.open('v.img', 'r', '--raw') / 'volume'
    with open(raw, 'r+b') as file:
        file.write(b'good' * 4096)
    anybody.close('r')
    volume = anybody.home / 'v.img'
    image = bytearray(volume.read_bytes())
    whole = anybody.run('cat', 'v.img', '--passphrase-file', 'phrase').stdout
    first = image.index(b'integrt') + 4096
    for offset in range(first, len(image), 97 * 4096):  # tags, blocks, and what has neither
        image[offset + 77] ^= 1
    volume.write_bytes(image)
    anybody.open('v.img', 'r', '--raw', '--read-only')
    seen = 0
    with open(raw, 'rb', buffering=0) as file:
        for start in range(0, len(whole), 4096):
            try:
                assert os.pread(file.fileno(), 4096, start) == whole[start:start + 4096]
            except OSError as error:
                assert error.errno == errno.EIO
                seen += 1
    assert 10 < seen < len(whole) // 4096 // 2


def test_what_was_synced_is_there_after_a_kill(anybody):
    anybody.do('create', 'v.img', '--size', '24M', '--fs', 'none', '--integrity', 'hmac-sha256', '--passphrase-file', 'phrase',
               *CHEAP)
    content = bytearray(4 << 20)
    for turn in range(4):
        raw = anybody.open('v.img', 'r', '--raw') / 'volume'
        process = anybody.status()[0]['process']
        with open(raw, 'r+b') as file:
            for offset in range(turn * 5000, 3 << 20, 400001):
                content[offset:offset + 6000] = bytes([turn + 1]) * 6000
                file.seek(offset)
                file.write(content[offset:offset + 6000])
            file.flush()
            os.fsync(file.fileno())
        os.kill(process, signal.SIGKILL)
        wait_for_end(process)
        anybody.run('close', 'r')  # clears away what is left, and says so
        assert anybody.run('cat', 'v.img', '--passphrase-file', 'phrase', '--length', '4M').stdout == content


REFUSED = [
    (['--cipher', 'rot13-ecb'], UNSUPPORTED, 'rot13-ecb'),
    (['--cipher', 'kuznyechik-xts-plain64'], UNSUPPORTED, 'kuznyechik'),
    (['--cipher', 'cipher_null-ecb'], UNSUPPORTED, 'cipher_null'),
    (['--key-size', '200'], USAGE, '200'),
    (['--key-size', 'x'], USAGE, 'x'),
    (['--integrity', 'crc32c'], USAGE, 'crc32c'),
    (['--integrity', 'aead', '--cipher', 'aes-xts-plain64'], UNSUPPORTED, 'aes-xts-plain64'),
    (['--integrity', 'hmac-sha256', '--cipher', 'aes-cbc-essiv:sha256'], UNSUPPORTED, 'essiv'),
    (['--integrity', 'poly1305', '--key-size', '128'], USAGE, '128'),
]


@pytest.mark.parametrize('words, status, said', REFUSED, ids=named(REFUSED))
def test_what_is_not_to_be_had(anybody, words, status, said):
    line = anybody.refuse(status, 'create', 'v.img', *words, '--passphrase-file', 'phrase', *CHEAP)
    assert said in line
    assert not (anybody.home / 'v.img').exists()
