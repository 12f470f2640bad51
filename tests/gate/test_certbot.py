"""Certbot's nginx plugin with gate in nginx's place and a real ACME server: a certificate, its deployment, redirect, renewal and removal."""
import fcntl
import json
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys

import pytest
from peers import PATIENCE_S, wait_for

CERTBOT, PEBBLE, NAMES = (shutil.which(each) for each in ('certbot', 'pebble', 'pebble-challtestsrv'))
ACME, ROOTS, DNS = 14000, 15000, 18053
SITE = '''server {
	listen 80;
	server_name shop.example www.shop.example;   # the shop
	root %s;
	location / { try_files $uri $uri/ =404; }
}
'''
MAIN = '''%(user)s
pid %(folder)s/nginx.pid;
error_log %(folder)s/error.log;
events { worker_connections 768; }
http {
	access_log %(folder)s/access.log;
	server_tokens off;
	include %(folder)s/etc/sites-enabled/*;
}
'''
PEBBLE_SAYS = {'pebble': {'listenAddress': f'127.0.0.1:{ACME}', 'managementListenAddress': f'127.0.0.1:{ROOTS}', 'certificate': 'acme.pem',
                          'privateKey': 'acme.key', 'httpPort': 80, 'tlsPort': 443, 'ocspResponderURL': ''}}


def keep_network():
    """Brings up the loopback device of this network namespace, lets everybody have ports 80 and 443, and stays until the end of the input."""
    pathlib.Path('/proc/sys/net/ipv4/ip_unprivileged_port_start').write_text('0')
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack('16sh', b'lo', 1))  # SIOCSIFFLAGS, IFF_UP
    print('up', flush=True)
    sys.stdin.read()


class Site:
    """A machine's network of its own, so that ports 80 and 443 are free: in it an ACME server, gate called nginx, and certbot."""

    def __init__(self, folder, program):
        self.folder, self.running = folder, []
        ordinary = os.geteuid() != 0
        mine = ['--map-current-user', '--keep-caps'] if ordinary else []
        self.holder = subprocess.Popen(['unshare', '--net', *mine, sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       stderr=subprocess.DEVNULL)
        if self.holder.stdout.readline() != b'up\n':
            pytest.skip('no network namespace of its own can be had here')
        self.into = ['nsenter', '--target', str(self.holder.pid), '--net', *(['--user', '--preserve-credentials'] if ordinary else [])]
        for each in ('etc/sites-enabled', 'www', 'bin'):
            (folder / each).mkdir(parents=True)
        (folder / 'etc/nginx.conf').write_text(MAIN % {'folder': folder, 'user': '' if ordinary else 'user root;'})
        self.site = folder / 'etc/sites-enabled/shop'
        self.site.write_text(SITE % (folder / 'www'))
        (folder / 'www/index.html').write_text('the shop\n')
        (folder / 'bin/nginx').symlink_to(program)

    def start(self, *words, **environment):
        made = subprocess.Popen([*self.into, *words], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL, env={**os.environ, **environment})
        self.running.append(made)

    def run(self, *words, patience_s=PATIENCE_S, **environment):
        return subprocess.run([*self.into, *words], cwd=self.folder, text=True, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=patience_s, env={**os.environ, **environment})

    def acme(self):
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'acme.key',
                        '-out', 'acme.pem', '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'],
                       cwd=self.folder, check=True, capture_output=True)
        (self.folder / 'pebble.json').write_text(json.dumps(PEBBLE_SAYS))
        self.start(NAMES, '-defaultIPv4', '127.0.0.1', '-defaultIPv6', '', '-dns01', f'127.0.0.1:{DNS}', '-http01', '', '-https01', '',
                   '-tlsalpn01', '', '-management', '127.0.0.1:18055')
        self.start(PEBBLE, '-config', 'pebble.json', '-dnsserver', f'127.0.0.1:{DNS}', PEBBLE_VA_NOSLEEP='1', PEBBLE_WFE_NONCEREJECT='0')
        root = wait_for(lambda: self.curl('-k', f'https://localhost:{ROOTS}/roots/0'), 'the ACME server')
        (self.folder / 'root.pem').write_text(root)

    def nginx(self, *words):
        return self.run(self.folder / 'bin/nginx', '-c', self.folder / 'etc/nginx.conf', '-e', self.folder / 'error.log', *words)

    def certbot(self, *words):
        done = self.run(CERTBOT, '--nginx-ctl', self.folder / 'bin/nginx', '--nginx-server-root', self.folder / 'etc',
                        *[part for each in ('config', 'work', 'logs') for part in (f'--{each}-dir', self.folder / 'le' / each)],
                        '--server', f'https://localhost:{ACME}/dir', '--non-interactive', *words, patience_s=120, REQUESTS_CA_BUNDLE='acme.pem')
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def curl(self, *words):
        to = [part for name in ('shop.example', 'www.shop.example') for port in (80, 443)
              for part in ('--resolve', f'{name}:{port}:127.0.0.1')]
        return self.run('curl', '--silent', '--cacert', 'root.pem', *to, *words).stdout

    def serial(self):
        shown = self.curl('-w', '%{certs}', '-o', '/dev/null', 'https://shop.example/') or ''
        return next((line for line in shown.splitlines() if 'erial' in line), None)

    def stop(self):
        self.nginx('-s', 'quit')
        wait_for(lambda: not (self.folder / 'nginx.pid').exists(), 'the end of gate')
        for each in self.running:
            each.terminate()
            each.wait(PATIENCE_S)
        self.holder.stdin.close()
        self.holder.wait(PATIENCE_S)


@pytest.mark.skipif(not (CERTBOT and PEBBLE and NAMES), reason='needs certbot and pebble')
def test_certbot_gets_deploys_renews_and_removes_a_certificate(tmp_path, gate_program):
    site = Site(tmp_path, gate_program.resolve())
    try:
        site.acme()
        started = site.nginx()
        assert started.returncode == 0, started.stderr
        assert site.curl('http://shop.example/') == 'the shop\n'

        site.certbot('run', '--nginx', '--agree-tos', '-m', 'keeper@shop.example', '-d', 'shop.example,www.shop.example', '--redirect', '--hsts')
        assert 'managed by Certbot' in site.site.read_text() and '# the shop' in site.site.read_text()
        assert wait_for(lambda: site.curl('-i', 'http://www.shop.example/page?a=1').startswith('HTTP/1.1 301'), 'the redirect')
        assert 'Location: https://www.shop.example/page?a=1' in site.curl('-i', 'http://www.shop.example/page?a=1')
        answer = site.curl('-i', 'https://www.shop.example/')
        assert answer.endswith('the shop\n') and 'Strict-Transport-Security: max-age=31536000\n' in answer.replace('\r', ''), answer

        first = site.serial()
        assert first
        assert 'success' in site.certbot('renew', '--force-renewal', '--no-random-sleep-on-renew')
        assert wait_for(lambda: site.serial() not in (None, first), 'the renewed certificate')

        site.certbot('rollback', '--installer', 'nginx', '--checkpoints', '10')
        assert site.site.read_text() == SITE % (tmp_path / 'www')
        assert 'test is successful' in site.nginx('-t').stderr
    finally:
        site.stop()


if __name__ == '__main__':
    keep_network()
