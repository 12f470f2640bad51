"""From create to close, and what happens on the way."""
import fcntl
import hashlib
import os
import pathlib
import random
import shutil
import signal
import stat
import subprocess
import threading
import time

import pytest
from keep_runner import BUSY, CHEAP, FAILED, FOREIGN, OK, PATIENCE_S, USAGE, wait_for, wait_for_end

MARK = b'a text that nobody but its owner may find'


def contents(seed, size):
    return random.Random(seed).randbytes(size)


@pytest.mark.parametrize('sector_size', ['512', '4096'])
def test_what_was_written_is_there_again(keep, sector_size):
    data = contents(1, 3_000_001)
    volume = keep.create('v.img', '--sector-size', sector_size)
    mounted = keep.open()
    keep.write(mounted / 'data', data)
    keep.write(mounted / 'note', MARK * 1000)
    keep.close()
    assert not mounted.exists()
    assert MARK not in volume.read_bytes()
    keep.open()
    assert keep.read(mounted / 'data') == data
    assert keep.read(mounted / 'note') == MARK * 1000
    keep.close('v.img')


def test_what_was_not_synced_is_saved_by_close(keep):
    data = contents(2, 2_000_000)
    keep.create()
    mounted = keep.open()
    done = keep.execute('sh', '-c', f'cat > {mounted}/data', given=data)
    assert done.returncode == 0
    keep.close()
    keep.open()
    assert keep.read(mounted / 'data') == data


def test_the_volume_is_private_and_of_its_size(keep):
    volume = keep.create(size='20M')
    about = volume.stat()
    assert stat.S_IMODE(about.st_mode) == 0o600
    assert about.st_size == 20 << 20
    assert sorted(os.listdir(keep.home))[:2] == ['keep', 'phrase']
    assert not [name for name in os.listdir(keep.home) if '.keep-' in name]


def test_the_file_system_belongs_to_its_maker(keep):
    keep.create('v.img', '--label', 'holiday')
    mounted = keep.open()
    owner = keep.execute('stat', '-c', '%u', mounted).stdout
    assert owner == keep.execute('id', '-u').stdout
    keep.close()
    raw = keep.open('v.img', 'r', '--raw')
    assert b'holiday' in keep.execute('blkid', '-p', raw / 'volume').stdout
    assert keep.execute('e2fsck', '-fn', raw / 'volume').returncode == 0


def test_read_only_writes_nothing(keep):
    volume = keep.create()
    mounted = keep.open()
    keep.write(mounted / 'note', MARK)
    keep.close()
    before = hashlib.sha256(volume.read_bytes()).digest()
    for more in (['--read-only'], ['--read-only', '--raw']):
        mounted = keep.open('v.img', 'm', *more)
        assert keep.execute('touch', mounted / 'more').returncode != 0
        assert keep.execute('dd', 'if=/dev/zero', f'of={mounted}/volume', 'count=1',
                            'conv=notrunc').returncode != 0
        assert keep.status()[0]['access'] == 'read-only'
        keep.close()
    assert hashlib.sha256(volume.read_bytes()).digest() == before


def test_a_default_place_is_found_and_told(keep):
    keep.create('site.img')
    said = keep.do('open', 'site.img', '--passphrase-file', keep.phrase)
    place = pathlib.Path(keep.status()[0]['mountpoint'])
    assert said.strip().endswith(f'open at {place}')
    assert place.name == 'site'
    keep.write(place / 'note', MARK)
    assert keep.read(place / 'note') == MARK
    keep.close(place)
    assert keep.status() == []


def test_already_open(keep):
    keep.create()
    keep.open()
    line = keep.refuse(BUSY, 'open', 'v.img', 'other', '--passphrase-file', keep.phrase)
    assert 'already open' in line
    keep.refuse(BUSY, 'create', 'v.img', '--yes', '--passphrase-file', keep.phrase, *CHEAP)
    assert not (keep.home / 'other').exists()
    assert len(keep.status()) == 1


@pytest.mark.parametrize('more', [[], ['--raw']])
def test_what_could_not_be_written_is_told_at_the_end(keep, more):
    """Of the volume's 8 MiB only the first 4 can be written, as on a disk that is full."""
    keep.create()
    opening = 'ulimit -f 20480; exec "$@"'
    done = keep.execute('bash', '-c', opening, 'bash', keep.program, 'open', 'v.img', 'm', *more,
                        '--passphrase-file', keep.phrase)
    assert done.returncode == OK
    file = keep.home / 'm' / ('volume' if more else 'data')
    keep.execute('dd', 'if=/dev/urandom', f'of={file}', 'bs=64k', 'count=96', 'conv=notrunc')
    said = []
    for _ in range(3):
        done = keep.run('close', 'm')
        if b'is not open' in done.stderr:
            break
        said.append(done.stderr.decode())
        assert done.returncode == FAILED
    assert any('not all of it was saved' in line for line in said)
    assert keep.status() == []


def test_busy_is_said_and_changes_nothing(keep):
    keep.create()
    mounted = keep.open()
    keep.write(mounted / 'note', MARK)
    user = subprocess.Popen(
        [*keep.prefix, 'sh', '-c', 'exec 3< "$1"; echo ready; read end', 'sh', mounted / 'note'],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert user.stdout.readline() == b'ready\n'
    assert 'in use' in keep.refuse(BUSY, 'close', 'm')
    assert keep.status()[0]['state'] == 'open'
    assert keep.read(mounted / 'note') == MARK
    keep.write(mounted / 'more', MARK)
    user.communicate(b'\n')
    keep.close()


def test_a_copy_of_its_mount_in_another_name_space_is_told_of(keep):
    """There it lives on; and what was written is there when it is opened again."""
    if keep.user != 'root':
        pytest.skip('only root copies the mounts of all')
    keep.create()
    mounted = keep.open()
    keep.write(mounted / 'note', MARK)
    pid = daemon_of(keep)
    with keep.start('unshare', '--mount', 'sh', '-c', 'echo; read end', stdin=subprocess.PIPE) as other:
        assert other.stdout.readline() == b'\n'
        assert 'in a mount namespace of another' in keep.refuse(BUSY, 'close', 'm')
        assert not os.path.ismount(mounted) and keep.status()[0]['state'] == 'open'
        other.communicate(b'\n')
    wait_for_end(pid)
    assert keep.status() == []
    keep.open()
    assert keep.read(mounted / 'note') == MARK


def test_umount_closes_too(keep):
    keep.create()
    mounted = keep.open()
    keep.write(mounted / 'note', MARK)
    pid = daemon_of(keep)
    unmount = ['umount'] if keep.user == 'root' else ['fusermount3', '-u']
    if not shutil.which(unmount[0]):
        unmount[0] = 'fusermount'
    assert keep.execute(*unmount, mounted).returncode == 0
    wait_for_end(pid)
    assert keep.status() == []
    keep.open()
    assert keep.read(mounted / 'note') == MARK


def record_of(keep, image):
    runtime = pathlib.Path('/run' if keep.user == 'root' else keep.environment.get('XDG_RUNTIME_DIR', '')) / 'keepgate'
    about = image.stat()
    return runtime / f'file-{about.st_dev:x}-{about.st_ino:x}.open'


def test_a_daemon_removes_no_record_but_its_own(anybody):
    """A record is called by device and inode, which come again: of another disk."""
    keep = anybody
    record = record_of(keep, keep.create())
    keep.open('v.img', 'm', '--raw')
    others = record.read_bytes().replace(b'v.img', b'other.img')
    record.unlink()
    record.write_bytes(others)
    (process,) = {each['process'] for each in keep.status() if each['target'].endswith('other.img')}
    os.kill(process, signal.SIGTERM)
    wait_for_end(process)
    assert record.read_bytes() == others
    record.unlink()


def test_who_is_slow_to_list_the_records_does_not_keep_others_from_opening(anybody):
    keep = anybody
    record = record_of(keep, keep.create())
    keep.run('status')  # which makes the directory
    record.touch()
    record.chmod(0o666)
    with open(record) as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        threading.Timer(0.6, fcntl.flock, [file, fcntl.LOCK_UN]).start()
        keep.open('v.img', 'm', '--raw')
    keep.close()


def test_who_is_slow_to_list_the_records_does_not_keep_others_from_closing(anybody):
    keep = anybody
    record = record_of(keep, keep.create())
    keep.open('v.img', 'm', '--raw')
    pid = daemon_of(keep)
    os.kill(pid, signal.SIGKILL)
    wait_for_end(pid)
    with open(record) as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        threading.Timer(0.6, fcntl.flock, [file, fcntl.LOCK_UN]).start()
        assert 'had died' in keep.refuse(FAILED, 'close', 'm')
    assert keep.status() == []


def test_close_does_not_wait_for_who_opens_it_again(anybody):
    """A daemon that is slow to end; and another's record by the time that it is gone."""
    if not shutil.which('strace'):
        pytest.skip('strace is not installed')
    keep = anybody
    record = record_of(keep, keep.create())
    keep.open('v.img', 'm', '--raw')
    words = record.read_bytes().replace(b'raw 1', b'raw 0')  # nothing is to be unmounted
    keep.close()

    def lock(file):
        os.fchmod(file.fileno(), 0o666)
        file.write(words)
        file.flush()
        fcntl.flock(file, fcntl.LOCK_EX)

    calls = keep.file('calls', b'')
    calls.chmod(0o666)
    with open(record, 'wb') as its, open(record.with_suffix('.other'), 'wb') as others:
        lock(its)
        closing = keep.start('strace', '-qq', '-e', 'trace=flock', '-o', calls, keep.program, 'close', 'v.img')
        wait_for(lambda: calls.read_text().count('LOCK_EX') > 3, 'it to wait for the daemon')
        assert closing.poll() is None
        words = words.replace(b'daemon ', b'daemon 1')
        lock(others)
        record.with_suffix('.other').rename(record)
        assert closing.wait(PATIENCE_S) == 0
    closing.communicate()
    record.unlink()


def test_what_is_not_open_cannot_be_closed(keep):
    keep.create()
    assert 'is not open' in keep.refuse(FAILED, 'close', 'v.img')
    assert 'is not open' in keep.refuse(FAILED, 'close', 'nowhere')


def daemon_of(keep):
    return keep.status()[0]['process']


def test_a_killed_daemon_leaves_what_was_synced(keep):
    data = contents(3, 1_000_000)
    keep.create()
    mounted = keep.open()
    keep.write(mounted / 'data', data)
    assert keep.execute('sync', '-f', mounted).returncode == 0
    pid = daemon_of(keep)
    os.kill(pid, signal.SIGKILL)
    wait_for_end(pid)
    assert keep.status()[0]['state'] == 'stale'
    assert 'had died' in keep.refuse(FAILED, 'close', 'm')
    assert keep.status() == []
    keep.open()
    assert keep.read(mounted / 'data') == data


def test_open_clears_away_what_a_killed_daemon_left(keep):
    keep.create()
    mounted = keep.open()
    keep.write(mounted / 'note', MARK)
    assert keep.execute('sync', '-f', mounted).returncode == 0
    pid = daemon_of(keep)
    os.kill(pid, signal.SIGKILL)
    wait_for_end(pid)
    again = keep.run('open', 'v.img', 'm', '--passphrase-file', keep.phrase)
    assert again.returncode == OK and b'daemon had died: what was not synced' in again.stderr
    assert keep.read(mounted / 'note') == MARK
    assert [each['state'] for each in keep.status()] == ['open']


def test_status_names_what_is_open_now_and_not_what_a_killed_daemon_had(anybody):
    """A record is called by device and inode, which stay where a volume is renamed, and come again for another."""
    keep = anybody
    keep.create()
    keep.open('v.img', 'm', '--raw', '--read-only')
    pid = keep.status()[0]['process']
    os.kill(pid, signal.SIGKILL)
    wait_for_end(pid)
    (keep.home / 'v.img').rename(keep.home / 'w.img')
    keep.open('w.img', 'n', '--raw')
    (found,) = keep.status()
    assert (found['target'], found['state'], found['access']) == (str(keep.home / 'w.img'), 'open', 'read-write')
    keep.close('n')


def test_a_service_stays_and_ends_on_sigterm(keep):
    keep.create()
    daemon = subprocess.Popen([*keep.prefix, keep.program, 'open', '--foreground', 'v.img', 'm',
                               '--passphrase-file', keep.phrase], cwd=keep.home,
                              env=keep.environment, stdout=subprocess.PIPE)
    assert b'open at' in daemon.stdout.readline()
    keep.write(keep.home / 'm' / 'note', MARK)
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(PATIENCE_S) == 0
    assert keep.status() == []
    mounted = keep.open()
    assert keep.read(mounted / 'note') == MARK


def test_create_asks_before_anything_is_lost(anybody):
    volume = anybody.create()
    before = volume.read_bytes()
    line = anybody.refuse(USAGE, 'create', 'v.img', '--passphrase-file', anybody.phrase, *CHEAP)
    assert 'LUKS' in line and '--yes' in line
    assert volume.read_bytes() == before
    (anybody.home / 'other').write_bytes(b'something of value')
    assert '--yes' in anybody.refuse(USAGE, 'create', 'other', '--passphrase-file',
                                     anybody.phrase, *CHEAP)
    anybody.create('other', '--yes')
    anybody.open('other')


@pytest.mark.parametrize('after', [0.02, 0.06, 0.12, 0.3])
def test_a_create_that_is_killed_leaves_no_volume(anybody, after):
    making = subprocess.Popen([anybody.program, 'create', 'v.img', '--passphrase-file',
                               anybody.phrase, '--kdf-iterations', '1000000000', '--pbkdf', 'pbkdf2'],
                              cwd=anybody.home, env=anybody.environment, stdout=subprocess.DEVNULL)
    time.sleep(after)
    making.kill()
    assert making.wait() == -signal.SIGKILL
    assert list(anybody.home.glob('*v.img*')) == []


@pytest.mark.parametrize('call', ['pwrite64', 'fsync', 'fallocate', 'linkat', 'mount', 'ftruncate', 'renameat2'])
@pytest.mark.parametrize('yes', [[], ['--yes']])
def test_a_create_that_is_cut_off_at_any_call(anybody, call, yes):
    """What stood there stands there still, or the whole new volume does."""
    if not shutil.which('strace'):
        pytest.skip('strace is not installed')
    if yes:
        anybody.create()
    before = (anybody.home / 'v.img').read_bytes() if yes else None
    number = 1
    while number < 100_000:
        done = anybody.execute('strace', '-qq', '-o', '/dev/null', '-e', f'inject={call}:signal=KILL:when={number}',
                               anybody.program, 'create', 'v.img', '--size', '24M', '--fs', 'none',
                               '--passphrase-file', anybody.phrase, *CHEAP, *yes)
        now = (anybody.home / 'v.img').read_bytes() if (anybody.home / 'v.img').exists() else None
        if now != before:
            anybody.do('key', 'test', 'v.img', '--passphrase-file', anybody.phrase)
            break
        assert done.returncode != OK
        number += 1 + number // 4
    assert now != before
    if not yes:
        assert [each.name for each in anybody.home.glob('*v.img*')] == ['v.img']


def test_a_new_volume_goes_where_the_link_leads(anybody):
    (anybody.home / 'far').mkdir()
    volume = anybody.create('far/v.img')
    (anybody.home / 'v.img').symlink_to(volume)
    before = volume.read_bytes()
    anybody.create('v.img', '--yes')
    assert (anybody.home / 'v.img').is_symlink()
    assert volume.read_bytes() != before


def test_what_a_killed_create_left_mounted_is_cleared_away(keep):
    slow = keep.file('mkfs.ext4', b'#!/bin/sh\necho $$ > mkfs.pid; exec /bin/sleep 60\n')
    slow.chmod(0o755)
    words = ['create', 'v.img', '--size', '24M', '--passphrase-file', keep.phrase, *CHEAP]
    making = subprocess.Popen([*keep.prefix, keep.program, *words], cwd=keep.home,
                              env={**keep.environment, 'PATH': f'{keep.home}:{os.environ["PATH"]}'})
    pid = keep.home / 'mkfs.pid'
    wait_for(lambda: making.poll() is not None or pid.exists() and pid.read_text(), 'mkfs.ext4')
    assert making.poll() is None
    making.kill()
    making.wait()
    os.kill(int(pid.read_text()), signal.SIGKILL)
    assert not (keep.home / 'v.img').exists()
    folder = pathlib.Path('/run/keepgate' if keep.user == 'root' else
                          keep.home / 'runtime' / 'keepgate')

    def dead_ones():
        return {name for name in os.listdir(folder)
                if name.startswith('make-') and b'not connected' in keep.execute('ls', folder / name).stderr}

    dead = wait_for(dead_ones, 'what it left')
    slow.unlink()
    keep.create()
    assert not dead & set(os.listdir(folder))


def test_who_passes_by_a_volume_in_the_making_does_not_spoil_it(keep):
    """As another 'keep create' does, which looks for what a killed one has left."""
    real = shutil.which('mkfs.ext4', path='/usr/sbin:/sbin')
    looking = keep.file('mkfs.ext4', b'#!/bin/sh\nfor image; do :; done; (exec <"$image"; sleep 0.5) & exec %s "$@"\n' % real.encode())
    looking.chmod(0o755)
    keep.environment['PATH'] = f'{keep.home}:{os.environ["PATH"]}'
    keep.create()


def test_a_create_that_fails_leaves_nothing(anybody):
    before = sorted(os.listdir(anybody.home))
    anybody.refuse(FAILED, 'create', 'v.img', '--passphrase-file', 'nowhere', *CHEAP)
    anybody.refuse(FAILED, 'create', 'v.img', '--size', '1000T', '--passphrase-file',
                   anybody.phrase, *CHEAP)
    assert sorted(os.listdir(anybody.home)) == before


def test_a_generated_passphrase_opens(anybody):
    said = anybody.do('create', 'v.img', '--size', '24M', '--generate-passphrase', *CHEAP)
    phrase = said.splitlines()[-1]
    assert len(phrase.replace('-', '')) * 5 >= 128
    again = anybody.do('create', 'w.img', '--size', '24M', '--generate-passphrase', *CHEAP)
    assert again.splitlines()[-1] != phrase
    anybody.do('open', 'v.img', 'm', '--passphrase-file', '-', given=phrase.encode())


def test_a_key_file_counts_every_byte(anybody):
    key = anybody.file('key', b'xx' + bytes(range(64)) + b'\nrest')
    part = ['--key-file', key, '--key-file-offset', '2', '--key-file-size', '65']
    anybody.do('create', 'v.img', '--size', '24M', *part, *CHEAP)
    anybody.do('open', 'v.img', 'm', '--key-file', '-', given=bytes(range(64)) + b'\n')
    anybody.close()
    anybody.refuse(3, 'open', 'v.img', 'm', '--key-file', '-', given=bytes(range(64)))
    anybody.do('open', 'v.img', 'm', *part)


@pytest.mark.parametrize('sector_size', ['512', '4096'])
def test_many_hands_at_once_leave_what_a_plain_file_holds(anybody, sector_size):
    """Random ranges, aligned or not, from several threads, each in a stripe of its own."""
    size, threads, rounds = 4 << 20, 4, 120
    anybody.create('v.img', '--sector-size', sector_size, '--fs', 'none')
    raw = anybody.open('v.img', 'r', '--raw') / 'volume'
    mirror = bytearray(size)
    failures = []

    def work(number):
        chance = random.Random(number)
        fd = os.open(raw, os.O_RDWR)
        stripe = size // threads
        try:
            for _ in range(rounds):
                at = number * stripe + chance.randrange(stripe)
                most = min((number + 1) * stripe - at, chance.choice([100, 5000, 300_000]))
                data = chance.randbytes(chance.randrange(most + 1))
                os.pwrite(fd, data, at)
                mirror[at:at + len(data)] = data
                if os.pread(fd, len(data), at) != data:
                    failures.append((number, at, len(data)))
        finally:
            os.close(fd)

    fd = os.open(raw, os.O_RDWR)
    os.pwrite(fd, bytes(size), 0)
    workers = [threading.Thread(target=work, args=(i,)) for i in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures == []
    os.close(fd)
    anybody.close('r')
    anybody.open('v.img', 'r', '--raw')
    assert raw.read_bytes()[:size] == mirror


def test_the_end_of_the_raw_file_is_an_end(anybody):
    anybody.create('v.img', '--fs', 'none')
    raw = anybody.open('v.img', 'r', '--raw') / 'volume'
    size = raw.stat().st_size
    fd = os.open(raw, os.O_RDWR)
    assert os.pwrite(fd, b'12345', size - 5) == 5
    assert os.pread(fd, 100, size - 5) == b'12345'
    with pytest.raises(OSError):
        os.pwrite(fd, b'x', size)
    with pytest.raises(OSError):
        os.truncate(raw, 0)
    os.close(fd)
    assert raw.stat().st_size == size


@pytest.fixture
def block_device(anybody):
    """A loop device that stands for a disk."""
    if os.getuid() != 0:
        pytest.skip('only root can make a block device to try')
    disk = anybody.file('disk', b'')
    with open(disk, 'r+b') as file:
        file.truncate(32 << 20)
    made = subprocess.run(['losetup', '--find', '--show', disk], capture_output=True, text=True)
    if made.returncode != 0:
        pytest.skip(f'no loop device for a block device to try: {made.stderr.strip()}')
    yield made.stdout.strip()
    anybody.run('close', made.stdout.strip())
    subprocess.run(['losetup', '--detach', made.stdout.strip()], check=True)


def test_a_block_device(anybody, block_device):
    subprocess.run(['mkfs.ext4', '-q', block_device], check=True)
    create = ['create', block_device, '--passphrase-file', anybody.phrase, *CHEAP]
    assert 'ext4' in anybody.refuse(USAGE, *create)
    anybody.do(*create, '--yes')
    assert 'LUKS' in anybody.refuse(USAGE, *create)
    mounted = anybody.open(block_device)
    anybody.write(mounted / 'note', MARK)
    assert 'already open' in anybody.refuse(BUSY, 'open', block_device, '--passphrase-file',
                                            anybody.phrase)
    anybody.close(block_device)
    anybody.open(block_device)
    assert anybody.read(mounted / 'note') == MARK
    anybody.close(mounted)
    assert MARK not in pathlib.Path(block_device).read_bytes()


def test_a_file_and_a_loop_device_over_it_are_one(anybody, block_device):
    """Two writers of one volume destroy it, whatever names they know it by."""
    create = ['--passphrase-file', anybody.phrase, *CHEAP]
    opening = ['--passphrase-file', anybody.phrase]
    anybody.do('create', block_device, *create)
    assert block_device in anybody.refuse(BUSY, 'open', 'disk', *opening)
    assert block_device in anybody.refuse(BUSY, 'create', 'disk', *create, '--yes')
    os.link(anybody.home / 'disk', anybody.home / 'hard')
    assert block_device in anybody.refuse(BUSY, 'open', 'hard', *opening)
    holder = os.open(anybody.home / 'disk', os.O_RDWR)
    fcntl.flock(holder, fcntl.LOCK_EX)
    assert 'behind it' in anybody.refuse(BUSY, 'open', block_device, *opening)
    assert 'behind it' in anybody.refuse(BUSY, 'create', block_device, *create, '--yes')
    os.close(holder)
    anybody.open(block_device)


def test_a_mounted_disk_is_not_overwritten(anybody, block_device):
    subprocess.run(['mkfs.ext4', '-q', block_device], check=True)
    place = anybody.home / 'place'
    place.mkdir()
    subprocess.run(['mount', block_device, place], check=True)
    try:
        create = ['--passphrase-file', anybody.phrase, *CHEAP, '--yes']
        anybody.refuse(BUSY, 'create', block_device, *create)
        anybody.refuse(BUSY, 'create', 'disk', *create)
    finally:
        subprocess.run(['umount', place], check=True)
    subprocess.run(['e2fsck', '-fn', block_device], check=True)


def test_a_block_device_whose_create_fails_holds_no_volume(anybody, block_device):
    create = ['create', block_device, '--passphrase-file', anybody.phrase, *CHEAP]
    anybody.do(*create)
    broken = anybody.file('mkfs.ext4', b'#!/bin/sh\necho out of ink >&2; exit 1\n')
    broken.chmod(0o755)
    anybody.environment['PATH'] = str(anybody.home)
    assert 'out of ink' in anybody.refuse(FAILED, *create, '--yes')
    anybody.environment['PATH'] = os.environ['PATH']
    anybody.refuse(FOREIGN, 'open', block_device, 'm', '--passphrase-file', anybody.phrase)


def test_blocks_of_1_kib_in_large_sectors(keep):
    keep.create('v.img', '--fs', 'none')
    keep.do('open', 'v.img', 'm', '--raw', '--passphrase-file', keep.phrase)
    done = keep.execute(shutil.which('mkfs.ext4', path='/usr/sbin:/sbin'), '-q', '-F', '-b', '1024', '-E',
                        'root_owner', keep.home / 'm/volume')
    assert done.returncode == 0, done.stderr
    keep.close()
    keep.open()
    keep.write(keep.home / 'm/file', b'content')
    assert keep.read(keep.home / 'm/file') == b'content'
    keep.close()


def test_a_fuse2fs_that_fails_at_its_end_is_told_of(keep_program):
    from keep_runner import keep_as
    with keep_as(keep_program, 'user') as user:
        user.create('v.img')
        folder = user.home / 'bin'
        folder.mkdir()
        (folder / 'fuse2fs').write_text(f'#!/bin/sh\n{shutil.which("fuse2fs")} "$@"\nexit 3\n')
        for path in (folder, folder / 'fuse2fs'):
            path.chmod(0o755)
        user.environment['PATH'] = f'{folder}:{os.environ["PATH"]}'
        user.open()
        assert 'fuse2fs ended with status 3' in user.refuse(FAILED, 'close', 'm')
        assert user.status() == []
