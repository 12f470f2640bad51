"""A volume grows and shrinks with its file, and never cuts off what is inside."""
import os

import pytest
from keep_runner import BUSY, UNSUPPORTED, USAGE


def key(keep):
    return ['--passphrase-file', keep.phrase]


def test_it_grows_with_the_file_system(keep, cryptsetup):
    image = keep.create('v.img', size='24M')
    keep.open()
    keep.write(keep.home / 'm/file', b'content')
    keep.close()
    before = os.path.getsize(image)
    keep.do('resize', 'v.img', '--size', '+16M', '--grow-fs', *key(keep))
    assert os.path.getsize(image) == before + (16 << 20)
    keep.open()
    assert keep.read(keep.home / 'm/file') == b'content'
    assert os.statvfs(keep.home / 'm').f_blocks * os.statvfs(keep.home / 'm').f_frsize > 16 << 20 or keep.user == 'user'
    keep.write(keep.home / 'm/large', b'x' * (12 << 20))
    keep.close()
    cryptsetup('open', '--test-passphrase', '--key-file', keep.file('raw', b'correct horse'), image)


def test_it_does_not_cut_off_a_file_system(keep):
    image = keep.create('v.img', size='32M')
    before = image.read_bytes()
    line = keep.refuse(USAGE, 'resize', 'v.img', '--size', '28M', *key(keep), '--yes')
    assert 'ext4' in line and '16.0 MiB' in line
    assert image.read_bytes() == before
    keep.do('resize', 'v.img', '--size', '40M', *key(keep))
    keep.do('resize', 'v.img', '--size', '32M', *key(keep))
    keep.open()
    keep.close()


def test_what_nobody_knows_is_asked_about(keep):
    image = keep.create('v.img', '--fs', 'none')
    assert '--yes' in keep.refuse(USAGE, 'resize', 'v.img', '--size', '22M', *key(keep))
    assert os.path.getsize(image) == 24 << 20
    keep.do('resize', 'v.img', '--size', '-2M', *key(keep), '--yes')
    assert os.path.getsize(image) == 22 << 20


def test_what_is_refused(anybody):
    image = anybody.create('v.img', '--fs', 'none')
    assert '--size' in anybody.refuse(USAGE, 'resize', 'v.img')
    assert 'no room' in anybody.refuse(USAGE, 'resize', 'v.img', '--size', '16M', *key(anybody))
    assert 'no size' in anybody.refuse(USAGE, 'resize', 'v.img', '--size', 'x', *key(anybody))
    assert 'no file system' in anybody.refuse(UNSUPPORTED, 'resize', 'v.img', '--grow-fs', *key(anybody))
    anybody.refuse(3, 'resize', 'v.img', '--size', '20M', '--passphrase-file', anybody.file('wrong', b'wrong'))
    assert os.path.getsize(image) == 24 << 20
    anybody.do('open', 'v.img', '--nbd', 's', *key(anybody))
    assert 'close it' in anybody.refuse(BUSY, 'resize', 'v.img', '--size', '30M')
