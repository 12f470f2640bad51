"""gate as a process: the command line, signals, the pid file, reload, and a worker that dies."""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

import pytest
from peers import PATIENCE_S, wait_for


class Gate:
    """A gate in a folder of its own, which answers with a word."""

    def __init__(self, program, folder, port):
        self.program, self.folder, self.port = program, folder, port
        self.process = None
        self.config = folder / 'gate.conf'
        self.write('first')

    def write(self, word, main='', port=None):
        self.config.write_text(
            f'error_log error.log info;\npid gate.pid;\n{main}\n'
            f'server {{ listen 127.0.0.1:{port or self.port}; location / {{ return 200 {word}; }} }}\n')

    def run(self, *words):
        return subprocess.run([self.program, '-p', self.folder, *words], capture_output=True, text=True,
                              timeout=PATIENCE_S, check=False)

    def start(self, *words):
        self.process = subprocess.Popen([self.program, '-p', self.folder, *words],
                                        stderr=(self.folder / 'stderr').open('w'))
        wait_for(lambda: self.pid_file().exists() and self.pid_file().read_text(), 'the pid file')
        return self

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(PATIENCE_S)

    def pid_file(self):
        return self.folder / 'gate.pid'

    def log(self):
        return (self.folder / 'error.log').read_text()

    def ask(self, port=None):
        with contextlib.suppress(ConnectionError, urllib.error.URLError), urllib.request.urlopen(
                f'http://127.0.0.1:{port or self.port}/', timeout=PATIENCE_S) as answer:
            return answer.read().decode()
        return None

    def workers(self):
        task = pathlib.Path(f'/proc/{self.process.pid}/task/{self.process.pid}/children')
        return [int(pid) for pid in task.read_text().split()]


@pytest.fixture
def gate(gate_program, free_port):
    with tempfile.TemporaryDirectory(prefix='gate-process-') as folder:
        os.chmod(folder, 0o755)  # the worker is nobody, and opens its logs anew by itself
        gate = Gate(gate_program, pathlib.Path(folder), free_port())
        yield gate
        gate.stop()


def test_version(gate):
    result = gate.run('-v')
    assert result.returncode == 0
    assert re.fullmatch(r'gate version: gate/\S+\n', result.stderr)
    result = gate.run('-V')
    assert 'built with OpenSSL' in result.stderr and 'configure arguments: --prefix=/etc/gate --conf-path=' in result.stderr and ' --with-' in result.stderr


def test_help_names_every_option(gate):
    result = gate.run('-h')
    assert result.returncode == 0
    for letter in '?hvVtTqspecg':
        assert f'-{letter}, ' in result.stdout


def test_every_option_is_in_its_page(gate, source):
    page = (source / 'man' / 'gate.8').read_text().replace('\\-', '-')
    for letter, name in re.findall(r'^  -(.), --([a-z-]+)', gate.run('-h').stdout, re.M):
        assert re.search(rf'^\.It .*Fl {re.escape(letter)}\b|^\.It Fl \? ', page, re.M), letter
        assert f'Fl -{name}' in page, name


@pytest.mark.parametrize('words, text', [
    (['stray'], 'invalid option: "stray"'),
    (['-s', 'jump'], 'invalid option: "-s jump"'),
    (['-x'], 'unknown option -x'),
    (['-c'], 'option -c needs a value'),
])
def test_wrong_words(gate, words, text):
    result = gate.run(*words)
    assert result.returncode == 1
    assert result.stderr.startswith('gate: ') and text in result.stderr


def test_a_good_configuration(gate):
    result = gate.run('-t')
    assert result.returncode == 0
    assert result.stderr.splitlines() == [
        f'gate: the configuration file {gate.config} syntax is ok',
        f'gate: configuration file {gate.config} test is successful']
    assert not gate.pid_file().exists()
    assert gate.run('-tq').stderr == ''


def test_the_configuration_is_shown(gate):
    result = gate.run('-T')
    assert result.returncode == 0
    assert result.stdout == f'# configuration file {gate.config}:\n{gate.config.read_text()}\n'


def test_a_bad_configuration(gate):
    gate.config.write_text('server {\n    lisen 80;\n}\n')
    result = gate.run('-t', '-e', 'early.log')
    lines = result.stderr.splitlines()
    assert result.returncode == 1
    assert lines[0] == f'gate: [emerg] unknown directive "lisen" in {gate.config}:2'
    assert 'listen' in result.stderr
    assert lines[-1] == f'gate: configuration file {gate.config} test failed'
    assert '[emerg]' in (gate.folder / 'early.log').read_text()
    result = gate.run()
    assert result.returncode == 1
    assert not gate.pid_file().exists()


def test_no_configuration(gate):
    gate.config.unlink()
    result = gate.run('-t')
    assert result.returncode == 1
    assert f'open() "{gate.config}" failed (2: No such file or directory)' in result.stderr


def test_the_test_does_not_mind_a_gate_that_runs(gate):
    gate.start()
    assert gate.run('-t').returncode == 0
    assert gate.ask() == 'first'


def test_a_port_that_is_taken(gate):
    with socket.create_server(('127.0.0.1', gate.port)):
        result = gate.run()
    assert result.returncode == 1
    said = f'gate: [emerg] bind() to 127.0.0.1:{gate.port} failed (98: Address already in use)'
    assert result.stderr.count(said) == 5
    assert result.stderr.endswith('gate: [emerg] still could not bind()\n')
    assert not gate.pid_file().exists()


@pytest.mark.parametrize('word', ['stop', 'quit'])
def test_signals_by_word(gate, word):
    gate.start()
    assert gate.pid_file().read_text() == f'{gate.process.pid}\n'
    assert gate.run('-s', word).returncode == 0
    assert gate.process.wait(PATIENCE_S) == 0
    assert not gate.pid_file().exists()
    assert gate.ask() is None


def test_nobody_to_tell(gate):
    result = gate.run('-s', 'stop')
    assert result.returncode == 1
    assert f'gate: [error] open() "{gate.pid_file()}" failed (2: No such file' in result.stderr
    gate.pid_file().write_text('x\n')
    assert f'invalid PID number "x" in "{gate.pid_file()}"' in gate.run('-s', 'stop').stderr


def test_daemon(gate):
    gate.start('-g', 'daemon on;')
    assert gate.process.wait(PATIENCE_S) == 0
    pid = int(wait_for(lambda: gate.pid_file().read_text(), 'the pid'))
    try:
        assert wait_for(gate.ask, 'an answer') == 'first'
        assert os.getsid(pid) == pid
    finally:
        gate.run('-s', 'stop')
    wait_for(lambda: not gate.pid_file().exists(), 'the end')


def test_one_process(gate):
    gate.start('-g', 'master_process off;')
    assert wait_for(gate.ask, 'an answer') == 'first'
    assert gate.workers() == []


def test_reload(gate, free_port):
    gate.start()
    assert wait_for(gate.ask, 'an answer') == 'first'
    old = gate.workers()
    port = free_port()
    gate.write('second', port=port)
    assert gate.run('-s', 'reload').returncode == 0
    wait_for(lambda: gate.ask(port) == 'second', 'the new word')
    wait_for(lambda: f'worker process {old[0]} exited with code 0' in gate.log(), 'the end of the old worker')
    assert gate.ask() is None
    assert len(gate.workers()) == 1 and gate.workers() != old


def test_reload_drops_no_connection(gate):
    """While one generation follows the other, every request is answered by one of them."""
    gate.start()
    wait_for(gate.ask, 'an answer')
    answers = set()
    for i in range(5):
        gate.write(f'word{i}')
        gate.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + 0.2
        while time.monotonic() < end:
            answers.add(gate.ask())
    wait_for(lambda: gate.ask() == 'word4', 'the last word')
    assert None not in answers


@pytest.mark.parametrize('text', ['server { lisen 80; }', 'server { listen 192.0.2.1:80; }'])
def test_reload_of_a_bad_configuration_changes_nothing(gate, text):
    gate.start()
    wait_for(gate.ask, 'an answer')
    workers = gate.workers()
    gate.config.write_text(text)
    gate.process.send_signal(signal.SIGHUP)
    wait_for(lambda: '[emerg]' in gate.log(), 'the complaint')
    assert gate.ask() == 'first'
    assert gate.workers() == workers


def test_the_number_of_loops_changes(gate):
    gate.start('-g', 'worker_processes 1;')
    wait_for(gate.ask, 'an answer')
    gate.stop()
    for count in (3, 1, 2):
        gate.write(f'loops{count}', main=f'worker_processes {count};')
        if gate.process.poll() is not None:
            gate.start()
        else:
            gate.process.send_signal(signal.SIGHUP)
        wait_for(lambda: gate.ask() == f'loops{count}', 'the new word')
        wait_for(lambda: len(gate.workers()) == 1, 'the end of the old worker')
        assert all(gate.ask() == f'loops{count}' for _ in range(20))


def test_a_request_in_flight_outlives_quit(gate, origin):
    gate.config.write_text(
        f'error_log error.log info;\npid gate.pid;\nserver {{ listen 127.0.0.1:{gate.port};\n'
        f'location / {{ proxy_pass http://127.0.0.1:{origin.port}; }} }}\n')
    gate.start()
    with socket.create_connection(('127.0.0.1', gate.port), PATIENCE_S) as client:
        client.sendall(b'GET /hold HTTP/1.1\r\nHost: a\r\n\r\n')
        wait_for(lambda: origin.requests, 'the request')
        gate.process.send_signal(signal.SIGQUIT)
        wait_for(lambda: 'gracefully shutting down' in gate.log(), 'the signal')
        assert gate.ask() is None
        assert gate.process.poll() is None
        origin.release.set()
        assert client.recv(65536).startswith(b'HTTP/1.1 200 ')
    assert gate.process.wait(PATIENCE_S) == 0


def test_shutdown_timeout(gate, origin):
    gate.config.write_text(
        f'error_log error.log info;\npid gate.pid;\nworker_shutdown_timeout 300ms;\n'
        f'server {{ listen 127.0.0.1:{gate.port};\n'
        f'location / {{ proxy_pass http://127.0.0.1:{origin.port}; }} }}\n')
    gate.start()
    with socket.create_connection(('127.0.0.1', gate.port), PATIENCE_S) as client:
        client.sendall(b'GET /hold HTTP/1.1\r\nHost: a\r\n\r\n')
        wait_for(lambda: origin.requests, 'the request')
        gate.process.send_signal(signal.SIGQUIT)
        assert gate.process.wait(PATIENCE_S) == 0


def test_a_worker_that_dies_is_replaced(gate):
    gate.write('first', main='worker_processes 1;')  # of several one may answer before the worker is ready
    gate.start()
    wait_for(gate.ask, 'an answer')
    dead = gate.workers()[0]
    os.kill(dead, signal.SIGKILL)
    wait_for(lambda: f'worker process {dead} exited on signal 9' in gate.log(), 'the obituary')
    assert wait_for(gate.ask, 'an answer') == 'first'
    assert len(gate.workers()) == 1 and gate.workers() != [dead]


def state(pid):
    """A letter; None: there is no such process."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return pathlib.Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0]
    return None


def test_no_worker_survives_its_master(gate):
    gate.start()
    wait_for(gate.ask, 'an answer')
    worker = gate.workers()[0]
    gate.process.kill()
    gate.process.wait()
    wait_for(lambda: state(worker) in (None, 'Z'), 'the end of the worker')
    assert gate.ask() is None


def test_logs_are_opened_anew(gate):
    gate.start()
    wait_for(gate.ask, 'an answer')
    (gate.folder / 'error.log').rename(gate.folder / 'old.log')
    assert gate.run('-s', 'reopen').returncode == 0
    wait_for((gate.folder / 'error.log').exists, 'the new log')
    worker = gate.workers()[0]

    def has_followed():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            return any(os.readlink(link) == f'{gate.folder}/error.log' for link in pathlib.Path(f'/proc/{worker}/fd').iterdir())
        return False

    wait_for(has_followed, 'the worker to follow')


@pytest.mark.skipif(os.geteuid() != 0, reason='only root has privileges to drop')
def test_privileges_are_dropped(gate):
    gate.start()
    wait_for(gate.ask, 'an answer')
    status = pathlib.Path(f'/proc/{gate.workers()[0]}/status').read_text()
    fields = dict(line.split(':\t', 1) for line in status.splitlines() if ':\t' in line)
    assert set(fields['Uid'].split()) == {'65534'} and set(fields['Gid'].split()) == {'65534'}
    assert fields['NoNewPrivs'] == '1' and int(fields['CapEff'], 16) == 0
    assert '0' not in fields['Groups'].split()


def test_called_nginx(gate):
    link = gate.folder / 'nginx'
    link.symlink_to(gate.program)
    said = subprocess.run([link, '-v'], capture_output=True, text=True, check=True).stderr
    assert re.fullmatch(r'nginx version: nginx/1\.\d+\.\d+\n', said)
    (gate.folder / 'conf').mkdir()
    (gate.folder / 'logs').mkdir()
    shutil.copy(gate.config, gate.folder / 'conf' / 'nginx.conf')
    result = subprocess.run([link, '-t', '-p', gate.folder], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr.startswith('nginx: [emerg] ')


@pytest.mark.parametrize('name', ['gate', 'nginx'])
def test_the_distribution_s_own_configuration_is_sound(name, gate_program, tmp_path):
    stock = pathlib.Path('/etc/nginx/nginx.conf')
    if not stock.exists():
        pytest.skip('no nginx.conf of the distribution')
    if os.geteuid() != 0:
        pytest.skip('its logs are root\'s')
    program = tmp_path / name
    program.symlink_to(gate_program)
    test = subprocess.run([program, '-t', '-c', stock], capture_output=True, text=True)
    assert test.returncode == 0, test.stderr


def test_v_names_no_module_that_is_there_as_left_out(gate_program):
    details = subprocess.run([gate_program, '-V'], capture_output=True, text=True).stderr
    for present in ['rewrite', 'map', 'access', 'gzip', 'proxy', 'geo', 'split_clients']:
        assert f'--without-http_{present}_module' not in details
    for absent in ['fastcgi', 'grpc', 'ssi']:
        assert f'--without-http_{absent}_module' in details


def test_what_the_worker_is_given(gate):
    gate.write('first', 'worker_priority 5; worker_rlimit_core 1m; working_directory /usr;')
    gate.start()
    wait_for(gate.ask, 'an answer')
    worker = pathlib.Path(f'/proc/{gate.workers()[0]}')
    assert (worker / 'stat').read_text().rsplit(')', 1)[1].split()[16] == '5'
    assert 'Max core file size        1048576              1048576' in (worker / 'limits').read_text()
    assert os.readlink(worker / 'cwd') == '/usr'
