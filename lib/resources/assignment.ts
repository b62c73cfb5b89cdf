import type { Cloud } from '../ports.ts';
import { all, type ResourceType } from './resource-type.ts';

/** https://docs.openstack.org/api-ref/identity/v3/#list-role-assignments */
export interface Assignment {
  role: { id: string };
  user?: { id: string };
  group?: { id: string };
  scope: { project?: { id: string }; 'OS-INHERIT:inherited_to'?: string };
}

const assignments = (cloud: Cloud, tenantId: string) =>
  all(
    cloud.list<Assignment>('identity', '/role_assignments', 'role_assignments', {
      query: { 'scope.project.id': tenantId },
    }),
  );

const subjectOf = ({ user, group }: Assignment) =>
  user ? { kind: 'user', id: user.id } : { kind: 'group', id: group?.id ?? '' };

/**
 * That a user or a group has a role in the tenant. Our own user's roles stay behind. Its id is the
 * whole sentence: `tenant/user/<id>/role`.
 */
export const assignment: ResourceType<Assignment> = {
  type: 'assignment',
  scope: 'tenant',
  created: ({ user }) => (user ? 'user role assigned' : 'group role assigned'),
  id: (body) =>
    `${body.scope.project?.id}/${subjectOf(body).kind}/${subjectOf(body).id}/${body.role.id}`,
  label: (body) => `role ${body.role.id} of ${subjectOf(body).kind} ${subjectOf(body).id}`,

  async discover({ source, tenantId }) {
    const { userId } = await source.self();
    const found = await assignments(source, tenantId);
    return found.filter(
      ({ user, scope }) => user?.id !== userId && !scope['OS-INHERIT:inherited_to'],
    );
  },

  async get(_source, id) {
    const [project = '', kind = '', subject = '', role = ''] = id.split('/');
    return { role: { id: role }, [kind]: { id: subject }, scope: { project: { id: project } } };
  },

  needs: (body) => [
    { type: 'tenant', id: body.scope.project?.id ?? '' },
    { type: subjectOf(body).kind, id: subjectOf(body).id },
    { type: 'role', id: body.role.id },
  ],

  async find({ destination, ids, tenantId }, body) {
    const { kind, id } = subjectOf(body);
    const project = ids.maybe('tenant', tenantId);
    const [subject, role] = [ids.maybe(kind, id), ids.maybe('role', body.role.id)];
    if (!project || !subject || !role) return [];
    const there = await assignments(destination, project);
    const same = there.find((one) => one.role.id === role && subjectOf(one).id === subject);
    return same ? [{ id: `${project}/${kind}/${subject}/${role}`, body: same }] : [];
  },

  differences: () => [],

  async create({ destination, ids, tenantId }, body) {
    const { kind, id } = subjectOf(body);
    const project = ids.of('tenant', tenantId);
    const [subject, role] = [ids.of(kind, id), ids.of('role', body.role.id)];
    const path = `/projects/${project}/${kind}s/${subject}/roles/${role}`;
    await destination.put('identity', path, undefined);
    return `${project}/${kind}/${subject}/${role}`;
  },

  event: (body, { ids, tenantId }) => ({
    id: ids.of(subjectOf(body).kind, subjectOf(body).id),
    role_id: ids.of('role', body.role.id),
    tenant_id: ids.of('tenant', tenantId),
  }),
};
