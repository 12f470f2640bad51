"""LUKS2 headers beside cryptsetup, and every LUKS2 header and volume of the corpus."""
import json
import lzma
import os
import pathlib
import pty
import re
import shutil
import signal
import subprocess
import time

import pytest

from places import BUILD, CORPUS

DENIED, UNSUPPORTED, TRUNCATED = 6, 7, 12  # of enum rc
CIPHERS = ('aes-xts-plain64', 'aes-xts-plain', 'aes-cbc-plain64', 'aes-cbc-plain',
           'aes-cbc-essiv:sha256', 'serpent-xts-plain64', 'twofish-xts-plain64')


def cases():
    """The LUKS2 cases of the corpus; one that says why where there is none."""
    path = CORPUS / 'MANIFEST.json'
    if not path.exists():
        return [pytest.param(None, id='corpus', marks=pytest.mark.skip(
            reason=f'no corpus of foreign images in {CORPUS}'))]
    return [pytest.param(case, id=case['id'])
            for case in json.loads(path.read_text(encoding='utf-8')) if case['format'] == 'luks2']


@pytest.fixture(scope='session')
def tool():
    path = BUILD / 'src' / 'vault' / 'vault_tool'
    if not path.exists():
        pytest.fail(f'{path} is not there: build all of the tree first')

    def run(*words, **options):
        return subprocess.run([path, *map(str, words)], capture_output=True, text=True, timeout=120,
                              **options)
    run.path = path
    return run


@pytest.fixture(scope='session')
def cryptsetup():
    path = shutil.which('cryptsetup') or shutil.which('cryptsetup', path='/usr/sbin:/sbin')
    if not path:
        pytest.skip('no cryptsetup (apt-get install cryptsetup-bin)')

    def run(*words, **options):
        return subprocess.run([path, '--batch-mode', *map(str, words)], capture_output=True, text=True,
                              timeout=120, **options)
    return run


def unpack(name, into):
    path = into / pathlib.Path(name).stem
    with lzma.open(CORPUS / name) as packed, open(path, 'wb') as plain:
        shutil.copyfileobj(packed, plain, 1 << 20)
    return path


def ours(header):
    """Is this one of the ciphers that are served, without integrity? By the words of the header."""
    text = header.read_bytes()[:8 << 20]
    segment = re.search(rb'"segments":\{"0":\{[^}]*"encryption":"([^"]*)"', text)
    return (segment and segment[1].decode() in (*CIPHERS, 'xchacha12,aes-adiantum-plain64')
            and b'"integrity":{' not in text)


@pytest.mark.parametrize('case', cases())
def test_corpus(tool, tmp_path, case):
    image = unpack(case['file'], tmp_path)
    header = unpack(case['header_file'], tmp_path) if 'header_file' in case else image
    if case['check'] == 'header':
        result = tool('read', header)
        assert result.returncode >= 0, 'died of a signal'
        assert (result.returncode == 0) == (case['expect'] == 'opens'), result.stderr
        return
    phrase = tmp_path / 'phrase'
    phrase.write_bytes(case['passphrase'].encode())
    result = tool('unlock', header, image, phrase, -1)
    if case['expect'] == 'rejected':
        assert result.returncode > 0 and result.stderr
    elif ours(header):
        assert result.returncode == 0, result.stderr
        assert f'size {case["plaintext_size"]} sha256 {case["plaintext_sha256"]}' in result.stdout
    else:
        assert result.returncode == UNSUPPORTED
        assert 'not known here' in result.stderr
    for wrong in [*case.get('unbound_passphrases', {}).values(), 'not ' + case['passphrase']]:
        phrase.write_bytes(wrong.encode())
        result = tool('unlock', header, image, phrase, -1)
        assert result.returncode in (DENIED, UNSUPPORTED) or case['expect'] == 'rejected'
    for slot, right in case.get('other_passphrases', {}).items():
        phrase.write_bytes(right.encode())
        assert f'slot {slot} ' in tool('unlock', header, image, phrase, -1).stdout


@pytest.mark.parametrize('kdf', ['argon2id', 'argon2i', 'pbkdf2'])
@pytest.mark.parametrize('sector', [512, 1024, 2048, 4096])
def test_cryptsetup_opens_ours(tool, cryptsetup, tmp_path, kdf, sector):
    image, phrase, second = tmp_path / 'v.img', tmp_path / 'phrase', tmp_path / 'second'
    phrase.write_text('correct horse\n')
    second.write_text('battery staple')
    with open(image, 'wb') as f:
        f.truncate(20 << 20)
    assert tool('create', image, phrase, kdf, sector, 'cheap').returncode == 0
    assert tool('add', image, phrase, second, 5).stdout == 'slot 5\n'
    dump = cryptsetup('luksDump', image)
    assert dump.returncode == 0
    for line in ('Label:         \ta label', 'Subsystem:     \ttests', 'cipher: aes-xts-plain64',
                 f'sector: {sector} [bytes]', f'PBKDF:      {kdf}', 'offset: 16777216 [bytes]'):
        assert line in dump.stdout
    for text, slot in (('correct horse', 0), ('battery staple', 5)):
        opened = cryptsetup('open', '--test-passphrase', '-v', image, '--key-file', '-', input=text)
        assert opened.returncode == 0, opened.stderr
        assert f'Key slot {slot} unlocked' in opened.stdout
    assert cryptsetup('open', '--test-passphrase', image, '--key-file', '-',
                      input='correct horse ').returncode == 2


@pytest.mark.parametrize('options', [
    ['--pbkdf', 'argon2id', '--pbkdf-memory', '1024', '--pbkdf-force-iterations', '4'],
    ['--pbkdf', 'argon2i', '--pbkdf-memory', '1024', '--pbkdf-force-iterations', '4'],
    ['--pbkdf', 'pbkdf2', '--pbkdf-force-iterations', '1000', '--hash', 'sha512'],
    ['--pbkdf', 'pbkdf2', '--pbkdf-force-iterations', '1000', '--hash', 'sha1'],
    ['--pbkdf', 'pbkdf2', '--pbkdf-force-iterations', '1000', '--key-size', '256'],
    ['--pbkdf', 'pbkdf2', '--pbkdf-force-iterations', '1000', '--cipher', 'aes-cbc-essiv:sha256',
     '--key-size', '256'],
    ['--pbkdf', 'pbkdf2', '--pbkdf-force-iterations', '1000', '--luks2-metadata-size', '512k'],
], ids=lambda options: ' '.join(options[1::2]))
@pytest.mark.parametrize('sector', [512, 4096])
def test_we_open_cryptsetups(tool, cryptsetup, tmp_path, options, sector):
    image, phrase = tmp_path / 'v.img', tmp_path / 'phrase'
    phrase.write_text('made elsewhere')
    with open(image, 'wb') as f:
        f.truncate(20 << 20)
    made = cryptsetup('luksFormat', '--type', 'luks2', '--sector-size', sector, *options, image, phrase)
    assert made.returncode == 0, made.stderr
    result = tool('unlock', image, image, phrase, -1)
    assert result.returncode == 0, result.stderr
    assert tool('read', image).stdout.split()[3] == '0', 'no repair is due'
    phrase.write_text('made elsewherE')
    assert tool('unlock', image, image, phrase, -1).returncode == DENIED
    assert tool('add', image, phrase, phrase, -1).returncode == DENIED


def test_cryptsetup_takes_a_repaired_header(tool, cryptsetup, tmp_path):
    image, phrase = tmp_path / 'v.img', tmp_path / 'phrase'
    phrase.write_text('mended')
    with open(image, 'wb') as f:
        f.truncate(20 << 20)
    assert tool('create', image, phrase, 'pbkdf2', 512, 'cheap').returncode == 0
    for offset in (0, 16384):
        with open(image, 'r+b') as f:
            f.seek(offset)
            f.write(bytes(4096))
        assert tool('read', image).stdout.split()[3] == '1', 'a repair is due'
        assert tool('repair', image).returncode == 0
        assert tool('read', image).stdout.split()[3] == '0'
        assert cryptsetup('luksDump', image).returncode == 0
        assert cryptsetup('open', '--test-passphrase', image, '--key-file', phrase).returncode == 0


def test_a_volume_that_was_cut_off(tool, tmp_path):
    image, phrase = tmp_path / 'v.img', tmp_path / 'phrase'
    phrase.write_text('long')
    with open(image, 'wb') as f:
        f.truncate(20 << 20)
    assert tool('create', image, phrase, 'pbkdf2', 512, 'cheap').returncode == 0
    for size in (16 << 20, 100_000, 20_000, 5_000):
        os.truncate(image, size)
        result = tool('unlock', image, image, phrase, -1)
        assert result.returncode == TRUNCATED, (size, result.stderr)


class Terminal:
    """A program that has a terminal of its own; what it shows is in `shown`."""

    def __init__(self, *words):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(words[0], [str(word) for word in words])
        self.shown = b''

    def wait_for(self, text):
        end = time.monotonic() + 20
        while text not in self.shown and time.monotonic() < end:
            try:
                self.shown += os.read(self.fd, 4096)
            except OSError:
                break
        assert text in self.shown, self.shown

    def type(self, text):
        os.write(self.fd, text)

    def status(self):
        while True:
            try:
                more = os.read(self.fd, 4096)
            except OSError:
                more = b''
            if not more:
                break
            self.shown += more
        status = os.waitpid(self.pid, 0)[1]
        os.close(self.fd)
        return status


def test_the_terminal_does_not_show_a_passphrase(tool):
    t = Terminal(tool.path, 'ask', 'twice')
    t.wait_for(b'Passphrase: ')
    t.type(b'first try\n')
    t.wait_for(b'Again: ')
    t.type(b'mistyped\n')
    t.shown = b''
    t.wait_for(b'Passphrase: ')
    t.type(b'p\xc3\xa4ssword\n')
    t.wait_for(b'Again: ')
    t.type(b'p\xc3\xa4ssword\n')
    assert t.status() == 0
    assert b'9 bytes' in t.shown
    assert b'try' not in t.shown and b'ssword' not in t.shown


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_gives_the_terminal_back(tool, number):
    # the shell stays, and asks its terminal afterwards
    t = Terminal('/bin/sh', '-c', f'trap : INT TERM; {tool.path} ask once; echo was $?; '
                                  'stty -a | grep -o " -\\{0,1\\}echo "; echo end')
    t.wait_for(b'Passphrase: ')
    if number == signal.SIGINT:
        t.type(b'\x03')
    else:
        child = pathlib.Path(f'/proc/{t.pid}/task/{t.pid}/children').read_text().split()
        os.kill(int(child[0]), number)
    t.wait_for(b'end')
    assert f'was {128 + number}'.encode() in t.shown
    assert b' echo' in t.shown and b'-echo' not in t.shown
    t.status()


def test_an_end_of_input_is_no_passphrase(tool):
    t = Terminal(tool.path, 'ask', 'once')
    t.wait_for(b'Passphrase: ')
    t.type(b'\x04')
    assert os.waitstatus_to_exitcode(t.status()) == 2
    assert b'no passphrase was given' in t.shown


def test_no_terminal_is_a_clear_fault(tool):
    result = tool('ask', 'once', start_new_session=True, stdin=subprocess.DEVNULL)
    assert result.returncode == 3
    assert '--passphrase-file' in result.stderr
