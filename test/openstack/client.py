#!/usr/bin/python3 -B
"""client.py CLOUD: the real OpenStack client, kept in one process: starting `openstack` anew takes two seconds a command.

Reads a JSON list of words a line (what would follow `openstack --os-cloud CLOUD`) and answers each with a line
{"code": ..., "out": ..., "err": ...}. A process speaks to one cloud only: the client keeps its identity handle on a
class (osc_lib.clientmanager.ClientCache), so a second cloud's questions would be answered by the first."""
import contextlib
import io
import json
import logging
import sys

from openstackclient.shell import OpenStackShell

spoken = set()


def openstack(cloud, *words):
    """(exit code, stdout, stderr) of `openstack --os-cloud CLOUD WORDS...`"""
    spoken.add(cloud)
    if len(spoken) > 1 or '--os-cloud' in words:
        raise ValueError('one process, one cloud: %s, %s' % (sorted(spoken), words))
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        shell = OpenStackShell()
        shell.stdout = out
        try:
            code = shell.run(['--os-cloud', cloud, *words])
        except SystemExit as e:             # the option parser's way to refuse
            code = e.code
        logging.getLogger('').handlers.clear()      # each shell adds its own
    return code, out.getvalue(), err.getvalue()


if __name__ == '__main__':
    for line in sys.stdin:
        print(json.dumps(dict(zip(('code', 'out', 'err'), openstack(sys.argv[1], *json.loads(line))))), flush=True)
