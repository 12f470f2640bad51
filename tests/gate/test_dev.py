"""gate dev: one origin for a front end and a back end, without a file."""
import signal
import subprocess
import threading

import peers


def told(running):
    """The next line that it says; nothing where it says none in time."""
    patience = threading.Timer(peers.PATIENCE_S, running.kill)
    patience.start()
    try:
        return running.stdout.readline()
    finally:
        patience.cancel()


def test_two_servers_become_one(gate_program, origin, free_port):
    with peers.Origin() as api:
        port = free_port()
        command = [gate_program, 'dev', str(origin.port), f'/api/={api.port}', '--port', str(port)]
        running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            assert told(running) == f'http://localhost:{port}/ is ready; Ctrl-C ends it.\n'
            assert str(origin.port) in told(running)
            assert str(api.port) in told(running)
            assert peers.ask(port, 'GET', '/b/10').body == peers.pattern(10)
            assert peers.ask(port, 'GET', '/api/x').status == 404
            assert [each.target for each in origin.requests] == ['/b/10']
            assert [each.target for each in api.requests] == ['/api/x']
            assert api.requests[0].one('Host') == 'localhost'
        finally:
            running.send_signal(signal.SIGINT)
            assert running.wait(peers.PATIENCE_S) == 0
            running.stdout.close()
            running.stderr.close()


def test_the_printed_configuration_is_one(gate_program, tmp_path):
    command = [gate_program, 'dev', '8001', '/api/=8002', '--port', '8080']
    text = subprocess.run([*command, '--print'], capture_output=True, text=True, check=True).stdout
    (tmp_path / 'gate.conf').write_text(text)
    test = subprocess.run([gate_program, '-t', '-p', f'{tmp_path}/', '-c', 'gate.conf'], capture_output=True,
                          text=True)
    assert test.returncode == 0, test.stderr


def test_a_server_that_was_restarted_is_asked_at_once(gate_program, free_port):
    first, port = free_port(), free_port()
    running = subprocess.Popen([gate_program, 'dev', str(first), '--port', str(port)], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True)
    try:
        told(running)
        for _ in range(3):
            assert peers.ask(port, 'GET', '/').status == 502
        server = subprocess.Popen(['/usr/bin/python3', '-m', 'http.server', '--bind', '127.0.0.1', str(first)],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while peers.Proxy.refuses(first):
                pass
            assert peers.ask(port, 'GET', '/').status == 200
        finally:
            server.terminate()
            server.wait()
    finally:
        running.send_signal(signal.SIGINT)
        assert running.wait(peers.PATIENCE_S) == 0
        running.stdout.close()
