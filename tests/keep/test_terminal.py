"""What keep asks and shows on a terminal."""
import os
import pty
import select
import time

import pytest
from keep_runner import CHEAP, DENIED, OK, USAGE

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
