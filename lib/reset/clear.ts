/** Takes away what bears the prefix in one cloud. Safe to repeat and to be killed anywhere. */
import { isError, PumphouseError } from '../domain/errors.ts';
import { type PlanItem, plannedItem } from '../domain/plan.ts';
import type { CloudName } from '../domain/world.ts';
import type { Cloud } from '../ports.ts';
import { record } from '../record.ts';
import type { Runtime } from '../runtime.ts';
import { cloudOf, getCloudItem, type Reset } from './reset.ts';
import { type Found, survey, WAVES, type Wave } from './survey.ts';
import { workOff } from './work-off.ts';

/** Seconds of work before the state machine is given a turn; the Lambda may take 120. */
const TURN_SECONDS = 60;

/** Seconds for a wave: what Nova and Cinder delete in their own time, and what is merely in the way. */
const SLOW_SECONDS = 900;
const QUICK_SECONDS = 120;

/** How often a cloud is looked at again for what came while it was cleared. */
const ROUNDS = 5;

const PREFIX = 'remove';

const itemOf = (operation: string, cloud: CloudName, found: Found): PlanItem =>
  plannedItem({
    ...{ operation, type: `${PREFIX}/${cloud}/${found.type}`, id: found.id, label: found.name },
    wave: found.wave,
    ...(found.told && { notes: { told: JSON.stringify(found.told) } }),
  });

/** Writes down what is to go, one small item an object, before anything does. */
export const listPrefixed = async (
  runtime: Runtime,
  reset: Reset,
  name: CloudName,
): Promise<void> => {
  const { plans } = runtime;
  const cloud = await getCloudItem(runtime, reset.id, name);
  if (reset.ended || cloud.state !== 'planned' || cloud.notes.listed || !reset.input.prefix) return;
  const found = await survey(await cloudOf(runtime, name), reset.input.prefix);
  await plans.put(found.map((one) => itemOf(reset.id, name, one)));
  await plans.update(cloud, { notes: { listed: true } });
};

interface Clearing {
  runtime: Runtime;
  reset: Reset;
  cloud: Cloud;
  item: PlanItem;
  prefix: string;
  turnEnds: number;
}

/** What is in the way now and may be gone in a moment: a port that is still being unplugged. */
const inTheWay = (error: unknown) =>
  isError(error, 'ResourceConflict', 'CloudBusy', 'Forbidden', 'RequestRefused');

const toldOf = ({ notes }: PlanItem) =>
  typeof notes.told === 'string' ? (JSON.parse(notes.told) as Record<string, unknown>) : {};

/** Takes one away; answers why it is still there, if it is. */
const remover = ({ runtime, reset, cloud }: Clearing, { type, removal }: Wave) => {
  const asked = new Set<string>();
  return async (item: PlanItem): Promise<string | undefined> => {
    const { id, label } = item;
    const { tail: after } = await runtime.plans.intend(item, 'remove');
    try {
      if (!asked.has(id)) await removal.remove(cloud, id);
      asked.add(id);
      if (removal.gone && !(await removal.gone(cloud, id)))
        return `${type} ${label} is still there`;
    } catch (error) {
      if (inTheWay(error)) return `${type} ${label}: ${(error as Error).message}`;
      throw error;
    }
    const step = `${cloud.name}/${type}:${id}/gone`;
    const data = { id, cloud: cloud.name, name: label, ...toldOf(item) };
    await record(runtime, { operation: reset.id, step, name: removal.event, data, after });
    await runtime.plans.update(item, { state: 'ready' });
    return undefined;
  };
};

const clearWave = async (clearing: Clearing, wave: Wave, items: readonly PlanItem[]) => {
  const { runtime, cloud, item, turnEnds } = clearing;
  const type = `${PREFIX}/${cloud.name}/${wave.type}`;
  const open = items.filter((one) => one.type === type && one.state === 'planned');
  if (open.length === 0) return;
  const step = `${wave.type} ${item.notes.rounds ?? 0}`;
  const { at: since } = await runtime.plans.intend(item, step);
  const deadlineSeconds = wave.removal.gone ? SLOW_SECONDS : QUICK_SECONDS;
  const { clock, config } = runtime;
  const { watchSeconds } = config;
  const what = `removing ${wave.type.replaceAll('_', ' ')}s in the ${cloud.name}`;
  const work = { clock, watchSeconds, since, deadlineSeconds, turnEnds, what };
  await workOff(work, open, remover(clearing, wave));
};

const clearWaves = async (clearing: Clearing, wanted: (wave: Wave) => boolean) => {
  const items = await clearing.runtime.plans.list(clearing.reset.id);
  for (const wave of WAVES.filter(wanted)) await clearWave(clearing, wave, items);
};

const isBelonging = ({ isIdentity }: Wave) => !isIdentity;

/** What came meanwhile, or is there again: it is written down and goes in another round. */
const lookAgain = async (clearing: Clearing): Promise<boolean> => {
  const { runtime, reset, cloud, item, prefix } = clearing;
  const left = await survey(cloud, prefix, isBelonging);
  const [first] = left;
  if (!first) return false;
  const rounds = Number(item.notes.rounds ?? 0) + 1;
  if (rounds > ROUNDS) {
    const said = `${left.length} objects of the ${cloud.name} come again, such as ${first.type} ${first.name}`;
    throw new PumphouseError('ResourceFailed', said);
  }
  await runtime.plans.put(left.map((one) => itemOf(reset.id, cloud.name, one)));
  clearing.item = await runtime.plans.update(item, { notes: { rounds } });
  return true;
};

/**
 * Takes away what was written down and what came after it; projects and whoever worked in them last,
 * since by them everything else is known.
 * @throws StillWaiting when its turn is over, ResourceFailed naming what does not go
 */
export const removePrefixed = async (
  runtime: Runtime,
  reset: Reset,
  name: CloudName,
): Promise<void> => {
  const item = await getCloudItem(runtime, reset.id, name);
  const { prefix, workload } = reset.input;
  if (reset.ended || item.state !== 'planned' || item.notes.cleared || !prefix) return;
  const turnEnds = runtime.clock.now().getTime() + TURN_SECONDS * 1000;
  const cloud = await cloudOf(runtime, name);
  const clearing: Clearing = { runtime, reset, cloud, item, prefix, turnEnds };
  do await clearWaves(clearing, isBelonging);
  while (await lookAgain(clearing));
  await clearWaves(clearing, ({ isIdentity }) => isIdentity);
  const more = name === 'source' && workload !== undefined;
  await runtime.plans.update(item, {
    notes: { cleared: true },
    ...(!more && { state: 'ready' as const }),
  });
};
