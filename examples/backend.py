#!/usr/bin/env python3
"""The back end of the example: answers JSON under /api/ on 127.0.0.1.

    backend.py PORT
"""
import http.server
import json
import sys
import urllib.parse


class Api(http.server.BaseHTTPRequestHandler):
    """GET /api/greeting?name=NAME, and 404 for the rest."""
    protocol_version = 'HTTP/1.1'

    def do_GET(self):  # the name that http.server looks for
        url = urllib.parse.urlsplit(self.path)
        if url.path == '/api/greeting':
            name = urllib.parse.parse_qs(url.query).get('name', ['stranger'])[0]
            self.answer(200, {'message': f'Hello, {name}: the back end on port '
                                         f'{self.server.server_port} answers you.',
                              'path': self.path})
        else:
            self.answer(404, {'message': f'There is nothing at {url.path}.'})

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Api).serve_forever()


if __name__ == '__main__':
    main()
