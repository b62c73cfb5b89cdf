"""What the bed consists of (clouds, ports, processes), and how its processes start and stop."""
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request

LIB = os.path.dirname(os.path.realpath(__file__))
STATE = os.environ.get('STATE', '/var/lib/pumphouse-bed')
RUN = os.path.join(LIB, 'run')
PATH = '/usr/sbin:/usr/bin:/sbin:/bin'



def prefix():
    """Every port is this (source, shared) or one more (destination) * 10000 + n; a state keeps what it began with."""
    path = os.path.join(STATE, 'prefix')
    if not os.path.exists(path):
        return int(os.environ.get('PREFIX', 1))
    with open(path) as f:
        return int(f.read())


PREFIX = prefix()
DB_PORT, AMQP_PORT, AMQP_DIST_PORT, EPMD_PORT = (PREFIX * 10000 + n for n in (3306, 4672, 4673, 4369))
SERVICES = {  # name: (catalog type, n of the port, path of the catalog's URL, path that answers when healthy)
    'keystone': ('identity', 5000, '/v3', '/v3'),
    'glance': ('image', 9292, '', '/healthcheck'),
    'placement': ('placement', 8778, '', '/'),
    'nova': ('compute', 8774, '/v2.1', '/'),
    'neutron': ('network', 9696, '', '/'),
    'cinder': ('volumev3', 8776, '/v3/%(project_id)s', '/healthcheck'),
    'ironic': ('baremetal', 6385, '', '/'),
}
DATABASES = ('keystone', 'glance', 'placement', 'nova_api', 'nova', 'nova_cell0', 'neutron', 'cinder',
             'ironic')


class Cloud:
    def __init__(self, name, prefix, computes, ironic):
        self.name, self.prefix, self.computes, self.ironic = name, prefix, computes, ironic
        self.region = {'source': 'region-src', 'destination': 'region-dst'}[name]
        self.services = [s for s in SERVICES if s != 'ironic' or ironic]
        self.dir = os.path.join(STATE, name)

    def port(self, service):
        return self.prefix * 10000 + SERVICES[service][1]

    def url(self, service, path=''):
        return 'http://127.0.0.1:%d%s' % (self.port(service), path)

    def db(self, name):
        return 'mysql+pymysql://bed:%s@127.0.0.1:%d/%s_%s?charset=utf8mb4' % (
            secret(), DB_PORT, self.name, name)

    @property
    def amqp(self):
        return 'rabbit://bed:%s@127.0.0.1:%d/%s' % (secret(), AMQP_PORT, self.name)


CLOUDS = [Cloud('source', PREFIX, ['src-compute-1', 'src-compute-2', 'src-compute-3'], ironic=False),
          Cloud('destination', PREFIX + 1, ['dst-compute-1', 'dst-compute-2', 'dst-compute-3'], ironic=True)]


def secret():
    """One random password for everything; kept in the state directory."""
    path = os.path.join(STATE, 'secret')
    if not os.path.exists(path):
        os.makedirs(STATE, exist_ok=True)
        with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), 'w') as f:
            f.write(secrets.token_hex(12))
    with open(path) as f:
        return f.read()


def write(path, text, mode=0o600):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, mode), 'w') as f:
        f.write(text)


def env(**more):
    """The environment of our processes; BED_STATE marks them as ours."""
    keep = {k: v for k, v in os.environ.items() if k in ('LANG', 'TERM')}
    return dict(keep, PATH=PATH, HOME=STATE, LC_ALL='C.UTF-8', BED_STATE=STATE, PYTHONDONTWRITEBYTECODE='1',
                PYTHONPATH=os.path.join(LIB, 'plugins'), **more)


def manage(*argv, **more):
    """Run a command of the bed to its end; its output goes to manage.log."""
    with open(os.path.join(STATE, 'manage.log'), 'ab') as log:
        log.write(('\n$ %s\n' % ' '.join(argv)).encode())
        log.flush()
        done = subprocess.run(argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=env(**more))
    if done.returncode:
        sys.exit('failed (see %s/manage.log): %s' % (STATE, ' '.join(argv)))


# -- processes: <STATE>/pids/<name> holds "pid start-time"
def _start_time(pid):
    try:
        with open('/proc/%d/stat' % pid) as f:
            fields = f.read().rsplit(')', 1)[1].split()
        return None if fields[0] == 'Z' else fields[19]
    except OSError:
        return None


def pid_of(name):
    """The pid of a process of ours that is alive, or None."""
    try:
        with open(os.path.join(STATE, 'pids', name)) as f:
            pid, started = f.read().split()
    except OSError:
        return None
    return int(pid) if _start_time(int(pid)) == started else None


def names():
    try:
        return sorted(os.listdir(os.path.join(STATE, 'pids')))
    except OSError:
        return []


def start(name, argv, cwd=None, **more):
    if pid_of(name):
        return
    os.makedirs(os.path.join(STATE, 'logs'), exist_ok=True)
    with open(os.path.join(STATE, 'logs', name + '.log'), 'ab') as log:
        p = subprocess.Popen(argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=env(**more),
                             cwd=cwd or STATE, start_new_session=True)
    write(os.path.join(STATE, 'pids', name), '%d %s' % (p.pid, _start_time(p.pid)))


def stop(procs, seconds=20):
    """TERM, then KILL, the process groups (each one our own session) of these processes."""
    live = {n: pid_of(n) for n in procs if pid_of(n)}
    for pid in live.values():
        os.killpg(pid, signal.SIGTERM)
    end = time.time() + seconds
    while time.time() < end and any(pid_of(n) for n in live):
        time.sleep(0.2)
    for n, pid in live.items():
        if pid_of(n):
            os.killpg(pid, signal.SIGKILL)
    for n in procs:
        if os.path.exists(os.path.join(STATE, 'pids', n)):
            os.unlink(os.path.join(STATE, 'pids', n))


def wait_for(what, probe, seconds=180):
    end = time.time() + seconds
    while True:
        try:
            if probe():
                return
        except Exception as e:
            last = e
        else:
            last = None
        if time.time() > end:
            sys.exit('not ready after %d s: %s (%s); logs are in %s/logs' % (seconds, what, last, STATE))
        time.sleep(0.5)


def listening(port):
    with socket.create_connection(('127.0.0.1', port), 2):
        return True


def taken(port):
    try:
        return listening(port)
    except OSError:
        return False


def answers(url):
    try:
        return urllib.request.urlopen(url, timeout=10).status < 400
    except urllib.error.HTTPError as e:
        return e.code in (300, 401)


def rest(method, url, token=None, body=None, version=None):
    req = urllib.request.Request(url, method=method, data=None if body is None else json.dumps(body).encode())
    req.add_header('Content-Type', 'application/json')
    if token:
        req.add_header('X-Auth-Token', token)
    if version:
        req.add_header('OpenStack-API-Version', version)
    with urllib.request.urlopen(req, timeout=60) as r:
        data = r.read()
        return r, json.loads(data) if data else None


def admin_token(cloud):
    r, _ = rest('POST', cloud.url('keystone', '/v3/auth/tokens'), body={'auth': {
        'identity': {'methods': ['password'], 'password': {'user': {
            'name': 'admin', 'domain': {'id': 'default'}, 'password': secret()}}},
        'scope': {'project': {'name': 'admin', 'domain': {'id': 'default'}}}}})
    return r.headers['X-Subject-Token']
