"""gate in nginx's place: what init scripts, units, certbot, logrotate and monitors do with /usr/sbin/nginx."""
import contextlib
import os
import pathlib
import re
import shlex
import socket
import subprocess
import tempfile
import threading

import peers
import pytest
from peers import wait_for

NAME = 'nginx'
ROOT = os.geteuid() == 0


class DropIn:
    """A folder with a link called nginx to the program, and a configuration."""

    def __init__(self, program, folder, port):
        self.folder, self.port, self.program = folder, port, folder / NAME
        self.pid_path, self.old_path = folder / 'logs/nginx.pid', folder / 'logs/nginx.pid.oldbin'
        self.path = folder / 'socket'
        (folder / 'logs').mkdir()
        folder.chmod(0o755)
        self.point(program)
        user = 'user root;' if ROOT else ''
        self.file = folder / 'nginx.conf'
        self.file.write_text(f'{user} pid logs/nginx.pid; error_log logs/error.log info; events {{ }}\n'
                             f'http {{ access_log logs/access.log; {peers.NGINX_HTTP} server {{ listen 127.0.0.1:{port}; '
                             f'listen unix:{self.path}; return 200 here; }} }}\n')

    def point(self, program):
        """To the program that the link stands for from here on."""
        new = self.folder / 'new'
        new.symlink_to(program)
        new.rename(self.program)

    def run(self, *words):
        return subprocess.run([self.program, '-p', f'{self.folder}/', '-c', 'nginx.conf', '-e', 'logs/error.log', *words], text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=peers.PATIENCE_S)

    def start(self, *words):
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return wait_for(self.pid, 'the pid file')

    @staticmethod
    def read_pid(path):
        with contextlib.suppress(FileNotFoundError, ValueError):
            return int(path.read_text())
        return None

    def pid(self):
        return self.read_pid(self.pid_path)

    def old_pid(self):
        return self.read_pid(self.old_path)

    def ask(self):
        return peers.exchange(self.port, b'GET / HTTP/1.0\r\n\r\n')

    def server(self):
        return re.search(rb'Server: (\S+)', self.ask())[1].decode()

    def signal(self, name, pid):
        subprocess.run(['kill', f'-{name}', str(pid)], check=True)

    def log(self):
        return (self.folder / 'logs/error.log').read_text()

    def stop(self):
        for pid in (self.old_pid(), self.pid()):
            if pid and f'{self.folder}'.encode() in pathlib.Path(f'/proc/{pid}/cmdline').read_bytes():
                self.signal('TERM', pid)
                wait_for(lambda pid=pid: not os.path.exists(f'/proc/{pid}'), 'the end')


@pytest.fixture
def drop_in(gate_program, free_port):
    with tempfile.TemporaryDirectory(prefix='gate-drop-in-') as folder:
        made = DropIn(gate_program.resolve(), pathlib.Path(folder), free_port())
        yield made
        made.stop()


@contextlib.contextmanager
def asked_all_the_time(drop_in):
    """Requests, one after the other, until the block is left: all must be answered."""
    answers, over = [], threading.Event()

    def ask():
        while not over.is_set():
            answers.append(drop_in.ask())
    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield answers
    finally:
        over.set()
        thread.join()
    assert answers and all(each.startswith(b'HTTP/1.1 200') for each in answers), [each for each in answers if b' 200 ' not in each][:3]


def title(pid):
    return pathlib.Path(f'/proc/{pid}/cmdline').read_bytes().rstrip(b'\0').decode()


def children(pid):
    return [int(each) for each in pathlib.Path(f'/proc/{pid}/task/{pid}/children').read_text().split()]


def test_its_processes_are_called_as_those_of_nginx(drop_in):
    pid = drop_in.start()
    assert title(pid).startswith(f'nginx: master process {drop_in.program} -p ')
    assert [title(each) for each in children(pid)] == ['nginx: worker process']
    assert pathlib.Path(f'/proc/{pid}/comm').read_text() == 'nginx\n'  # start-stop-daemon --name


@pytest.mark.parametrize('first', ['nginx', 'gate'])
def test_another_program_takes_its_place(drop_in, first, gate_program, nginx_program):
    """USR2, WINCH and QUIT, as the init script's upgrade: nginx is followed by gate, gate by gate."""
    drop_in.point(nginx_program if first == 'nginx' else gate_program.resolve())
    old = drop_in.start()
    with asked_all_the_time(drop_in):
        drop_in.point(gate_program.resolve())
        drop_in.signal('USR2', old)
        new = wait_for(lambda: drop_in.pid() != old and drop_in.pid(), 'the next program')
        assert drop_in.old_pid() == old
        drop_in.signal('WINCH', old)
        drop_in.signal('QUIT', old)
        wait_for(lambda: not drop_in.old_path.exists() and not os.path.exists(f'/proc/{old}'), 'the end of the old program')
        assert drop_in.server().startswith('nginx/1.31')
        assert 'using inherited sockets from' in drop_in.log()
    assert drop_in.pid() == new and drop_in.path.exists()
    assert peers_answer(drop_in.path)
    drop_in.stop()
    assert not drop_in.path.exists() and not drop_in.pid_path.exists()


def peers_answer(path):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(path))
        s.sendall(b'GET / HTTP/1.0\r\n\r\n')
        return s.recv(4096).startswith(b'HTTP/1.1 200')


def test_the_old_program_comes_back(drop_in):
    old = drop_in.start()
    with asked_all_the_time(drop_in):
        drop_in.signal('USR2', old)
        new = wait_for(lambda: drop_in.pid() != old and drop_in.pid(), 'the next program')
        drop_in.signal('WINCH', old)
        wait_for(lambda: not children(old) or children(old) == [new], 'the end of the old worker')
        drop_in.signal('USR2', new)
        wait_for(lambda: 'the changing binary signal is ignored' in drop_in.log(), 'the refusal')
        drop_in.signal('HUP', old)
        wait_for(lambda: len(children(old)) == 2, 'a worker of the old program')
        drop_in.signal('QUIT', new)
        wait_for(lambda: drop_in.pid() == old, 'the old name of the pid file')
        assert peers_answer(drop_in.path)
    assert '[alert]' not in drop_in.log() and '[emerg]' not in drop_in.log()


@pytest.mark.parametrize('how', ['no such program', 'a configuration that is broken'])
def test_a_next_program_that_fails_changes_nothing(drop_in, how):
    old = drop_in.start()
    with asked_all_the_time(drop_in):
        if how == 'no such program':
            drop_in.program.unlink()
        else:
            drop_in.file.write_text('events { } http { nonsense; }')
        drop_in.signal('USR2', old)
        wait_for(lambda: 'new binary process' in drop_in.log() and ' ended with status' in drop_in.log() and drop_in.pid() == old, 'the name of the pid file')
        assert not drop_in.old_path.exists()


def test_it_is_there_when_the_command_returns(drop_in):
    assert drop_in.run().returncode == 0
    assert drop_in.pid() and drop_in.ask().startswith(b'HTTP/1.1 200')


def test_sockets_that_are_none_are_left_alone(drop_in, monkeypatch):
    monkeypatch.setenv('NGINX', 'x;-1;0;1;999;99999999999;;')
    drop_in.start()
    assert drop_in.ask().startswith(b'HTTP/1.1 200')
    assert drop_in.log().count('is no listening socket') == 7


def test_a_port_that_is_taken_is_in_the_log(drop_in):
    with socket.create_server(('127.0.0.1', drop_in.port)):
        assert drop_in.run().returncode == 1
    for line in (f'[emerg] PID: bind() to 127.0.0.1:{drop_in.port} failed (98: Address already in use)', '[emerg] PID: still could not bind()'):
        assert line in re.sub(r'\d+#\d+', 'PID', drop_in.log())
    assert not drop_in.pid_path.exists()


def test_v_is_what_certbot_and_scripts_look_for(drop_in):
    said = drop_in.run('-V').stderr
    name, version = re.findall(r'nginx version: ([^/]+)/([0-9.]*)', said, re.I)[0]
    assert name == 'nginx' and tuple(map(int, version.split('.'))) >= (1, 31, 5)
    assert re.search(r'TLS SNI support enabled', said) and re.search(r' --with-http_ssl_module', said)
    assert re.search(r'built with OpenSSL ([^ ]+) ', said)
    assert re.search(r'--conf-path=(\S*\.conf)', said)[1] == '/etc/nginx/nginx.conf'
    assert re.search(r'--prefix=(\S*)', said)[1] == '/etc/nginx'
    assert re.search(r'--pid-path=(\S*)', said)[1] == '/run/nginx.pid'
    assert '=dynamic' not in said


def test_a_file_that_names_no_logs(drop_in):
    """They are where the packages of nginx have them."""
    if not os.access('/var/log/nginx', os.W_OK):
        pytest.skip('not the owner of /var/log/nginx')
    file = drop_in.folder / 'short.conf'
    file.write_text(f'pid {drop_in.pid_path}; events {{ }} http {{ server {{ listen 127.0.0.1:{drop_in.port}; }} }}')
    done = subprocess.run([drop_in.program, '-t', '-e', 'stderr', '-c', file], capture_output=True, text=True, timeout=peers.PATIENCE_S)
    assert done.returncode == 0, done.stderr


WORDS = [
    ['-t'], ['-tq'], ['-qt'], ['-T'], ['-Tq'], ['-t', '-q'], ['-s', 'stop'], ['-s', 'quit'], ['-sreload'], ['-s', 'reopen'], ['-s', 'x'], ['-s'], ['-c'], ['-p'], ['-e'], ['-g'], ['x'], ['-x'], ['-t', 'x'],
    ['-tx'], ['-t', '-g', 'nonsense on;'], ['-t', '-g', 'pid other.pid;'], ['-t', '-g', 'daemon off'], ['-t', '-c', 'none.conf'], ['-t', '-cbroken.conf'], ['-T', '-c', 'broken.conf'],
    ['-q', '-t', '-c', 'broken.conf'], ['-tc', 'with.conf'], ['-T', '-c', 'with.conf'], ['-v', '-t'], ['-Vt'], ['-hx'],
]


@pytest.mark.parametrize('words', WORDS, ids=' '.join)
def test_words_are_answered_as_by_nginx(words, gate_program, nginx_program, tmp_path):
    """What they print, how they end, and what they leave behind; hints of gate's own may follow."""
    sides = []
    for program in (gate_program.resolve(), nginx_program):
        folder = tmp_path / program.name
        (folder / 'logs').mkdir(parents=True)
        user = 'user root;' if ROOT else ''
        (folder / 'nginx.conf').write_text(f'{user} pid logs/pid; error_log logs/error.log; events {{ }}\n# no newline at the end')
        (folder / 'part.conf').write_text('# part\n')
        (folder / 'with.conf').write_text(f'{user} pid logs/pid; error_log logs/error.log; include part.*;\n include part.conf; events {{ }}\n')
        (folder / 'broken.conf').write_text('events { }\nuser\n')
        link = folder / 'nginx'
        link.symlink_to(program)
        start = ['-p', f'{folder}/', '-e', 'logs/first.log'] + ([] if '-c' in words[0] or '-c' in words else ['-c', 'nginx.conf'])
        done = subprocess.run([link, *start, *words], capture_output=True, text=True, timeout=peers.PATIENCE_S)
        said = [re.sub(r'^.*? \[', 'nginx: [', line).replace(str(folder), '') for line in done.stderr.splitlines()]
        logged = [re.sub(r'^\S+ \S+ (\[\w+\]) \d+#\d+: ', r'\1 ', line).replace(str(folder), '')
                  for name in ('first.log', 'error.log') if (folder / 'logs' / name).exists() for line in (folder / 'logs' / name).read_text().splitlines()]
        sides.append((done.returncode, done.stdout.replace(str(folder), ''), said, logged, sorted({*os.listdir(folder / 'logs')} - {'pid'})))  # 1.22 leaves one behind a test
    ours, theirs = sides
    assert ours[:2] == theirs[:2] and ours[3:] == theirs[3:], (ours, theirs)
    known = [[line for line in said if re.match(r'nginx: (\[|the|conf)', line)] for said in (ours[2], theirs[2])]
    assert known[0] == known[1] and bool(ours[2]) == bool(theirs[2]), (ours[2], theirs[2])


SCRIPT = '''
set -e
mount --make-rprivate /
ip link set lo up
mount -t tmpfs none /run
mount -t tmpfs none /var/log/nginx
mkdir /run/lock /run/links
printf 'DAEMON=/run/links/nginx\\n' > /run/links/defaults
mount --bind /run/links/defaults /etc/default/nginx
ln -s "$1" /run/links/nginx
set +e
for word in configtest start status reload rotate upgrade restart status; do
    /etc/init.d/nginx $word > /dev/null 2>&1
    echo $word $?
    case $word in start|upgrade|restart) curl -s -o /dev/null -w '%{http_code}\\n' http://127.0.0.1/;; esac
done
mv /var/log/nginx/access.log /var/log/nginx/access.log.1
/etc/init.d/nginx rotate > /dev/null
until grep -s rotated /var/log/nginx/access.log > /dev/null; do
    curl -s -o /dev/null http://127.0.0.1/rotated
done
/etc/init.d/nginx stop > /dev/null
echo stop $? $(ls /run/*.pid* 2> /dev/null)
'''


def test_the_init_script_of_the_distribution(gate_program):
    """In name spaces of its own, with the distribution's configuration: nobody else's nginx is touched."""
    needs = ['/etc/init.d/nginx', '/etc/default/nginx', '/sbin/start-stop-daemon', '/lib/lsb/init-functions', '/var/log/nginx', '/usr/bin/curl']
    if not ROOT or not all(map(os.path.exists, needs)):
        pytest.skip('needs root and the init script of the distribution')
    if subprocess.run(['unshare', '-mnp', '--fork', 'true'], stderr=subprocess.DEVNULL).returncode != 0:
        pytest.skip('no name spaces here')
    done = subprocess.run(['unshare', '-mnp', '--fork', '--mount-proc', '--kill-child', 'sh', '-c', SCRIPT, 'sh', gate_program.resolve()],
                          capture_output=True, text=True, timeout=60)
    assert done.stdout.split('\n') == ['configtest 0', 'start 0', '200', 'status 0', 'reload 0', 'rotate 0', 'upgrade 0', '200', 'restart 0', '200',
                                       'status 0', 'stop 0', ''], done.stderr


def test_the_unit_of_the_distribution(drop_in):
    """What systemd calls, in its order: Type=forking, with the pid file there when the command returns."""
    unit = pathlib.Path('/lib/systemd/system/nginx.service')
    if not unit.exists() or not os.path.exists('/sbin/start-stop-daemon'):
        pytest.skip('the unit of the distribution is not here')
    said = dict(re.findall(r'^(Exec\w+)=-?(.*)$', unit.read_text(), re.M))
    words = {name: shlex.split(line)[1:] for name, line in said.items()}
    assert all(line.split()[0] == '/usr/sbin/nginx' for name, line in said.items() if name != 'ExecStop')
    tested = drop_in.run(*words['ExecStartPre'])
    assert (tested.returncode, tested.stdout, tested.stderr) == (0, '', '')
    assert drop_in.run(*words['ExecStart']).returncode == 0
    first = drop_in.pid()
    assert first and b'here' in drop_in.ask()
    drop_in.file.write_text(drop_in.file.read_text().replace('return 200 here', 'return 200 there'))
    assert drop_in.run(*words['ExecReload']).returncode == 0
    wait_for(lambda: b'there' in drop_in.ask(), 'the new configuration')
    assert drop_in.pid() == first
    stop = [str(drop_in.pid_path) if word == '/run/nginx.pid' else word for word in words['ExecStop']]
    assert subprocess.run(['/sbin/start-stop-daemon', *stop], timeout=peers.PATIENCE_S).returncode == 0
    assert drop_in.pid() is None and not os.path.exists(f'/proc/{first}')
