#!/usr/bin/env python3
"""The front end of the example: serves the files of a folder on 127.0.0.1.

    frontend.py FOLDER PORT
"""
import functools
import http.server
import sys


class Files(http.server.SimpleHTTPRequestHandler):
    """Files of one folder, over connections that are kept."""
    protocol_version = 'HTTP/1.1'


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    handler = functools.partial(Files, directory=sys.argv[1])
    http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[2])), handler).serve_forever()


if __name__ == '__main__':
    main()
