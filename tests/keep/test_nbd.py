"""An open volume on a socket, for the clients of NBD that people have."""
import json
import os
import shutil
import socket
import struct
import subprocess
import threading

import pytest
from keep_runner import BUSY, FAILED, USAGE, wait_for_end
from test_volume import A_FEW_BLOCKS

FS = ['--fs', 'none']


def needs(*programs):
    for each in programs:
        if not shutil.which(each):
            pytest.skip(f'{each} is not installed')


class Served:
    """A volume on a socket, and the URI of that."""

    def __init__(self, keep, *more):
        self.keep = keep
        keep.create('v.img', *FS)
        self.open(*more)

    def open(self, *more):
        self.keep.do('open', 'v.img', '--nbd', 's', '--passphrase-file', self.keep.phrase, *more)
        self.socket = self.keep.home / 's'
        self.uri = f'nbd+unix:///?socket={self.socket}'

    def close(self):
        self.keep.do('close', 'v.img')

    def client(self, *words):
        """As the user whose volume it is; what it says."""
        done = self.keep.execute(*words)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def info(self):
        return json.loads(self.client('nbdinfo', '--json', self.uri))['exports'][0]


@pytest.fixture
def served(keep):
    needs('nbdinfo', 'nbdcopy', 'qemu-io', 'qemu-img')
    return Served(keep)


def test_nbdinfo_sees_what_it_is(served):
    info = served.info()
    assert info['export-size'] == 8 << 20
    assert info['can_multi_conn'] and info['can_fua'] and info['can_flush'] and info['can_zero'] and info['can_df']
    assert not info['is_read_only'] and not info['can_trim']
    assert (info['block_size_minimum'], info['block_size_preferred']) == (1, 4096)
    assert [e['export-name'] for e in json.loads(
        served.client('nbdinfo', '--list', '--json', served.uri))['exports']] == ['']
    assert served.keep.status()[0]['content'] == 'nbd'
    assert served.socket.stat().st_mode & 0o777 == 0o600


def test_what_clients_write_others_read_and_cat_too(served):
    data = os.urandom(8 << 20)
    file = served.keep.file('data', data)
    served.client('nbdcopy', '--connections=4', file, served.uri)
    served.client('nbdcopy', '--connections=3', '--request-size=65536', served.uri, 'copy')
    assert (served.keep.home / 'copy').read_bytes() == data
    served.client('qemu-img', 'convert', '-f', 'raw', '-O', 'raw', served.uri, 'other')
    assert (served.keep.home / 'other').read_bytes() == data
    served.close()
    assert not served.socket.exists()
    shown = served.keep.run('cat', 'v.img', '--passphrase-file', served.keep.phrase)
    assert shown.stdout == data


def test_pieces_of_any_length(served):
    served.client('qemu-io', '-f', 'raw', '-c', 'write -P 1 0 8M', '-c', 'write -P 2 1000 7', '-c', 'write -P 3 4095 2',
                  '-c', 'write -f -P 4 300000 700001', '-c', 'write -z 2000000 300001', '-c', 'flush', served.uri)
    want = bytearray(b'\1' * (8 << 20))
    for byte, at, length in ((2, 1000, 7), (3, 4095, 2), (4, 300000, 700001), (0, 2000000, 300001)):
        want[at:at + length] = bytes([byte]) * length
    served.close()
    shown = served.keep.run('cat', 'v.img', '--passphrase-file', served.keep.phrase)
    assert shown.stdout == want


def test_read_only_and_discards(keep):
    needs('nbdinfo', 'qemu-io')
    served = Served(keep, '--read-only')
    assert served.info()['is_read_only']
    served.close()
    served.open('--allow-discard')
    assert served.info()['can_trim']
    served.client('qemu-io', '-f', 'raw', '-c', 'write -P 1 0 4M', '-c', 'flush', served.uri)
    before = (keep.home / 'v.img').stat().st_blocks * 512
    served.client('qemu-io', '-f', 'raw', '-d', 'unmap', '-c', 'discard 1M 2M', served.uri)
    assert (keep.home / 'v.img').stat().st_blocks * 512 <= before - (2 << 20) + A_FEW_BLOCKS
    served.close()


class Raw:
    """A client of our own, for what no good client says."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(str(path))

    def take(self, length):
        got = b''
        while len(got) < length and (more := self.socket.recv(length - len(got))):
            got += more
        return got

    def go(self):
        """The old way in, without structured replies; the size of the export."""
        assert self.take(18) == b'NBDMAGICIHAVEOPT\0\3'
        self.socket.sendall(struct.pack('>I8sII', 3, b'IHAVEOPT', 1, 0))
        return struct.unpack('>QH', self.take(10))[0]

    def ask(self, command, offset, length, data=b''):
        self.socket.sendall(struct.pack('>IHH8sQI', 0x25609513, 0, command, b'cookie!!', offset, length) + data)
        magic, error, cookie = struct.unpack('>II8s', self.take(16))
        assert (magic, cookie) == (0x67446698, b'cookie!!')
        return error



def test_strangers_are_sent_away_and_others_stay(anybody):
    served = Served(anybody)
    good = Raw(served.socket)
    assert good.go() == 8 << 20
    for words in (b'GET / HTTP/1.1\r\n\r\n', b'\xff' * 64, b'', struct.pack('>I8sII', 3, b'IHAVEOPT', 7, 1 << 30)):
        bad = Raw(served.socket)
        bad.take(18)
        bad.socket.sendall(words)
        bad.socket.shutdown(socket.SHUT_WR)
        assert bad.take(1) == b''
    assert good.ask(1, 100, 5, b'hello') == 0
    assert good.ask(0, 100, 5) == 0
    assert good.take(5) == b'hello'
    assert good.ask(0, 8 << 20, 1) == 22
    assert good.ask(1, (8 << 20) - 1, 2, b'xx') == 28
    assert good.ask(0, 1 << 63, 1) == 22
    assert good.ask(77, 0, 0) == 22
    assert good.ask(0, 0, 1 << 20) == 0  # in pieces that the client does not see
    assert len(good.take(1 << 20)) == 1 << 20
    good.socket.sendall(struct.pack('>IHH8sQI', 0x25609513, 0, 2, b'cookie!!', 0, 0))
    assert good.take(1) == b''
    served.close()


def test_what_is_in_use_stays_open(anybody):
    served = Served(anybody)
    client = Raw(served.socket)
    client.go()
    assert 'in use' in anybody.refuse(BUSY, 'close', 'v.img')
    assert client.ask(3, 0, 0) == 0
    threading.Timer(0.3, client.socket.shutdown, [socket.SHUT_RDWR]).start()
    anybody.close('s')  # which waits for who is just leaving
    assert anybody.status() == []


def test_a_dead_server_leaves_nothing_in_the_way(anybody):
    served = Served(anybody)
    pid = anybody.status()[0]['process']
    subprocess.run([*anybody.prefix, 'kill', '-9', str(pid)], check=True)
    wait_for_end(pid)
    done = anybody.run('open', 'v.img', '--nbd', 's', '--passphrase-file', anybody.phrase)
    assert done.returncode == 0, done.stderr
    served.close()
    assert not served.socket.exists()


def test_what_does_not_go_together(anybody):
    anybody.create('v.img', *FS)
    key = ['--passphrase-file', anybody.phrase]
    assert 'leave out --raw' in anybody.refuse(USAGE, 'open', 'v.img', '--nbd', 's', '--raw', *key)
    assert 'leave out the mount point' in anybody.refuse(USAGE, 'open', 'v.img', 'm', '--nbd', 's', *key)
    taken = anybody.file('taken', b'data')
    assert 'there already' in anybody.refuse(BUSY, 'open', 'v.img', '--nbd', taken, *key)
    assert taken.read_bytes() == b'data'
    anybody.refuse(FAILED, 'open', 'v.img', '--nbd', 'no/such/folder/s', *key)
    anybody.refuse(7, 'open', 'v.img', '--nbd', 'n' * 120, *key)
