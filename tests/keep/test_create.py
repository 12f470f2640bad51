"""Every option of keep create, in the eyes of cryptsetup; and what it says of what is there already."""
import json
import os
import shutil
import subprocess

import pytest
from keep_runner import CHEAP, USAGE

# Options; what cryptsetup's dump has to say.
CASES = [
    (['--cipher', 'aes-xts-plain64', '--key-size', '256'], ['cipher: aes-xts-plain64', 'Key:        256 bits']),
    (['--cipher', 'serpent-cbc-essiv:sha256'], ['cipher: serpent-cbc-essiv:sha256', 'Key:        256 bits']),
    (['--cipher', 'twofish-xts-plain64', '--sector-size', '1024'], ['cipher: twofish-xts-plain64', 'sector: 1024']),
    (['--sector-size', '2048', '--label', 'a label of LUKS2 that is long'], ['sector: 2048', 'a label of LUKS2']),
]


def key(keep):
    return ['--passphrase-file', keep.phrase]


@pytest.mark.parametrize('options, said', CASES, ids=[' '.join(case[0][:2]) for case in CASES])
def test_cryptsetup_sees_what_was_asked_for(anybody, cryptsetup, options, said):
    image = anybody.create('v.img', '--fs', 'none', *options)
    dump = cryptsetup('luksDump', image)
    for each in said:
        assert each in dump
    if '--cipher' not in options or 'aes' in options[1]:  # for others it needs the kernel's ciphers
        cryptsetup('open', '--test-passphrase', '--key-file', anybody.file('raw', b'correct horse'), image)


def test_costs_by_time_and_by_memory(anybody, cryptsetup):
    image = anybody.home / 'v.img'
    anybody.do('create', image, '--fs', 'none', *key(anybody), '--kdf-time', '100ms', '--kdf-memory', '32M')
    dump = cryptsetup('luksDump', image)
    memory = int(dump.partition('Memory:')[2].split()[0])
    assert 'argon2id' in dump and memory <= 32 << 10


def test_a_header_in_a_file_of_its_own(keep, cryptsetup):
    keep.do('create', 'data', '--header', 'head', '--size', '8M', *key(keep), *CHEAP)
    assert (keep.home / 'data').stat().st_size == 8 << 20
    assert 'offset: 0 [bytes]' in cryptsetup('luksDump', keep.home / 'head')
    keep.do('open', 'data', 'm', '--header', 'head', *key(keep))
    keep.write(keep.home / 'm/file', b'content')
    keep.close()
    keep.refuse(4, 'open', 'data', 'm', *key(keep))


def test_luks1_goes_the_whole_way(keep, cryptsetup):
    image = keep.create('v.img', '--luks1')
    first, second, third = (keep.file(name, name.encode()) for name in ('first', 'second', 'third'))
    raw = keep.file('raw', b'correct horse')
    assert 'Version:       \t1' in cryptsetup('luksDump', image)
    cryptsetup('open', '--test-passphrase', '--key-file', raw, image)
    keep.open()
    keep.write(keep.home / 'm/file', b'content')
    new = ['--pbkdf', 'pbkdf2', '--kdf-iterations', '1000']
    keep.do('key', 'add', 'v.img', *key(keep), '--new-passphrase-file', second, *new)
    keep.do('key', 'add', 'v.img', *key(keep), '--new-passphrase-file', first, '--key-slot', '6', *new)
    keep.close()
    keep.do('key', 'change', 'v.img', '--passphrase-file', second, '--new-passphrase-file', third, *new)
    cryptsetup('open', '--test-passphrase', '--key-file', third, '--key-slot', '1', image)
    cryptsetup('open', '--test-passphrase', '--key-file', first, '--key-slot', '6', image)
    assert 'names' in keep.refuse(USAGE, 'key', 'add', 'v.img', *key(keep), '--new-passphrase-file', second,
                                  '--name', 'bob', *new)
    assert 'pbkdf2' in keep.refuse(USAGE, 'key', 'add', 'v.img', *key(keep), '--new-passphrase-file', second,
                                   '--pbkdf', 'argon2id', '--kdf-iterations', '4')
    keep.do('key', 'remove', 'v.img', '--key-slot', '0', '--passphrase-file', third)
    keep.do('key', 'remove', 'v.img', '--passphrase-file', first)
    assert [each['slot'] for each in json.loads(keep.do('key', 'list', 'v.img', '--json'))] == [1]
    assert 'last' in keep.refuse(USAGE, 'key', 'remove', 'v.img', '--passphrase-file', third)
    keep.refuse(3, 'key', 'test', 'v.img', *key(keep))
    cryptsetup('luksAddKey', '--key-file', third, '--pbkdf-force-iterations', '1000', image, raw)
    keep.open()
    assert keep.read(keep.home / 'm/file') == b'content'
    keep.close()


def test_luks1_full_of_keys(anybody, cryptsetup):
    image = anybody.create('v.img', '--luks1', '--fs', 'none')
    new = anybody.file('new', b'new')
    words = ['--new-passphrase-file', new, '--kdf-iterations', '1000']
    for _ in range(7):
        anybody.do('key', 'add', 'v.img', *key(anybody), *words)
    assert 'all 8' in anybody.refuse(7, 'key', 'add', 'v.img', *key(anybody), *words)
    assert 'all 8' in anybody.refuse(7, 'key', 'change', 'v.img', *key(anybody), *words)
    assert cryptsetup('luksDump', image).count('ENABLED') == 8
    anybody.do('shred', 'v.img', '--yes')
    assert cryptsetup('luksDump', image).count('DISABLED') == 8
    anybody.refuse(3, 'key', 'test', 'v.img', *key(anybody))


def make(anybody, what, path):
    path.write_bytes(b'\0' * (24 << 20))
    if what == 'LUKS':
        shutil.copy(anybody.create('other.img', '--fs', 'none'), path)
    elif what == 'dos':
        path.write_bytes(b'\0' * 446 + bytes([0, 1, 1, 0, 0x83, 1, 1, 1, 0, 8, 0, 0, 0, 8, 0, 0]) + b'\0' * 48 +
                         b'\x55\xaa' + b'\0' * (24 << 20))
    else:
        subprocess.run([shutil.which(f'mkfs.{what}', path='/usr/sbin:/sbin'), '-q', '-F', path], check=True)
    os.chmod(path, 0o666)


@pytest.mark.parametrize('what', ['ext4', 'dos', 'LUKS'])
def test_what_is_there_is_named_and_kept(anybody, what):
    path = anybody.home / 'v.img'
    make(anybody, what, path)
    before = path.read_bytes()
    line = anybody.refuse(USAGE, 'create', 'v.img', '--size', '24M', *key(anybody), *CHEAP)
    assert what in line and '--yes' in line
    assert path.read_bytes() == before
    anybody.do('create', 'v.img', '--size', '24M', '--fs', 'none', '--yes', *key(anybody), *CHEAP)
    anybody.do('key', 'test', 'v.img', *key(anybody))


@pytest.mark.parametrize('was, size', [(24 << 20, 24 << 20), (65 << 20, 65 << 20), (1 << 20, 64 << 20), (0, 64 << 20)])
def test_a_file_that_is_overwritten_keeps_its_size(anybody, was, size):
    path = anybody.file('v.img', b'')
    os.truncate(path, was)
    anybody.do('create', 'v.img', '--fs', 'none', '--yes', *key(anybody), *CHEAP)
    about = path.stat()
    assert about.st_size == size
    assert (about.st_blocks * 512 < size) == (was == size)  # it had holes, and has them


@pytest.mark.parametrize('words, said', [
    (['--sector-size', '513'], 'none of'), (['--luks1', '--sector-size', '4096'], '512'), (['--fs', 'ntfs'], 'ext4'),
    (['--luks1', '--pbkdf', 'argon2id'], 'pbkdf2'), (['--label', 'x' * 17], '16 bytes'),
    (['--fs', 'none', '--label', 'x' * 48], '47 bytes'), (['--kdf-time', '2m'], '2s'), (['--kdf-memory', '5G'], '4G'),
    (['--luks1', '--fs', 'none', '--label', 'x'], 'no place'), (['--size', '19M'], '20.0 MiB'),
])
def test_what_cannot_be_made(anybody, words, said):
    assert said in anybody.refuse(USAGE, 'create', 'v.img', *key(anybody), *words)
    assert not (anybody.home / 'v.img').exists()
