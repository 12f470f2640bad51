"""Every file system that can be made inside: mounted, written, opened again, and checked by its own tools."""
import os
import pathlib
import shutil
import subprocess

import pytest
from keep_runner import CHEAP, UNSUPPORTED, USAGE

# Its name; bytes of the volume; what finds its mistakes.
FILE_SYSTEMS = [
    ('ext2', '32M', ['e2fsck', '-f', '-n']),
    ('ext3', '32M', ['e2fsck', '-f', '-n']),
    ('ext4', '32M', ['e2fsck', '-f', '-n']),
    ('xfs', '330M', ['xfs_repair', '-n', '-f']),
    ('btrfs', '140M', ['btrfs', 'check']),
    ('vfat', '40M', ['fsck.vfat', '-n']),
]

# What a person might do in a raw volume, with blocks smaller than those that keep gives to the loop device.
SMALL_BLOCKS = [
    ('ext4', '32M', ['mkfs.ext4', '-q', '-F', '-b', '1024']),
    ('xfs', '330M', ['mkfs.xfs', '-q', '-f', '-s', 'size=512']),
]


def key(keep):
    return ['--passphrase-file', keep.phrase]


def tool(words):
    where = shutil.which(words[0], path=os.environ['PATH'] + ':/usr/sbin:/sbin')
    if not where:
        pytest.skip(f'{words[0]} is not here')
    return [where, *words[1:]]


def is_known(fs):
    names = [line.split()[-1] for line in pathlib.Path('/proc/filesystems').read_text().splitlines()]
    return fs in names or subprocess.run(['modprobe', '-q', fs], check=False).returncode == 0


# The sectors of a volume are as large as the blocks of the device, and xfs and vfat mind them.
CASES = [(sector, *each) for each in FILE_SYSTEMS for sector in ('512', '4096')
         if sector == '4096' or each[0] in ('xfs', 'vfat')]


@pytest.mark.parametrize('sector, fs, size, check', CASES, ids=[f'{case[1]} {case[0]}' for case in CASES])
def test_it_is_made_used_and_sound(keep, sector, fs, size, check):
    check = tool(check)
    tool(['mkfs.' + fs])
    keep.create('v.img', '--fs', fs, '--sector-size', sector, '--label', 'INSIDE', size=size)
    content = os.urandom(3 << 20)
    if keep.user == 'root' and is_known(fs) or fs.startswith('ext'):
        for _ in range(2):
            keep.open()
            keep.write(keep.home / 'm/file', content)
            keep.close()
        keep.open()
        assert keep.read(keep.home / 'm/file') == content
        keep.close()
    else:
        line = keep.refuse(UNSUPPORTED, 'open', 'v.img', 'm', *key(keep))
        assert fs in line and '--raw' in line
    keep.open('v.img', 'm', '--raw')
    done = keep.execute(*check, keep.home / 'm/volume')
    assert done.returncode == 0, (done.stdout + done.stderr).decode()
    keep.close()


@pytest.mark.parametrize('fs, size, make', SMALL_BLOCKS, ids=[each[0] for each in SMALL_BLOCKS])
def test_blocks_smaller_than_a_sector(keep, fs, size, make):
    if keep.user != 'root' and fs != 'ext4':
        pytest.skip('only root mounts it')
    make = tool(make)
    keep.create('v.img', '--fs', 'none', size=size)
    keep.open('v.img', 'm', '--raw')
    assert keep.execute(*make, keep.home / 'm/volume').returncode == 0
    keep.close()
    keep.open()
    keep.execute('chmod', '777', keep.home / 'm')
    if keep.user == 'root':
        keep.write(keep.home / 'm/file', b'content')
        assert keep.read(keep.home / 'm/file') == b'content'
    keep.close()


@pytest.mark.parametrize('fs', ['xfs', 'btrfs'])
def test_too_small_is_said_at_once(anybody, fs):
    line = anybody.refuse(USAGE, 'create', 'v.img', '--fs', fs, *key(anybody))
    assert fs in line and 'is the least' in line
    assert not (anybody.home / 'v.img').exists()


@pytest.mark.parametrize('fs, package', [('ext4', 'e2fsprogs'), ('xfs', 'xfsprogs'), ('btrfs', 'btrfs-progs'),
                                         ('vfat', 'dosfstools')])
def test_a_missing_mkfs_is_named_with_its_package(keep, fs, package):
    if keep.user != 'root':
        pytest.skip('only root can hide programs')
    (keep.home / 'empty').mkdir()
    hidden = 'mount --bind empty /usr/sbin && PATH=/nowhere exec "$@"'
    done = keep.execute('unshare', '-m', 'sh', '-c', hidden, 'sh', keep.program, 'create', 'v.img', '--fs', fs, '--size',
                        '340M', *key(keep), *CHEAP)
    line = done.stderr.decode()
    assert done.returncode == 1 and f'mkfs.{fs} is not installed; install the package {package}\n' in line, line
    assert not (keep.home / 'v.img').exists()
