import { describe, expect, test } from 'vitest';
import type { ErrorName } from '../../../lib/domain/errors.ts';
import { cloudText, failureOfAnswer, failureOfConnection } from '../../../lib/openstack/failure.ts';

const CALL = {
  cloud: 'source',
  service: 'compute',
  method: 'POST',
  path: '/v2.1/servers/1/action?x=1',
};
const failure = (status: number, body: unknown, headers = {}) =>
  failureOfAnswer(CALL, {
    status,
    headers,
    text: typeof body === 'string' ? body : JSON.stringify(body),
  });

const nova = (kind: string, message: string) => ({ [kind]: { code: 0, message } });
const neutron = (type: string, message: string) => ({
  NeutronError: { type, message, detail: '' },
});
const ironic = (faultstring: string) => ({
  error_message: JSON.stringify({ faultcode: 'Client', faultstring, debuginfo: null }),
});

const TABLE: [ErrorName, number, string, unknown][] = [
  ['RequestRefused', 400, 'a bad request', nova('badRequest', 'Invalid input for field')],
  ['CredentialsRefused', 401, 'a token', { error: { message: 'requires authentication' } }],
  ['QuotaExceeded', 403, 'nova quota', nova('forbidden', 'Quota exceeded for cores: Requested 2')],
  ['QuotaExceeded', 403, 'nova ports', nova('forbidden', 'Maximum number of ports exceeded')],
  ['Forbidden', 403, 'policy', nova('forbidden', "Policy doesn't allow os_compute_api:x")],
  ['ResourceNotFound', 404, 'nova', nova('itemNotFound', 'Instance 1 could not be found.')],
  ['RequestRefused', 406, 'microversion', nova('computeFault', 'Version 2.99 is not supported')],
  ['CloudUnavailable', 408, 'a slow body', ''],
  ['QuotaExceeded', 409, 'neutron quota', neutron('OverQuota', "Quota exceeded for: ['port'].")],
  [
    'CloudBusy',
    409,
    'nova task',
    nova('conflictingRequest', "Cannot 'suspend' instance 1 while it is in task_state migrating"),
  ],
  [
    'CloudBusy',
    409,
    'nova building',
    nova('conflictingRequest', "Cannot 'stop' instance 1 while it is in vm_state building"),
  ],
  [
    'ResourceConflict',
    409,
    'nova state that does not pass by itself',
    nova('conflictingRequest', "Cannot 'suspend' instance 1 while it is in vm_state stopped"),
  ],
  ['ResourceConflict', 409, 'nova lock', nova('conflictingRequest', 'Instance 1 is locked')],
  ['CloudBusy', 409, 'neutron state', neutron('StateInvalid', 'Unsupported port state: BUILD')],
  ['ResourceConflict', 409, 'neutron in use', neutron('NetworkInUse', 'There are ports on it')],
  ['CloudBusy', 409, 'ironic lock', ironic('Node 1 is locked by host c1, please retry after')],
  ['ResourceConflict', 409, 'ironic name', ironic('A node with name n already exists.')],
  [
    'CloudBusy',
    409,
    'octavia',
    { faultstring: 'Load Balancer 1 is immutable and cannot be updated.' },
  ],
  [
    'CloudBusy',
    409,
    'placement generation',
    { errors: [{ detail: 'generation conflict', code: 'placement.concurrent_update' }] },
  ],
  ['ResourceConflict', 409, 'keystone name', { error: { message: 'Duplicate entry' } }],
  ['ResourceNotFound', 410, 'gone', ''],
  [
    'QuotaExceeded',
    413,
    'cinder',
    nova('overLimit', 'VolumeLimitExceeded: Maximum number of volumes'),
  ],
  ['CloudUnavailable', 429, 'too many', ''],
  ['CloudUnavailable', 500, 'nova', nova('computeFault', 'Unexpected API Error. MessagingTimeout')],
  ['RequestRefused', 501, 'not there', ''],
  ['CloudUnavailable', 502, 'a proxy', '<html><title>502 Bad Gateway</title></html>'],
  ['CloudUnavailable', 503, 'a proxy', ''],
  ['CloudUnavailable', 504, 'a proxy', ''],
];

describe('a status becomes a name', () => {
  test.each(TABLE)('%s: %i %s', (name, status, _what, body) => {
    expect(failure(status, body)).toMatchObject({ name, call: { status, cloud: 'source' } });
  });

  test('a redirect is refused and says where to', () => {
    expect(failure(302, '', { location: 'https://new.example/' })).toMatchObject({
      name: 'RequestRefused',
      message: expect.stringContaining('moved to https://new.example/'),
    });
  });
});

describe('a failure tells', () => {
  test('the call and the cloud own words in one sentence, and the request id', () => {
    const error = failure(409, nova('conflictingRequest', "Cannot 'stop'\n instance 1."), {
      'x-openstack-request-id': 'req-1',
    });
    expect(error.message).toBe(
      "source compute answered 409 to POST /v2.1/servers/1/action: Cannot 'stop' instance 1",
    );
    expect(error.call).toEqual({
      cloud: 'source',
      method: 'POST',
      path: '/v2.1/servers/1/action?x=1',
      status: 409,
      requestId: 'req-1',
    });
  });

  test("Ironic's request id, which it spells in another way", () => {
    expect(failure(404, '', { 'openstack-request-id': 'req-2' }).call.requestId).toBe('req-2');
  });

  test.each<[unknown, string]>([
    [neutron('PortNotFound', 'Port 1 could not be found.'), 'Port 1 could not be found'],
    [ironic('Node 1 could not be found.'), 'Node 1 could not be found'],
    [{ errors: [{ status: 404, title: 'Not Found', detail: 'No provider 1' }] }, 'No provider 1'],
    [{ message: 'No image found<br /><br />\n\n', code: '404 Not Found' }, 'No image found'],
    ['<html><head><title>403 Forbidden</title></head><body><h1>403</h1>no</body></html>', '403 no'],
    ['x'.repeat(600), `${'x'.repeat(500)}...`],
  ])('the words in %j', (body, words) => {
    expect(cloudText(typeof body === 'string' ? body : JSON.stringify(body))).toBe(words);
  });
});

test.each<[string, string]>([
  ['ECONNREFUSED', 'refuses connections'],
  ['ENOTFOUND', 'does not resolve'],
  ['ECONNRESET', 'cut the connection'],
  ['UND_ERR_HEADERS_TIMEOUT', 'did not answer in time'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'not trusted'],
])('a connection that fails with %s is CloudUnavailable', (code, words) => {
  const cause = Object.assign(new Error('x'), { code });
  expect(failureOfConnection({ ...CALL, origin: 'http://c' }, cause)).toMatchObject({
    name: 'CloudUnavailable',
    message: expect.stringContaining(words),
    cause,
  });
});
