"""Connections to origins that nobody uses are every loop's to take."""
import threading

import peers


def test_any_loop_takes_any_idle_connection(gate, nginx_program, origin):
    """Requests one after the other, over connections of their own: whichever loop they come to, one connection serves them all."""
    http = f'upstream u {{ server 127.0.0.1:{origin.port}; keepalive 8; }}'
    pass_on = 'location / { proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection ""; }'
    made = {}
    for program in (None, nginx_program):
        before = origin.connections
        proxy = gate(pass_on, http, main='worker_processes 3;', program=program, listen='reuseport')
        for i in range(60):
            assert peers.ask(proxy.port, 'GET', f'/b/{i}').body == peers.pattern(i)
            threading.Event().wait(0.01)  # until the connection is idle
        made[proxy.command[0].rpartition('/')[2]] = origin.connections - before
    print('connections to the origin for 60 requests over 3 loops or workers:', made)
    assert made['gate'] == 1


def test_loops_take_from_each_other_under_load(gate, origin):
    http = f'upstream u {{ server 127.0.0.1:{origin.port}; keepalive 3; }}'
    proxy = gate('location / { proxy_pass http://u; }', http, main='worker_processes 3;', listen='reuseport')
    wrong = []

    def client(number):
        for i in range(60):
            answer = peers.ask(proxy.port, 'POST' if i % 5 == 0 else 'GET', f'/b/{number * 100 + i}')
            if answer.body != peers.pattern(number * 100 + i):
                wrong.append((number, i, answer.status))

    threads = [threading.Thread(target=client, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f'{origin.connections} connections for 480 requests')
    assert not wrong
