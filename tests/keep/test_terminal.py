"""What keep asks and shows on a terminal."""
import os
import pty
import select
import time

import pytest
from keep_runner import CHEAP, DENIED, FAILED, OK, USAGE

PHRASE = b'typed by hand'
SECONDS = 60


class Terminal:
    """A program with a terminal of its own."""

    def __init__(self, *words, cwd, environment):
        self.seen = b''
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            os.execve(words[0], [str(word) for word in words], environment)

    def expect(self, text):
        """Reads until the text has come."""
        end = time.monotonic() + SECONDS
        while text not in self.seen:
            assert time.monotonic() < end, self.seen
            if select.select([self.fd], [], [], 1)[0]:
                self.seen += os.read(self.fd, 4096)
        self.seen = self.seen.split(text, 1)[1]

    def type(self, text):
        os.write(self.fd, text + b'\n')

    def end(self):
        """Its status, and all that it has still said."""
        said = self.seen
        while True:
            try:
                piece = os.read(self.fd, 4096)
            except OSError:
                break
            if not piece:
                break
            said += piece
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1]), said


@pytest.fixture
def at_terminal(anybody):
    if anybody.prefix:
        pytest.skip('a terminal is given to whoever runs the tests')
    return lambda *words: Terminal(anybody.program, *words, cwd=anybody.home,
                                   environment=anybody.environment)


def create(at_terminal, *answers):
    terminal = at_terminal('create', 'v.img', '--size', '24M', *CHEAP)
    for answer in answers:
        terminal.expect(b': ')
        terminal.type(answer)
    return terminal.end()


def test_a_passphrase_is_asked_for_twice_and_not_shown(anybody, at_terminal):
    status, said = create(at_terminal, PHRASE, PHRASE)
    assert status == OK
    assert PHRASE not in said and b'a new volume' in said
    anybody.do('open', 'v.img', 'm', '--passphrase-file', '-', given=PHRASE)


def test_the_daemon_outlives_the_terminal(anybody, at_terminal):
    create(at_terminal, PHRASE, PHRASE)
    terminal = at_terminal('open', 'v.img', 'm')
    terminal.expect(b'v.img: ')
    terminal.type(PHRASE)
    status, said = terminal.end()
    assert status == OK and PHRASE not in said and b'open at' in said
    time.sleep(0.2)
    assert anybody.status()[0]['state'] == 'open'
    anybody.write(anybody.home / 'm' / 'note', b'still here')
    anybody.close()


def test_a_wrong_answer(anybody, at_terminal):
    create(at_terminal, PHRASE, PHRASE)
    terminal = at_terminal('open', 'v.img', 'm')
    terminal.expect(b'v.img: ')
    terminal.type(b'something else')
    assert terminal.end()[0] == DENIED


@pytest.mark.parametrize('answer, status', [(b'n', USAGE), (b'', USAGE), (b'y', OK)])
def test_data_are_lost_after_a_yes_alone(anybody, at_terminal, answer, status):
    volume = anybody.create()
    before = volume.read_bytes()
    terminal = at_terminal('create', 'v.img', '--size', '24M', '--passphrase-file',
                           anybody.phrase, *CHEAP)
    terminal.expect(b'[y/N] ')
    terminal.type(answer)
    assert terminal.end()[0] == status
    assert (volume.read_bytes() == before) == (status != OK)


def test_ctrl_c_at_the_prompt_leaves_nothing(anybody, at_terminal):
    create(at_terminal, PHRASE, PHRASE)
    terminal = at_terminal('open', 'v.img', 'm')
    terminal.expect(b'v.img: ')
    os.write(terminal.fd, b'\x03')
    assert terminal.end()[0] != OK
    assert anybody.status() == []
    anybody.do('open', 'v.img', 'm', '--passphrase-file', '-', given=PHRASE)


def test_a_new_passphrase_is_asked_for_twice(anybody, at_terminal):
    anybody.create()
    terminal = at_terminal('key', 'change', 'v.img', *CHEAP)
    for prompt, answer in ((b'Passphrase for v.img: ', b'correct horse'),
                           (b'New passphrase for v.img: ', PHRASE), (b'Again: ', PHRASE)):
        terminal.expect(prompt)
        terminal.type(answer)
    status, said = terminal.end()
    assert status == OK and PHRASE not in said and b'correct horse' not in said
    anybody.do('key', 'test', 'v.img', '--passphrase-file', '-', given=PHRASE)
    anybody.refuse(DENIED, 'key', 'test', 'v.img', '--passphrase-file', anybody.phrase)


@pytest.mark.parametrize('answer, status', [(b'n', USAGE), (b'y', OK)])
def test_shred_asks_first(anybody, at_terminal, answer, status):
    volume = anybody.create()
    before = volume.read_bytes()
    terminal = at_terminal('shred', 'v.img')
    terminal.expect(b'lost for good')
    terminal.expect(b'[y/N] ')
    terminal.type(answer)
    assert terminal.end()[0] == status
    assert (volume.read_bytes() == before) == (status != OK)


def test_encrypt_shows_how_far_it_is_and_stops_at_ctrl_c(anybody, at_terminal):
    plain = os.urandom(48 << 20)
    anybody.file('p.img', plain)
    terminal = at_terminal('encrypt', 'p.img', '--hotzone-size', '4K', *CHEAP)
    for _ in range(2):
        terminal.expect(b': ')
        terminal.type(PHRASE)
    terminal.expect(b'/s')
    terminal.expect(b'left')
    os.write(terminal.fd, b'\x03')
    status, said = terminal.end()
    assert status == FAILED and b'interrupted at' in said and b"'keep encrypt' continues" in said
    assert 'encrypted' in anybody.do('encrypt', 'p.img', '--hotzone-size', '8M', '--passphrase-file', '-', given=PHRASE)
    assert anybody.run('cat', 'p.img', '--passphrase-file', '-', given=PHRASE).stdout == plain


def test_reencrypt_asks_for_each_key_slot(anybody, at_terminal):
    anybody.create()
    bob, eve = anybody.file('bob', b'bob'), anybody.file('eve', b'eve')
    for who in (bob, eve):
        anybody.do('key', 'add', 'v.img', '--name', who.name, '--passphrase-file', anybody.phrase,
                   '--new-passphrase-file', who, *CHEAP)
    terminal = at_terminal('reencrypt', 'v.img')
    terminal.expect(b': ')
    terminal.type(b'correct horse')
    terminal.expect(b'key slot 1 (bob)')
    terminal.expect(b': ')
    terminal.type(b'no, alice')
    terminal.expect(b'opens none')
    terminal.expect(b': ')
    terminal.type(b'bob')
    terminal.expect(b'key slot 2 (eve)')
    terminal.expect(b': ')
    terminal.type(b'')
    terminal.expect(b'[y/N]')
    terminal.type(b'y')
    status, said = terminal.end()
    assert status == OK, said
    anybody.do('key', 'test', 'v.img', '--passphrase-file', bob)
    anybody.refuse(DENIED, 'key', 'test', 'v.img', '--passphrase-file', eve)
