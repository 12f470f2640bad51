"""keep(1) names everything that --help names, and is sound mdoc."""
import re
import shutil
import subprocess

import pytest

COMMANDS = ['create', 'open', 'close', 'status', 'cat', 'key list', 'key add', 'key change', 'key remove',
            'key test', 'header backup', 'header restore', 'header dump', 'header check', 'header repair', 'shred',
            'encrypt', 'decrypt', 'reencrypt', 'ls', 'export', 'check']
COMMANDS += ['convert', 'bench', 'completions', 'resize']


@pytest.fixture(scope='module')
def page(source):
    return source / 'man' / 'keep.1'


@pytest.mark.parametrize('command', COMMANDS)
def test_every_option_is_in_the_page(keep_program, page, command):
    text = page.read_text()
    shown = subprocess.run([keep_program, *command.split(), '--help'], capture_output=True, text=True,
                           check=True).stdout
    options = re.findall(r'--([a-z-]+)', shown)
    assert options
    section = re.search(rf'^\.Ss keep {command.split()[0]}$(.*?)(?=^\.S[sh] )', text, re.S | re.M)[1]
    shared = re.search(r'^\.Ss Passphrases and keys$(.*?)(?=^\.S[sh] )', text, re.S | re.M)[1]
    for option in options:
        assert f'Fl -{option}' in section + shared, f'--{option} is not described'


def test_every_command_is_looked_at(keep_program):
    shown = subprocess.run([keep_program, '--help'], capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r'^  ([a-z]+(?: [a-z]+)?) ', shown, re.M)) == set(COMMANDS)


def test_every_option_of_the_page_exists(keep_program, page):
    shown = ''.join(subprocess.run([keep_program, *command.split(), '--help'], capture_output=True,
                                   text=True, check=True).stdout for command in COMMANDS)
    for option in re.findall(r'Fl -([a-z-]+)', page.read_text()):
        assert f'--{option}' in shown or option == 'version', f'--{option} is no option'


def examples(page):
    """The lines of the page that show keep at work."""
    text = page.read_text()
    shown = re.findall(r'^\.Dl (.*)$', text, re.M)
    for block in re.findall(r'^\.Bd -literal.*?\n(.*?)^\.Ed', text, re.S | re.M):
        shown += block.splitlines()
    return [line.replace('\\-', '-') for line in shown if re.search(r'\bkeep ', line)]


def test_every_option_has_an_example(keep_program, page):
    lines = examples(page)
    for command in COMMANDS:
        shown = subprocess.run([keep_program, *command.split(), '--help'], capture_output=True, text=True,
                               check=True).stdout
        for option in re.findall(r'^ .*?--([a-z0-9-]+)', shown, re.M):
            assert option == 'help' or any(re.search(rf'--{option}\b(?!-)', line) for line in lines), \
                f'{command} --{option} has no example'


def test_every_example_has_options_that_are_there(keep_program, page):
    for line in examples(page):
        words = re.search(r'\bkeep (.*)', line)[1].split()
        command = next((c for c in COMMANDS if words[:len(c.split())] == c.split()), None)
        assert command, line
        shown = subprocess.run([keep_program, *command.split(), '--help'], capture_output=True, text=True,
                               check=True).stdout
        for option in re.findall(r'--([a-z0-9-]+)', line):
            assert f'--{option}' in shown, line


def test_every_exit_status_is_in_the_page(source, page):
    header = (source / 'src/keep/command/command.h').read_text()
    numbers = re.findall(r'STATUS_[A-Z]+ = (\d)', header)
    listed = re.findall(r'^\.It (\d)$', page.read_text(), re.M)
    assert listed == numbers


def test_the_page_is_sound(page):
    if not shutil.which('mandoc'):
        pytest.skip('mandoc is not installed')
    done = subprocess.run(['mandoc', '-Tlint', '-W', 'warning', page], capture_output=True, text=True)
    assert done.stdout == ''
