import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { loadCloud, parseClouds, readCloudsFile } from '../../../lib/openstack/clouds-yaml.ts';
import { cloudsText } from './scripted-server.ts';

const URL_OF_CLOUD = 'https://cloud.example:5000';
const cloud = (fields: string) => `
clouds:
  east:
${fields.replace(/^/gm, '    ')}
`;
const auth = (fields: string) => cloud(`auth:\n${fields.replace(/^/gm, '  ')}`);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'clouds-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
  vi.unstubAllEnvs();
});
const write = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

describe('a clouds.yaml gives', () => {
  test('user and project by name, with their domains', () => {
    expect(loadCloud(cloudsText(URL_OF_CLOUD), 'east')).toEqual({
      entry: 'east',
      authUrl: `${URL_OF_CLOUD}/v3`,
      auth: {
        kind: 'password',
        user: { name: 'operator', domain: { name: 'Default' } },
        password: 'hunter2-secret',
        project: { name: 'admin', domain: { name: 'Default' } },
      },
      regionName: 'here',
      interface: 'public',
      tls: { verify: true },
      endpointOverrides: {},
    });
  });

  test('user and project by id, without domains', () => {
    const text = auth(
      `auth_url: ${URL_OF_CLOUD}/v2.0/\nuser_id: u\npassword: 12345\nproject_id: p`,
    );
    expect(loadCloud(text, 'east')).toMatchObject({
      authUrl: `${URL_OF_CLOUD}/v3`,
      auth: { user: { id: 'u' }, password: '12345', project: { id: 'p' } },
    });
  });

  test('a default domain, and the older words for a project', () => {
    const text = auth(
      `auth_url: ${URL_OF_CLOUD}\nusername: u\npassword: p\ntenant_name: t\ndefault_domain_id: d`,
    );
    expect(loadCloud(text, 'east').auth).toMatchObject({
      user: { name: 'u', domain: { id: 'd' } },
      project: { name: 't', domain: { id: 'd' } },
    });
  });

  test('an application credential by name, which belongs to a user', () => {
    const text = `${auth(
      `auth_url: ${URL_OF_CLOUD}
application_credential_name: c
application_credential_secret: s
username: u
user_domain_name: d`,
    )}    auth_type: v3applicationcredential\n`;
    expect(loadCloud(text, 'east').auth).toEqual({
      kind: 'application-credential',
      credential: { name: 'c', user: { name: 'u', domain: { name: 'd' } } },
      secret: 's',
    });
  });

  test('region, interface, TLS, timeout and overrides', () => {
    const extra = `
    interface: internalURL
    verify: false
    cacert: /etc/ca.pem
    cert: ~/me.pem
    key: ~/me.key
    api_timeout: 30
    volumev3_endpoint_override: https://volume.example/v3/own
    block_storage_endpoint_override: https://ignored.example
    load_balancer_endpoint_override: https://lb.example/`;
    expect(loadCloud(cloudsText(URL_OF_CLOUD, extra), 'east')).toMatchObject({
      interface: 'internal',
      tls: { verify: false, cacert: '/etc/ca.pem', cert: '~/me.pem', key: '~/me.key' },
      apiTimeout: 30_000,
      endpointOverrides: {
        volumev3: 'https://volume.example/v3/own',
        'load-balancer': 'https://lb.example',
      },
    });
    const insecure = loadCloud(cloudsText(URL_OF_CLOUD, '    insecure: true'), 'east');
    expect(insecure.tls.verify).toBe(false);
  });
});

const GOOD = `auth_url: ${URL_OF_CLOUD}\nuser_id: u\npassword: hunter2\nproject_id: p`;
const without = (field: string) => auth(GOOD.replace(new RegExp(`^${field}:.*\n?`, 'm'), ''));

describe('a clouds.yaml is refused in one line that names the field', () => {
  test.each<[string, string, string]>([
    ['no auth', cloud('region_name: r'), 'auth is missing'],
    ['no URL', without('auth_url'), 'auth_url is missing'],
    ['no password', without('password'), 'password is missing'],
    ['no user', without('user_id'), 'auth.username or auth.user_id is missing'],
    ['no project', without('project_id'), 'auth.project_name or auth.project_id is missing'],
    ['system scope', auth(GOOD.replace('project_id: p', 'system_scope: all')), 'auth.system_scope'],
    [
      'no user domain',
      auth(GOOD.replace('user_id: u', 'username: u')),
      'auth.user_domain_name or auth.user_domain_id is missing',
    ],
    [
      'no project domain',
      auth(GOOD.replace('project_id: p', 'project_name: p')),
      'auth.project_domain_name or auth.project_domain_id is missing',
    ],
    [
      'a URL that is none',
      auth(GOOD.replace(URL_OF_CLOUD, 'cloud')),
      'must be an http or https URL',
    ],
    [
      'a URL with a password',
      auth(GOOD.replace('https://', 'https://u:hunter2@')),
      'must not carry a user or password',
    ],
    ['another way in', `${auth(GOOD)}    auth_type: v3oidcpassword\n`, '"v3oidcpassword" is not'],
    ['a profile', `${auth(GOOD)}    profile: vexxhost\n`, 'profile is not supported'],
    ['an interface', `${auth(GOOD)}    interface: private\n`, '"private" must be public'],
    ['a flag', `${auth(GOOD)}    verify: perhaps\n`, 'verify must be true or false'],
    ['a timeout', `${auth(GOOD)}    api_timeout: soon\n`, 'api_timeout must be a number'],
    ['a key alone', `${auth(GOOD)}    key: k.pem\n`, 'cert is missing beside key'],
    [
      'a list where text is due',
      `${auth(GOOD)}    region_name: [a, b]\n`,
      'region_name must be text',
    ],
    ['an entry that is none', 'clouds:\n  east: 7\n', 'must be a mapping'],
  ])('%s', (_title, text, words) => {
    const refuse = () => loadCloud(parseClouds(text, 'my.yaml'), 'east');
    expect(refuse).toThrow(
      expect.objectContaining({
        name: 'InvalidRequest',
        message: expect.stringMatching(/^my\.yaml: cloud "east": [^\n]*$/),
      }),
    );
    expect(refuse).toThrow(words);
    expect(refuse).not.toThrow('hunter2');
  });

  test('an entry that is not there, naming those that are', () => {
    expect(() => loadCloud(cloudsText(URL_OF_CLOUD), 'west')).toThrow(
      'clouds.yaml: has no cloud "west" (it has: east)',
    );
    expect(() => loadCloud(cloudsText(URL_OF_CLOUD), 'toString')).toThrow('has no cloud');
  });

  test('text that is not YAML, without quoting it', () => {
    const broken = 'clouds:\n  east:\n    auth: {password: hunter2\n';
    expect(() => parseClouds(broken)).toThrow(
      /^clouds\.yaml: is not readable as YAML \(line \d+\)$/,
    );
    expect(() => parseClouds('[]\n')).toThrow('has no "clouds" mapping');
  });
});

describe('the file', () => {
  test('named in OS_CLIENT_CONFIG_FILE is read, with the secrets beside it', () => {
    const open = cloudsText(URL_OF_CLOUD).replace(/^ *password:.*\n/m, '');
    vi.stubEnv('OS_CLIENT_CONFIG_FILE', write('mine.yaml', open));
    expect(() => loadCloud(undefined, 'east')).toThrow('password is missing');
    write('secure.yaml', auth('password: kept-apart'));
    expect(loadCloud(undefined, 'east').auth).toMatchObject({
      password: 'kept-apart',
      user: { name: 'operator' },
    });
  });

  test('given by path comes before that', () => {
    vi.stubEnv('OS_CLIENT_CONFIG_FILE', join(folder, 'none.yaml'));
    const path = write('given.yaml', cloudsText(URL_OF_CLOUD));
    expect(readCloudsFile(path)).toMatchObject({ origin: path });
    expect(loadCloud(path, 'east').entry).toBe('east');
  });

  test('that is missing is named', () => {
    const path = join(folder, 'none.yaml');
    expect(() => readCloudsFile(path)).toThrow(`${path}: no such file`);
  });
});
