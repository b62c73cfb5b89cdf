#!/usr/bin/python3 -B
"""The real OpenStack client, kept in one process: starting `openstack` anew takes two seconds a command.

As a program it reads a JSON list of words a line (what would follow `openstack`) and answers each with a line
{"code": ..., "out": ..., "err": ...}."""
import contextlib
import io
import json
import logging
import sys

from openstackclient.shell import OpenStackShell


def openstack(*words):
    """(exit code, stdout, stderr) of `openstack WORDS...`"""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        shell = OpenStackShell()
        shell.stdout = out
        try:
            code = shell.run(list(words))
        except SystemExit as e:             # the option parser's way to refuse
            code = e.code
        logging.getLogger('').handlers.clear()      # each shell adds its own
    return code, out.getvalue(), err.getvalue()


if __name__ == '__main__':
    for line in sys.stdin:
        print(json.dumps(dict(zip(('code', 'out', 'err'), openstack(*json.loads(line))))), flush=True)
