"""A volume grows and shrinks with its file, and never cuts off what is inside."""
import os
import pathlib
import shutil

import pytest
from keep_runner import BUSY, FAILED, UNSUPPORTED, USAGE
from transports import TRANSPORTS, transport


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
    assert 'with --grow-fs' in keep.do('resize', 'v.img', '--size', '40M', *key(keep))
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
    assert os.path.getsize(image) == 24 << 20


@pytest.mark.parametrize('by', TRANSPORTS)
@pytest.mark.parametrize('made', [[], ['--luks1'], ['--sector-size', '512']], ids=' '.join)
def test_an_open_one_in_bytes(keep, by, made):
    with transport(by):
        image = keep.create('v.img', '--fs', 'none', *made)
        keep.open('v.img', 'm', '--raw')
    volume = keep.home / 'm/volume'
    shown = int(keep.execute('stat', '-c', '%s', volume).stdout)
    overhead = os.path.getsize(image) - shown
    assert overhead >= 2 << 20
    content = os.urandom(shown + (4 << 20))
    keep.write_at_once(volume, content[:shown])
    keep.do('resize', 'v.img', '--size', '+4M')
    assert int(keep.execute('stat', '-c', '%s', volume).stdout) == len(content)
    keep.write_at_once(volume, content)
    assert keep.read(volume) == content
    assert '--yes' in keep.refuse(USAGE, 'resize', 'm', '--size', '-2M')
    keep.do('resize', 'm', '--size', '-2M', '--yes')
    left = len(content) - (2 << 20)
    assert os.path.getsize(image) == left + overhead
    assert keep.read(volume) == content[:left]
    assert keep.execute('dd', 'if=/dev/zero', f'of={volume}', 'bs=4096', f'seek={left >> 12}', 'count=1',
                        'conv=notrunc').returncode != 0
    keep.execute('truncate', '-s', '+1M', image)
    keep.do('resize', 'v.img')
    assert int(keep.execute('stat', '-c', '%s', volume).stdout) == left + (1 << 20)
    assert 'grow' in keep.refuse(USAGE, 'resize', 'v.img', '--grow-fs')
    keep.close()
    assert keep.run('cat', 'v.img', *key(keep)).stdout[:left] == content[:left]


def may_resize_ext4():
    """CAP_SYS_RESOURCE, which a container may lack."""
    capabilities = pathlib.Path('/proc/self/status').read_text().partition('CapEff:')[2].split()[0]
    return bool(int(capabilities, 16) >> 24 & 1)


@pytest.mark.parametrize('fs, size', [('ext4', '32M'), ('xfs', '330M'), ('btrfs', '280M')])
def test_an_open_one_with_its_file_system(keep, cryptsetup, fs, size):
    if keep.user != 'root':
        pytest.skip('only the kernel lets what is mounted grow')
    if not shutil.which('mkfs.' + fs):
        pytest.skip(f'mkfs.{fs} is not here')
    image = keep.create('v.img', '--fs', fs, size=size)
    keep.open()
    content = os.urandom(8 << 20)
    keep.write(keep.home / 'm/file', content)
    before = os.statvfs(keep.home / 'm')
    line = keep.refuse(USAGE if fs == 'ext4' else UNSUPPORTED, 'resize', 'v.img', '--size', '-4M', '--yes')
    assert fs in line
    if fs == 'ext4' and not may_resize_ext4():
        assert 'Permission denied' in keep.refuse(FAILED, 'resize', 'v.img', '--size', '+64M', '--grow-fs')
    else:
        keep.do('resize', 'v.img', '--size', '+64M', '--grow-fs')
        after = os.statvfs(keep.home / 'm')
        assert after.f_blocks * after.f_frsize >= before.f_blocks * before.f_frsize + (60 << 20)
        keep.write(keep.home / 'm/large', os.urandom(40 << 20))
    assert keep.read(keep.home / 'm/file') == content
    keep.close()
    keep.do('resize', 'v.img', *(['--grow-fs', *key(keep)] if fs == 'ext4' else ['--size', '+1M']))
    cryptsetup('open', '--test-passphrase', '--key-file', keep.file('raw', b'correct horse'), image)
    keep.open()
    assert keep.read(keep.home / 'm/file') == content
    keep.close()


def test_an_open_one_that_has_room_behind_its_file_system(keep):
    image = keep.create('v.img', size='32M')
    assert 'with --grow-fs' in keep.do('resize', 'v.img', '--size', '40M', *key(keep))
    keep.open()
    keep.do('resize', 'v.img', '--size', '32M')
    assert os.path.getsize(image) == 32 << 20
    assert 'ext4' in keep.refuse(USAGE, 'resize', 'v.img', '--size', '-4K')
    content = os.urandom(6 << 20)
    keep.write(keep.home / 'm/file', content)
    keep.close()
    keep.open()
    assert keep.read(keep.home / 'm/file') == content
    if keep.user == 'user':
        assert 'fuse2fs' in keep.refuse(BUSY, 'resize', 'v.img', '--grow-fs')
    keep.close()
