/** Makes the workload in the source, wave after wave. Safe to repeat and to be killed anywhere. */
import { type PlanItem, plannedItem } from '../domain/plan.ts';
import type { Workload } from '../domain/workload.ts';
import { type GrowingIds, idsOf } from '../migration/ids.ts';
import type { Cloud } from '../ports.ts';
import { record } from '../record.ts';
import type { Project } from '../resources/tenant.ts';
import type { Runtime } from '../runtime.ts';
import { machineSteps } from './machines.ts';
import { peopleSteps } from './people.ts';
import { cloudOf, getCloudItem, type Reset } from './reset.ts';
import type { Ground, Step } from './step.ts';
import { flavorStep, imageStep } from './supplies.ts';
import { surroundingSteps } from './surroundings.ts';
import { workOff } from './work-off.ts';

/** Seconds of work before the state machine is given a turn; the Lambda may take 900, for images. */
const TURN_SECONDS = 60;

/** Seconds that a wave may take: servers boot, volumes are made. */
const WAVE_SECONDS = 3600;

const PREFIX = 'make';

/** Everything that a workload takes, each once, with the prefix on every name. */
export const stepsOf = (workload: Workload, prefix: string): Step[] => {
  const named = (name: string) => (name.startsWith(prefix) ? name : `${prefix}${name}`);
  const steps = [
    ...workload.flavors.map((flavor) => flavorStep(named(flavor.name), flavor)),
    ...workload.images.map((image) => imageStep(named(image.name), image)),
    ...peopleSteps(workload, named),
    ...surroundingSteps(workload, named),
    ...machineSteps(workload, named),
  ];
  return [...new Map(steps.map((step) => [`${step.type}:${step.key}`, step])).values()];
};

const groundOf = async (cloud: Cloud, ids: GrowingIds): Promise<Ground> => {
  const { projectId, userId } = await cloud.self();
  const { project } = await cloud.get<{ project: Project }>('identity', `/projects/${projectId}`);
  const scopes = new Map<string, Cloud>();
  const within = (tenant: string) => {
    const scope = scopes.get(tenant) ?? cloud.scopedTo(ids.of('tenant', tenant));
    scopes.set(tenant, scope);
    return scope;
  };
  return { cloud, ids, userId, domainId: project.domain_id, within };
};

const itemOf = (operation: string, { type, key: id, label, wave }: Step): PlanItem =>
  plannedItem({ operation, type: `${PREFIX}/${type}`, id, label, wave });

const plainType = ({ type }: PlanItem) => type.slice(PREFIX.length + 1);

/** Makes sure that one is there; answers what it still waits for. */
const maker =
  (runtime: Runtime, ground: Ground, known: ReadonlyMap<string, PlanItem>) =>
  async (step: Step): Promise<string | undefined> => {
    const { plans } = runtime;
    const item = known.get(`${step.type}:${step.key}`);
    if (!item) return undefined;
    const { tail: after } = await plans.intend(item, 'make');
    const id = (await step.find(ground)) ?? (await step.make(ground));
    ground.ids.set(step.type, step.key, id);
    await plans.update(item, { destinationId: id });
    await step.settle?.(ground, id);
    const pending = await step.pending?.(ground, id);
    if (pending) return pending;
    const { operation } = item;
    for (const { name, data } of (await step.tell?.(ground, id)) ?? []) {
      const told = { operation, step: `${step.type}:${step.key}/${name}`, name, after };
      await record(runtime, { ...told, data: { cloud: 'source', ...data } });
    }
    await plans.update(item, { state: 'ready' });
    return undefined;
  };

/** The plan's items for the steps; written before the first of them begins. */
const plannedItems = async ({ plans }: Runtime, operation: string, steps: readonly Step[]) => {
  const made = async () =>
    (await plans.list(operation)).filter(({ type }) => type.startsWith(`${PREFIX}/`));
  const known = await made();
  const keys = new Set(known.map((item) => `${item.type}:${item.id}`));
  const missing = steps
    .map((step) => itemOf(operation, step))
    .filter((item) => !keys.has(`${item.type}:${item.id}`));
  if (missing.length > 0) await plans.put(missing);
  return missing.length > 0 ? made() : known;
};

/** Takes our own roles in the new tenants back. Safe to repeat. */
export const revokeGrants = async (runtime: Runtime, { id }: Pick<Reset, 'id'>): Promise<void> => {
  const source = await cloudOf(runtime, 'source');
  for (const { type, destinationId } of await runtime.plans.list(id))
    if (type === `${PREFIX}/grant` && destinationId) await source.delete('identity', destinationId);
};

/**
 * Populates the source, once it has been cleared.
 * @throws StillWaiting when its turn is over, ResourceFailed naming what does not come up
 */
export const populateSource = async (runtime: Runtime, reset: Reset): Promise<void> => {
  const { input, id, ended } = reset;
  const { prefix, workload } = input;
  const item = await getCloudItem(runtime, id, 'source');
  if (ended || item.state !== 'planned' || !prefix || !workload) return;
  const { clock, config, plans } = runtime;
  const turnEnds = clock.now().getTime() + TURN_SECONDS * 1000;
  const steps = stepsOf(workload, prefix);
  const items = await plannedItems(runtime, id, steps);
  const known = new Map(items.map((one) => [`${plainType(one)}:${one.id}`, one]));
  const ids = idsOf(items.map((one) => ({ ...one, type: plainType(one) })));
  const ground = await groundOf(await cloudOf(runtime, 'source'), ids);
  const waves = Map.groupBy(steps, ({ wave }) => wave);
  for (const wave of [...waves.keys()].sort((a, b) => a - b)) {
    const isOpen = ({ type, key }: Step) => known.get(`${type}:${key}`)?.state === 'planned';
    const open = (waves.get(wave) ?? []).filter(isOpen);
    if (open.length === 0) continue;
    const { at: since } = await plans.intend(item, `wave ${wave}`);
    const what = 'populating the source';
    const { watchSeconds } = config;
    const work = { clock, watchSeconds, since, deadlineSeconds: WAVE_SECONDS, turnEnds, what };
    await workOff(work, open, maker(runtime, ground, known));
  }
  await revokeGrants(runtime, reset);
  await plans.update(item, { state: 'ready' });
};
