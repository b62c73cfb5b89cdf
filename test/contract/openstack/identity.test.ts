import { describe, expect, test } from 'vitest';
import { authenticate, passwordAuth, send, underContract, unique, until } from './session.ts';

const { cloud, after } = underContract();

const admin = (method: string, path: string, body?: unknown) =>
  cloud.admin.call(method, 'identity', path, body === undefined ? {} : { body });

async function make(collection: string, key: string, fields: object) {
  const answer = await admin('POST', `/${collection}`, { [key]: fields });
  expect(answer.status).toBe(201);
  const item = answer.body[key];
  after.add(() => admin('DELETE', `/${collection}/${item.id}`));
  return item;
}

describe('tokens', () => {
  test('a password gives a token with user, project, roles and the catalog', async () => {
    const auth = passwordAuth(cloud.member);
    const answer = await send('POST', `${cloud.authUrl}/auth/tokens`, undefined, {
      body: { auth },
    });
    expect(answer.status).toBe(201);
    const { token } = answer.body;
    expect(token.methods).toEqual(['password']);
    expect(token.user).toMatchObject({ name: cloud.member.user, domain: { id: 'default' } });
    expect(token.project).toMatchObject({ id: cloud.member.projectId, domain: { id: 'default' } });
    expect(token.roles.map((role: { name: string }) => role.name)).toContain('member');
    expect(token.expires_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000000Z$/);
    const types = token.catalog.map((one: { type: string }) => one.type);
    for (const type of ['identity', 'compute', 'image', 'network', 'volumev3', 'placement'])
      expect(types).toContain(type);
    const [endpoint] = token.catalog[0].endpoints;
    expect(Object.keys(endpoint).sort()).toEqual(['id', 'interface', 'region', 'region_id', 'url']);
  });

  test('Cinder in the catalog has the project in its address', () => {
    expect(cloud.member.url('volumev3')).toContain(`/v3/${cloud.member.projectId}`);
  });

  test('without a scope there is no project and no catalog', async () => {
    const { project: _, ...login } = { ...cloud.member, project: undefined };
    const auth = passwordAuth({ user: login.user, password: login.password });
    const answer = await send('POST', `${cloud.authUrl}/auth/tokens`, undefined, {
      body: { auth },
    });
    expect(answer.status).toBe(201);
    expect(answer.body.token.project).toBeUndefined();
    expect(answer.body.token.catalog).toBeUndefined();
  });

  test.each([
    ['a wrong password', { password: 'wrong' }],
    ['an unknown user', { user: 'nobody-at-all' }],
    ['a project without a role', { project: 'admin' }],
    ['an unknown project', { project: 'no-such-project' }],
  ])('%s is refused with 401', async (_, change) => {
    const auth = passwordAuth({ ...cloud.member, ...change });
    const answer = await send('POST', `${cloud.authUrl}/auth/tokens`, undefined, {
      body: { auth },
    });
    expect(answer.status).toBe(401);
    expect(answer.body.error).toMatchObject({ code: 401, title: 'Unauthorized' });
  });

  test('a body without identity, or that is no JSON, is refused with 400', async () => {
    const url = `${cloud.authUrl}/auth/tokens`;
    expect((await send('POST', url, undefined, { body: { auth: {} } })).status).toBe(400);
    const bad = await fetch(url, {
      method: 'POST',
      body: '{',
      headers: { 'Content-Type': 'application/json' },
    });
    expect(bad.status).toBe(400);
  });

  test('an admin reads the token of another, and a revoked token opens nothing', async () => {
    const session = await cloud.login(cloud.member);
    const headers = { 'X-Subject-Token': session.token };
    const shown = await cloud.admin.call('GET', 'identity', '/auth/tokens', { headers });
    expect(shown.status).toBe(200);
    expect(shown.body.token.user.id).toBe(cloud.member.userId);
    const revoked = await session.call('DELETE', 'identity', '/auth/tokens', { headers });
    expect(revoked.status).toBe(204);
    expect((await session.call('GET', 'identity', '/auth/projects')).status).toBe(401);
    const gone = await cloud.admin.call('GET', 'identity', '/auth/tokens', { headers });
    expect(gone.status).toBe(404);
  });

  test('an application credential gives a token for its project, and takes no scope', async () => {
    const name = unique('credential');
    const path = `/users/${cloud.member.userId}/application_credentials`;
    const made = await cloud.member.call('POST', 'identity', path, {
      body: { application_credential: { name } },
    });
    expect(made.status).toBe(201);
    const { id, secret } = made.body.application_credential;
    const identity = {
      methods: ['application_credential'],
      application_credential: { id, secret },
    };
    const session = await authenticate(cloud.authUrl, { identity });
    expect(session.projectId).toBe(cloud.member.projectId);
    const scoped = await send('POST', `${cloud.authUrl}/auth/tokens`, undefined, {
      body: { auth: { identity, scope: { project: { id: cloud.admin.projectId } } } },
    });
    expect(scoped.status).toBe(401);
    const listed = await cloud.member.call('GET', 'identity', path);
    expect(listed.body.application_credentials[0].secret).toBeUndefined();
    expect((await cloud.member.call('DELETE', 'identity', `${path}/${id}`)).status).toBe(204);
  });

  test('a member sees its own projects and the catalog', async () => {
    const projects = await cloud.member.call('GET', 'identity', '/auth/projects');
    expect(projects.body.projects.map((one: { id: string }) => one.id)).toEqual([
      cloud.member.projectId,
    ]);
    const catalog = await cloud.member.call('GET', 'identity', '/auth/catalog');
    expect(catalog.body.catalog.length).toBeGreaterThan(4);
  });
});

describe('projects, users, groups', () => {
  test('a project is made, changed, tagged, found by name, deleted', async () => {
    const name = unique('project');
    const project = await make('projects', 'project', { name, domain_id: 'default' });
    expect(project).toMatchObject({
      name,
      domain_id: 'default',
      description: '',
      enabled: true,
      parent_id: 'default',
      is_domain: false,
      tags: [],
      options: {},
    });
    expect(project.id).toMatch(/^[0-9a-f]{32}$/);
    const changed = await admin('PATCH', `/projects/${project.id}`, {
      project: { description: 'x' },
    });
    expect(changed.body.project.description).toBe('x');
    const tagged = await admin('PUT', `/projects/${project.id}/tags`, { tags: ['a', 'b'] });
    expect(tagged.body.tags).toEqual(['a', 'b']);
    const found = await admin('GET', `/projects?name=${name}&domain_id=default`);
    expect(found.body.projects).toHaveLength(1);
    expect(found.body.projects[0].tags).toEqual(['a', 'b']);
    expect((await admin('DELETE', `/projects/${project.id}`)).status).toBe(204);
    const gone = await admin('GET', `/projects/${project.id}`);
    expect(gone.status).toBe(404);
    expect(gone.body.error.message).toBe(`Could not find project: ${project.id}.`);
    expect((await admin('DELETE', `/projects/${project.id}`)).status).toBe(404);
  });

  test.each([
    ['projects', 'project'],
    ['users', 'user'],
    ['groups', 'group'],
    ['roles', 'role'],
  ])('a second one of %s with the same name is refused with 409', async (collection, key) => {
    const name = unique(key);
    await make(collection, key, { name });
    const second = await admin('POST', `/${collection}`, { [key]: { name } });
    expect(second.status).toBe(409);
    expect(second.body.error.title).toBe('Conflict');
  });

  test('a project without a name is refused with 400', async () => {
    expect((await admin('POST', '/projects', { project: {} })).status).toBe(400);
  });

  test('a user has what it was given, and no password in any answer', async () => {
    const name = unique('user');
    const user = await make('users', 'user', {
      name,
      email: 'a@example.com',
      password: 'secret-1',
    });
    expect(user).toMatchObject({
      name,
      email: 'a@example.com',
      enabled: true,
      domain_id: 'default',
    });
    expect(JSON.stringify(user)).not.toContain('secret-1');
    expect(user.password).toBeUndefined();
    const disabled = await admin('PATCH', `/users/${user.id}`, { user: { enabled: false } });
    expect(disabled.body.user.enabled).toBe(false);
  });

  test('a user joins a group; leaving it ends all its tokens', async () => {
    const group = await make('groups', 'group', { name: unique('group'), description: 'd' });
    const login = {
      user: unique('user'),
      password: 'secret-2',
      project: cloud.member.project ?? '',
    };
    const { id } = await make('users', 'user', { name: login.user, password: login.password });
    const roles = await admin('GET', '/roles?name=member');
    const role = roles.body.roles[0].id;
    await admin('PUT', `/projects/${cloud.member.projectId}/users/${id}/roles/${role}`);
    const session = await cloud.login(login);
    const path = `/groups/${group.id}/users`;
    expect((await admin('HEAD', `${path}/${id}`)).status).toBe(404);
    expect((await admin('PUT', `${path}/${id}`)).status).toBe(204);
    expect((await admin('HEAD', `${path}/${id}`)).status).toBe(204);
    expect((await admin('GET', path)).body.users[0].id).toBe(id);
    const groups = await admin('GET', `/users/${id}/groups`);
    expect(groups.body.groups.map((one: { id: string }) => one.id)).toContain(group.id);
    expect((await session.call('GET', 'identity', '/auth/projects')).status).toBe(200);
    expect((await admin('DELETE', `${path}/${id}`)).status).toBe(204);
    expect((await admin('GET', path)).body.users).toEqual([]);
    await until(
      () => session.call('GET', 'identity', '/auth/projects'),
      (answer) => answer.status === 401,
    );
  });

  test('the default domain is there and cannot be deleted while it is enabled', async () => {
    const shown = await admin('GET', '/domains/default');
    expect(shown.body.domain).toMatchObject({ id: 'default', name: 'Default', enabled: true });
    expect((await admin('DELETE', '/domains/default')).status).toBe(403);
  });

  test.each([
    ['GET', '/projects', 'list_projects'],
    ['GET', '/users', 'list_users'],
    ['GET', '/role_assignments', 'list_role_assignments'],
  ])('%s %s is refused to a member with 403', async (method, path, rule) => {
    const answer = await cloud.member.call(method, 'identity', path);
    expect(answer.status).toBe(403);
    expect(answer.body.error.message).toContain(`identity:${rule}`);
  });
});

describe('role assignments', () => {
  test('a grant is made twice as well as once, checked, listed and taken back', async () => {
    const project = await make('projects', 'project', { name: unique('project') });
    const role = await make('roles', 'role', { name: unique('role') });
    const path = `/projects/${project.id}/users/${cloud.member.userId}/roles`;
    expect((await admin('HEAD', `${path}/${role.id}`)).status).toBe(404);
    expect((await admin('PUT', `${path}/${role.id}`)).status).toBe(204);
    expect((await admin('PUT', `${path}/${role.id}`)).status).toBe(204);
    expect((await admin('HEAD', `${path}/${role.id}`)).status).toBe(204);
    expect((await admin('GET', path)).body.roles.map((one: { id: string }) => one.id)).toEqual([
      role.id,
    ]);
    const query = `scope.project.id=${project.id}&include_names`;
    const listed = await admin('GET', `/role_assignments?${query}`);
    expect(listed.body.role_assignments).toHaveLength(1);
    expect(listed.body.role_assignments[0]).toMatchObject({
      scope: { project: { id: project.id, name: project.name, domain: { id: 'default' } } },
      user: { id: cloud.member.userId, name: cloud.member.user, domain: { name: 'Default' } },
      role: { id: role.id, name: role.name },
    });
    expect((await admin('DELETE', `${path}/${role.id}`)).status).toBe(204);
    expect((await admin('DELETE', `${path}/${role.id}`)).status).toBe(404);
  });

  test('a group has roles too, and its members have them through it', async () => {
    const project = await make('projects', 'project', { name: unique('project') });
    const group = await make('groups', 'group', { name: unique('group') });
    const role = await make('roles', 'role', { name: unique('role') });
    const path = `/projects/${project.id}/groups/${group.id}/roles/${role.id}`;
    expect((await admin('PUT', path)).status).toBe(204);
    const login = { user: unique('user'), password: 'secret-3', project: project.name };
    const user = await make('users', 'user', { name: login.user, password: login.password });
    await admin('PUT', `/groups/${group.id}/users/${user.id}`);
    const session = await cloud.login(login);
    expect(session.projectId).toBe(project.id);
    const listed = await admin('GET', `/role_assignments?group.id=${group.id}`);
    expect(listed.body.role_assignments[0].group.id).toBe(group.id);
    expect((await admin('DELETE', path)).status).toBe(204);
  });

  test.each([
    ['role', (ids: { user: string }) => `users/${ids.user}/roles/nope`],
    ['user', () => 'users/nope/roles/nope'],
  ])('an unknown %s in a grant is 404', async (_, path) => {
    const project = cloud.member.projectId;
    const answer = await admin(
      'PUT',
      `/projects/${project}/${path({ user: cloud.member.userId })}`,
    );
    expect(answer.status).toBe(404);
  });
});

describe('the catalog as an admin reads it', () => {
  test('services, endpoints and regions are listed', async () => {
    const services = await admin('GET', '/services');
    expect(services.body.services.map((one: { type: string }) => one.type)).toContain('compute');
    const endpoints = await admin('GET', '/endpoints');
    expect(endpoints.body.endpoints[0]).toHaveProperty('service_id');
    const regions = await admin('GET', '/regions');
    expect(regions.body.regions).toHaveLength(1);
  });
});
