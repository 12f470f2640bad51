"""The shells themselves complete keep's words, with what keep prints for them."""
import os
import pty
import re
import select
import shutil
import subprocess
import time

import pytest
from test_man import COMMANDS

# The line, and what has to be offered.
CASES = [('keep cre', 'create'), ('keep key ch', 'change'), ('keep create --lab', '--label'),
         ('keep key add --nam', '--name'), ('keep convert --to luks', 'luks2'), ('keep header re', 'restore')]


def needs(shell):
    if not shutil.which(shell):
        pytest.skip(f'{shell} is not installed')


@pytest.fixture
def script(keep_program, tmp_path):
    def make(shell):
        needs(shell)
        path = tmp_path / f'keep.{shell}'
        path.write_bytes(subprocess.run([keep_program, 'completions', shell], capture_output=True, check=True).stdout)
        return path
    return make


@pytest.mark.parametrize('line, wanted', CASES)
def test_bash(script, line, wanted):
    words = line.split()
    program = (f'source {script("bash")}; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; '
               'complete -p keep >/dev/null && _keep && printf "%s\\n" "${COMPREPLY[@]}"')
    shown = subprocess.run(['bash', '--norc', '-c', program], capture_output=True, text=True, check=True).stdout
    assert wanted in shown.split()


@pytest.mark.parametrize('line, wanted', CASES)
def test_fish(script, tmp_path, line, wanted):
    shown = subprocess.run(['fish', '--no-config', '-c', f'source {script("fish")}; complete -C "{line}"'],
                           capture_output=True, text=True, check=True, env=dict(os.environ, HOME=str(tmp_path))).stdout
    assert wanted in [each.split('\t')[0] for each in shown.splitlines()]


def read_until(fd, wanted, seconds=30):
    """What a terminal shows, until it shows this."""
    shown, end = '', time.monotonic() + seconds
    while time.monotonic() < end and not re.search(wanted, shown):
        if select.select([fd], [], [], 0.2)[0]:
            try:
                shown += os.read(fd, 4096).decode(errors='replace')
            except OSError:
                break
    return shown


def test_zsh(script, tmp_path):
    """On a terminal, with the tabulator key."""
    path = script('zsh')
    child, fd = pty.fork()
    if child == 0:
        os.environ.update(TERM='dumb', HOME=str(tmp_path), PS1='READY>')
        os.execvp('zsh', ['zsh', '-f', '-i'])
    try:
        read_until(fd, 'READY>|%|#')
        os.write(fd, f'PS1="READY> "; autoload -Uz compinit; compinit -D -u; source {path}; echo LOAD""ED\n'.encode())
        assert 'LOADED' in read_until(fd, 'LOADED')
        read_until(fd, 'READY> ', 5)
        for line, wanted in CASES:
            os.write(fd, line.encode() + b'\t\t')
            assert wanted in read_until(fd, re.escape(wanted)), line
            os.write(fd, b'\x15')
            time.sleep(0.1)
    finally:
        os.close(fd)
        os.waitpid(child, 0)


@pytest.mark.parametrize('command', COMMANDS)
def test_every_option_and_value_of_every_command_is_there(keep_program, script, command):
    shown = {shell: script(shell).read_text() for shell in ('bash', 'zsh', 'fish')}
    helped = subprocess.run([keep_program, *command.split(), '--help'], capture_output=True, text=True, check=True).stdout
    bash = re.search(rf"^        '{command}'\) words='(.*)' ;;$", shown['bash'], re.M)[1].split()
    zsh = re.search(rf"^    '{command}'\) _arguments (.*?);;$", shown['zsh'], re.M | re.S)[1]
    fish = '\n'.join(line for line in shown['fish'].splitlines()
                     if all(f'__fish_seen_subcommand_from {word}' in line for word in command.split()))
    options = re.findall(r'^ .*?--([a-z0-9-]+)(?: ([a-z0-9|-]+\|[a-z0-9-]+) )?', helped, re.M)
    assert options
    for option, values in options:
        assert f'--{option}' in bash and f'--{option}[' in zsh and re.search(rf'-l {option}\b(?!-)', fish), option
        words = values.replace('|', ' ')
        assert f"'{command} --{option}') words='{words}'" in shown['bash'] or not values, option
        assert f'({words})' in zsh and f"'{words}'" in fish or not values, option
