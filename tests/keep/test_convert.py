"""LUKS1 to LUKS2 and back: cryptsetup agrees with each result, and converts it itself."""
import os
import shutil
import signal
import subprocess

import pytest
from keep_runner import BUSY, UNSUPPORTED, USAGE

NEW = ['--pbkdf', 'pbkdf2', '--kdf-iterations', '1000']
RAW = b'correct horse'


def key(keep):
    return ['--passphrase-file', keep.phrase]


def shown(keep, *more):
    """The first bytes of the decrypted volume."""
    done = keep.run('cat', 'v.img', *key(keep), '--length', '1M', *more)
    assert done.returncode == 0, done.stderr
    return done.stdout


def opens(cryptsetup, image, phrase, kind, *more):
    cryptsetup('open', '--test-passphrase', '--type', kind, '--key-file', '-', *more, image, given=phrase)


def test_there_and_back_again(anybody, cryptsetup):
    image = anybody.create('v.img', '--luks1', '--fs', 'none')
    second = anybody.file('second', b'second')
    anybody.do('key', 'add', 'v.img', *key(anybody), '--new-passphrase-file', second, '--key-slot', '7', *NEW)
    data = shown(anybody)
    for kind in ('luks2', 'luks1', 'luks2'):
        anybody.do('convert', 'v.img', '--to', kind, '--yes')
        dump = cryptsetup('luksDump', image)
        assert f'Version:       \t{kind[-1]}' in dump
        opens(cryptsetup, image, RAW, kind, '--key-slot', '0')
        opens(cryptsetup, image, b'second', kind, '--key-slot', '7')
        assert shown(anybody) == data
        assert subprocess.run(['blkid', '-p', '-o', 'value', '-s', 'VERSION', image],
                              capture_output=True).stdout.strip() in (kind[-1].encode(), b'')
    anybody.do('header', 'check', 'v.img')
    cryptsetup('convert', '-q', '--type', 'luks1', image)
    assert shown(anybody) == data
    anybody.do('convert', 'v.img', '--to', 'luks2', '--yes')
    assert shown(anybody) == data


def test_what_cryptsetup_made_and_converts_back(anybody, cryptsetup):
    image = anybody.file('v.img', b'')
    os.truncate(image, 24 << 20)
    image.chmod(0o666)
    cryptsetup('luksFormat', '-q', '--type', 'luks1', '--pbkdf-force-iterations', '1000', '--key-file', '-', image,
               given=RAW)
    data = shown(anybody)
    anybody.do('convert', 'v.img', '--to', 'luks2', '--yes')
    cryptsetup('convert', '-q', '--type', 'luks1', image)
    assert shown(anybody) == data
    cryptsetup('convert', '-q', '--type', 'luks2', image)
    anybody.do('convert', 'v.img', '--to', 'luks1', '--yes')
    assert shown(anybody) == data
    opens(cryptsetup, image, RAW, 'luks1')


def test_a_detached_header(anybody, cryptsetup):
    anybody.do('create', 'v.img', '--header', 'h', '--luks1', '--size', '8M', '--fs', 'none', *key(anybody),
               '--kdf-iterations', '1000')
    data = shown(anybody, '--header', 'h')
    for kind in ('luks2', 'luks1'):
        anybody.do('convert', 'v.img', '--header', 'h', '--to', kind, '--yes')
        opens(cryptsetup, anybody.home / 'h', RAW, kind)
        assert shown(anybody, '--header', 'h') == data


@pytest.mark.parametrize('options, said', [
    (['--sector-size', '4096'], 'sectors of 4096'),
    (['--sector-size', '512', '--pbkdf', 'argon2id', '--kdf-iterations', '4', '--kdf-memory', '1M'], 'argon2id'),
])
def test_what_luks1_cannot_say_stays_as_it_is(anybody, options, said):
    image = anybody.create('v.img', '--fs', 'none', *options)
    before = image.read_bytes()
    assert said in anybody.refuse(UNSUPPORTED, 'convert', 'v.img', '--to', 'luks1', '--yes')
    assert image.read_bytes() == before


def test_a_luks1_header_that_is_full_stays_as_it_is(anybody):
    image = anybody.create('v.img', '--luks1', '--fs', 'none')
    for _ in range(7):
        anybody.do('key', 'add', 'v.img', *key(anybody), '--new-passphrase-file', anybody.phrase, *NEW)
    before = image.read_bytes()
    assert 'remove one' in anybody.refuse(UNSUPPORTED, 'convert', 'v.img', '--to', 'luks2', '--yes')
    assert image.read_bytes() == before


def test_a_second_run_clears_up_behind_the_first(anybody, cryptsetup):
    """A kill may have left copies of key areas where no slot stands."""
    image = anybody.create('v.img', '--luks1', '--fs', 'none')
    anybody.do('convert', 'v.img', '--to', 'luks2', '--yes')
    before = image.read_bytes()
    assert 'overwritten' in anybody.do('convert', 'v.img', '--to', 'luks2')
    after = image.read_bytes()
    assert before[:32 << 10] == after[:32 << 10] and before[2 << 20:] == after[2 << 20:] and before != after
    opens(cryptsetup, image, RAW, 'luks2')
    cryptsetup('convert', '-q', '--type', 'luks1', image)
    anybody.create('w.img', '--fs', 'none', '--sector-size', '512')
    cryptsetup('luksDump', anybody.home / 'w.img')
    anybody.do('convert', 'w.img', '--to', 'luks2')
    opens(cryptsetup, anybody.home / 'w.img', RAW, 'luks2')


def test_it_asks_and_wants_a_closed_volume(anybody):
    anybody.create('v.img', '--luks1', '--fs', 'none')
    assert '--yes' in anybody.refuse(USAGE, 'convert', 'v.img', '--to', 'luks2')
    assert 'already' in anybody.refuse(USAGE, 'convert', 'v.img', '--to', 'luks1', '--yes')
    assert '--to' in anybody.refuse(USAGE, 'convert', 'v.img')
    anybody.do('open', 'v.img', '--nbd', 's', *key(anybody))
    assert 'close it' in anybody.refuse(BUSY, 'convert', 'v.img', '--to', 'luks2', '--yes')


@pytest.mark.parametrize('to', ['luks2', 'luks1'])
def test_a_cut_at_any_write_leaves_a_header(anybody, to):
    """strace kills it at its n-th write; the passphrase opens what is there, and it can be done again."""
    if not shutil.which('strace'):
        pytest.skip('strace is not installed')
    anybody.create('before.img', '--luks1', '--fs', 'none', size='8M')
    if to == 'luks1':
        anybody.do('convert', 'before.img', '--to', 'luks2', '--yes')
    for n in [*range(1, 13), 20, 30, 99]:
        shutil.copy(anybody.home / 'before.img', anybody.home / 'v.img')
        done = anybody.execute('strace', '-qq', '-o', '/dev/null', '-e', 'trace=pwrite64', '-e',
                               f'inject=pwrite64:signal=KILL:when={n}', anybody.program, 'convert', 'v.img', '--to', to,
                               '--yes')
        anybody.do('key', 'test', 'v.img', *key(anybody))
        if done.returncode == 0:
            assert n > 3
            return
        assert done.returncode in (-signal.SIGKILL, 137), done.stderr
    assert False, 'it never ended'
