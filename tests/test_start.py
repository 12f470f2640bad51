"""The story of `make start`, with ports of its own: told to its end, twice; interrupted; refused."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.request

import pytest

PATIENCE_S = 400


class Stage:
    """Where the story plays: its ports, and a temporary folder that must be empty afterwards."""

    def __init__(self, source, folder, free_port):
        self.port, self.front, self.back = free_port(), free_port(), free_port()
        self.folder = folder
        self.command = ['/usr/bin/python3', source / 'examples/start', '--port', str(self.port),
                        '--frontend-port', str(self.front), '--backend-port', str(self.back)]
        self.environment = {**os.environ, 'TMPDIR': str(folder)}

    def start(self, *words):
        return subprocess.Popen([*self.command, *words], env=self.environment, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT)

    def tell(self, *words):
        with self.start(*words) as process:
            return process.communicate(timeout=PATIENCE_S)[0], process.returncode

    def assert_left_clean(self):
        with open('/proc/self/mounts', encoding='utf-8') as mounts:
            assert str(self.folder) not in mounts.read()
        assert list(self.folder.iterdir()) == []
        for port in (self.port, self.front, self.back):
            with socket.socket() as s:
                assert s.connect_ex(('127.0.0.1', port)) != 0, f'port {port} still answers'
        end = time.monotonic() + PATIENCE_S
        while left := self.running():  # a daemon has let go of everything before it is gone
            assert time.monotonic() < end, left
            time.sleep(0.05)

    def running(self):
        told = subprocess.run(['ps', '-eo', 'args'], capture_output=True, text=True, check=True).stdout
        return [line for line in told.splitlines() if str(self.folder) in line]


@pytest.fixture
def stage(source, tmp_path, free_port, keep_program, gate_program):
    del keep_program, gate_program
    stage = Stage(source, tmp_path, free_port)
    yield stage
    stage.assert_left_clean()


def test_the_story_ends_well_twice(stage):
    for _ in range(2):
        told, status = stage.tell('--once')
        assert status == 0, told
        for command in ('keep create', 'keep open', 'grep -c', 'gate -p', 'keep close'):
            assert f'$ {command}' in told or f'| {command}' in told, told
        assert re.search(r'volume\.img:0\b', told), told
        stage.assert_left_clean()


def until_it_stays(process):
    lines = []
    for line in process.stdout:
        lines.append(line)
        if 'until Ctrl-C' in line:
            return
    pytest.fail(''.join(lines))


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_it_stays_until_told_to_end(stage, number):
    with stage.start() as process:
        until_it_stays(process)
        url = f'http://127.0.0.1:{stage.port}/api/greeting?name=test'
        with urllib.request.urlopen(url, timeout=10) as answer:
            assert json.load(answer)['path'] == '/api/greeting?name=test'
        process.send_signal(number)
        rest = process.communicate(timeout=PATIENCE_S)[0]
        assert process.returncode == 0, rest


def test_a_browser_shows_the_answer(stage, tmp_path_factory):
    chromium = shutil.which('chromium')
    if not chromium:
        pytest.skip('no chromium here')
    with stage.start() as process:
        until_it_stays(process)
        try:
            seen = subprocess.run(
                [chromium, '--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
                 f'--user-data-dir={tmp_path_factory.mktemp("browser")}', '--enable-logging=stderr',
                 '--virtual-time-budget=10000', '--dump-dom', f'http://localhost:{stage.port}/'],
                capture_output=True, text=True, timeout=PATIENCE_S, check=True)
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=PATIENCE_S)
    assert f'Hello, browser: the back end on port {stage.back} answers you.' in seen.stdout
    assert 'CONSOLE' not in seen.stderr, seen.stderr


def test_a_taken_port_is_named_before_anything_starts(stage):
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', stage.back))
        taken.listen()
        told, status = stage.tell('--once')
    assert status == 2
    assert f'port {stage.back} is taken' in told and '--backend-port' in told
    assert '$ keep' not in told


def test_a_server_that_dies_ends_the_story(stage):
    with stage.start() as process:
        until_it_stays(process)
        told = subprocess.run(['ps', '-eo', 'pid,args'], capture_output=True, text=True,
                              check=True).stdout
        (pid,) = re.findall(rf'^\s*(\d+) .*backend\.py {stage.back}$', told, re.M)
        os.kill(int(pid), signal.SIGKILL)
        rest = process.communicate(timeout=PATIENCE_S)[0]
    assert process.returncode == 1
    assert 'backend ended by itself' in rest
