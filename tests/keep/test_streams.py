"""Standard streams that are closed, full, or listened to by nobody: no volume pays for it."""
import json

import pytest
from keep_runner import CHEAP, FAILED, OK

MARK = b'a line that is worth keeping'


def shell(keep, line):
    return keep.execute('sh', '-c', line, 'sh', keep.program, keep.phrase)


@pytest.mark.parametrize('closed', ['0<&-', '1>&-', '2>&-', '0<&- 1>&- 2>&-', '0<&- 1>&-', '1>/dev/full'])
def test_a_closed_stream_is_no_place_for_a_volume(keep, closed):
    volume = keep.create()
    header = volume.read_bytes()[:1 << 20]
    assert shell(keep, f'"$1" open v.img m --passphrase-file "$2" {closed}').returncode == OK
    assert [each['state'] for each in keep.status()] == ['open']
    keep.write(keep.home / 'm' / 'note', MARK)
    keep.close()
    assert volume.read_bytes()[:1 << 20] == header
    keep.open()
    assert keep.read(keep.home / 'm' / 'note') == MARK


@pytest.mark.parametrize('closed', ['0<&-', '1>&-', '2>&-', '0<&- 1>&- 2>&-'])
def test_a_volume_is_made_sound_with_closed_streams(anybody, closed):
    words = ' '.join(CHEAP)
    shell(anybody, f'"$1" create v.img --size 24M --passphrase-file "$2" {words} {closed}')
    anybody.open()


def test_the_daemon_outlives_whoever_listened(keep):
    keep.create()
    shell(keep, '{ sleep 0.2; "$1" open v.img m --passphrase-file "$2"; } | true')
    assert [each['state'] for each in keep.status()] == ['open']
    keep.write(keep.home / 'm' / 'note', MARK)
    keep.close()


@pytest.mark.parametrize('full', ['>/dev/full', '>&-'])
@pytest.mark.parametrize('command', ['key change', 'key add', 'create --yes'])
def test_a_passphrase_that_nobody_saw_locks_nobody_out(anybody, command, full):
    volume = anybody.create()
    phrase = '' if command.startswith('create') else '--passphrase-file "$2"'
    done = shell(anybody, f'"$1" {command} v.img --generate-passphrase {phrase} {" ".join(CHEAP)} {full}')
    assert done.returncode == FAILED
    assert b'could not be shown' in done.stderr
    anybody.do('key', 'test', volume, '--passphrase-file', anybody.phrase)
    assert len(json.loads(anybody.do('key', 'list', '--json', volume))) == 1
    assert [each.name for each in anybody.home.glob('*v.img*')] == ['v.img']
