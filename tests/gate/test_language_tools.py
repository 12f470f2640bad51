"""gate fmt and gate directives: about the language, without serving."""
import os
import pathlib
import subprocess

import peers
import pytest

UGLY = 'http{server{\nlisten 80;# the port\n\n\n  location /{return 200 "a  b";}}}\n'
NEAT = '''http {
    server {
        listen 80; # the port

        location / {
            return 200 "a  b";
        }
    }
}
'''


@pytest.fixture
def run(gate_program):
    def run(*words, given=''):
        return subprocess.run([gate_program, *words], input=given, capture_output=True, text=True,
                              timeout=peers.PATIENCE_S)
    return run


def test_fmt_reads_standard_input_and_files(run, tmp_path):
    assert run('fmt', given=UGLY).stdout == NEAT
    file = tmp_path / 'a.conf'
    file.write_text(UGLY)
    assert run('fmt', file).stdout == NEAT
    assert file.read_text() == UGLY


def test_fmt_check_and_write(run, tmp_path):
    ugly, neat = tmp_path / 'ugly.conf', tmp_path / 'neat.conf'
    ugly.write_text(UGLY)
    ugly.chmod(0o640)
    neat.write_text(NEAT)
    link = tmp_path / 'link.conf'
    link.symlink_to(ugly)

    checked = run('fmt', '--check', ugly, neat)
    assert (checked.returncode, checked.stdout) == (1, f'{ugly}\n')
    assert ugly.read_text() == UGLY

    before = neat.stat()
    assert run('fmt', '--write', link, neat).returncode == 0
    assert link.is_symlink() and ugly.read_text() == NEAT
    assert ugly.stat().st_mode & 0o777 == 0o640
    assert neat.stat().st_ino == before.st_ino, 'what is neat is left alone'
    assert sorted(os.listdir(tmp_path)) == ['link.conf', 'neat.conf', 'ugly.conf']
    assert run('fmt', '--check', ugly, neat).returncode == 0


def test_fmt_changes_no_file_that_it_cannot_read(run, tmp_path):
    file = tmp_path / 'torn.conf'
    file.write_text('http {\n  server { listen 80\n')
    done = run('fmt', '--write', file)
    assert done.returncode == 1
    assert done.stderr == f'gate: {file}:3:1: unexpected end of file, expecting ";" or "}}"\n'
    assert file.read_text() == 'http {\n  server { listen 80\n'
    assert 'cannot be opened' in run('fmt', tmp_path / 'none').stderr
    assert run('fmt', '--write').returncode == 1


def test_what_fmt_makes_means_the_same_to_nginx(run, nginx_program, tmp_path):
    """nginx's own files, laid out, are still accepted by it, and mean the same to gate."""
    stock = pathlib.Path('/etc/nginx/nginx.conf')
    if not stock.exists():
        pytest.skip('nginx came without its configuration')
    text = run('fmt', stock)
    assert text.returncode == 0
    for name, words in (('before.conf', stock.read_text()), ('after.conf', text.stdout)):
        (tmp_path / name).write_text(words)
        tested = subprocess.run([nginx_program, '-t', '-e', 'stderr', '-c', tmp_path / name, '-g',
                                 f'pid {tmp_path}/pid;' if 'pid ' not in words else ''],
                                capture_output=True, text=True, timeout=peers.PATIENCE_S)
        assert 'syntax is ok' in tested.stderr, tested.stderr


def test_directives(run):
    shown = run('directives', 'proxy_pass').stdout
    assert shown.startswith('proxy_pass\n')
    assert 'Stands in:   location, if in location' in shown
    every = run('directives').stdout.splitlines()
    names = [line.split()[0] for line in every if not line.startswith(' ')]
    assert names == sorted(set(names)) and 'server_name' in names
    wrong = run('directives', 'lisen')
    assert (wrong.returncode, wrong.stderr) == (1, 'gate: "lisen" names no directive; did you mean "listen"?\n')


def test_a_trap_is_told_with_its_line_and_is_no_error(run, gate_program, tmp_path, free_port):
    text = peers.configuration(free_port(), 'location /i {\n alias /srv/;\n}')
    file = tmp_path / 'trap.conf'
    file.write_text(text)
    (tmp_path / 'logs').mkdir()
    line = text[:text.index('alias')].count('\n') + 1
    tested = run('-t', '-p', tmp_path, '-c', file)
    assert tested.returncode == 0, tested.stderr
    assert f'"/i../x" reaches files beside "/srv/" in {file}:{line}\n' in tested.stderr
    assert f'{file}:{line}:8: warning: ' in tested.stderr
    assert "write the location with a '/' at its end\n" in tested.stderr
    nginx = tmp_path / 'nginx'
    nginx.symlink_to(gate_program)
    tested = subprocess.run([nginx, '-t', '-p', tmp_path, '-c', file, '-g', f'pid {tmp_path}/pid;'],
                            capture_output=True, text=True, timeout=peers.PATIENCE_S)
    assert 'reaches' not in tested.stderr


def test_the_page_on_compatibility_is_made_of_the_tables(gate_program):
    page = pathlib.Path(__file__).resolve().parents[2] / 'docs/compat.md'
    made = subprocess.run([page.parents[1] / 'tools/compat.py', gate_program], capture_output=True, text=True, timeout=peers.PATIENCE_S)
    assert made.returncode == 0, made.stderr
    assert made.stdout == page.read_text(), 'tools/compat.py GATE --write makes it anew'


def test_what_another_module_would_do_is_said(run):
    refused = run('directives', 'fastcgi_pass')
    assert refused.returncode == 1
    assert refused.stderr.startswith('gate: "fastcgi_pass" is a directive of nginx that gate does not have: gate asks origins by HTTP')


def complaints(run, tmp_path, text, **files):
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    (tmp_path / 'nginx.conf').write_text(text)
    tested = run('-t', '-p', tmp_path, '-c', tmp_path / 'nginx.conf')
    assert tested.returncode == 1
    return tested.stderr.replace(f'{tmp_path}/', '')


def test_a_file_of_an_absent_module_is_told_once(run, tmp_path):
    """Twenty lines of fastcgi_params, included for each site, drown nothing else."""
    told = complaints(run, tmp_path, '''events {}
http {
    server { location / { include params; } }
    server { location / { include params; lisen 80; } }
}
''', params=''.join(f'fastcgi_param  NAME_{i}  value;\n' for i in range(20)))
    assert told.count('"fastcgi_param" is a directive of nginx that gate does not have\n') == 1
    assert f"  again in line {', '.join(str(i) for i in range(2, 21))}\n" in told
    assert 'nginx.conf:4:43: error: unknown directive "lisen"' in told and 'did you mean "listen"?' in told


def test_what_a_missing_file_may_hold_is_not_asked_for(run, tmp_path):
    server = 'events {{}} http {{ server {{ listen 127.0.0.1:1 ssl; {} }} }}\n'
    told = complaints(run, tmp_path, server.format('include certificates;'))
    assert 'open() "certificates" failed' in told and 'ssl_certificate' not in told
    assert 'no "ssl_certificate" is defined' in complaints(run, tmp_path, server.format(''))


@pytest.mark.parametrize('directive, word', [
    ('access_by_lua_file x;', 'auth_request'), ('more_set_headers "A: b";', 'add_header'), ('brotli on;', 'gzip'),
    ('modsecurity on;', 'before or behind')])
def test_directives_of_well_known_other_modules_have_an_answer(run, tmp_path, directive, word):
    told = complaints(run, tmp_path, f'events {{}} http {{ server {{ {directive} }} }}\n')
    assert f'unknown directive "{directive.split()[0]}"' in told
    assert word in told and 'did you mean' not in told
