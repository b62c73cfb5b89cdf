import { ListExecutionsCommand, SFNClient } from '@aws-sdk/client-sfn';
import { afterEach, describe, expect, test } from 'vitest';
import { beginReassigning, type Reassigning } from '../support/reassigning.ts';

const HOST = 'rack1-node1';

let story: Reassigning;

afterEach(() => story.end());

const begin = async () => {
  story = await beginReassigning({}, 'manual');
  await story.vacate(HOST);
  return story.begin(HOST);
};

const ironic = (verb: string, body: object) =>
  story.destination.put('baremetal', `/v1/nodes/${HOST}/states/${verb}`, body);

/** The reassignment as the table has it, until it waits for a step. */
const untilWaiting = (step: string) =>
  expect
    .poll(
      async () => {
        const asked = await story.confirm(HOST, {
          step: step === 'power-off' ? 'provision' : 'power-off',
        });
        return JSON.stringify(await asked.json());
      },
      { timeout: 60_000 },
    )
    .toContain(`waits for ${step}`);

const untilWaitingForInstallation = () =>
  expect
    .poll(async () => (await story.world()).hosts[0]?.stage, { timeout: 60_000 })
    .toBe('waiting for provision');

/** The executions of the machine and how they stand. */
const executions = async () => {
  const { REASSIGN_HOST_MACHINE: stateMachineArn } = story.service.env;
  const list = new ListExecutionsCommand({ stateMachineArn });
  const { executions: found = [] } = await new SFNClient({}).send(list);
  return found.map(({ name, status }) => `${name} ${status}`).sort();
};

/** What the operator does with the machine, as the simulated room has it. */
const install = async () => {
  await ironic('provision', { target: 'provide' });
  await story.node(HOST);
  await ironic('provision', { target: 'active', configdrive: { meta_data: { hostname: HOST } } });
  await story.node(HOST);
  await ironic('power', { target: 'power on' });
};

const confirm = async (step: string, failed?: string) => {
  const answer = await story.confirm(HOST, { step, ...(failed && { failed }) });
  return { status: answer.status, json: (await answer.json()) as Record<string, unknown> };
};

describe('a host that is reassigned by hand', () => {
  test('waits for each of two confirmations, and no execution waits with it', async () => {
    const id = await begin();
    await untilWaiting('power-off');
    expect((await story.world()).events).toEqual([id]);
    await expect.poll(executions).toEqual([`${id} SUCCEEDED`]);
    await ironic('power', { target: 'power off' });
    expect(await confirm('power-off')).toMatchObject({
      status: 200,
      json: { id, step: 'power-off' },
    });
    await untilWaitingForInstallation();
    expect((await story.world()).hosts).toMatchObject([
      { name: HOST, status: 'provisioning', stage: 'waiting for provision' },
    ]);
    await install();
    expect(await confirm('provision')).toMatchObject({ status: 200 });
    const events = await story.told(id);
    expect(events.at(-1)?.data).toMatchObject({ new_id: HOST, status: '' });
    expect(
      events.filter(({ name }) => name === 'host confirm').map(({ data }) => data.step),
    ).toEqual([...['power-off', 'provision']]);
    expect((await story.world()).destination.hosts).toContainEqual({
      ...{ name: HOST, status: 'available' },
    });
    expect(await executions()).toEqual([
      ...[`${id} SUCCEEDED`, `${id}-2 SUCCEEDED`, `${id}-3 SUCCEEDED`],
    ]);
  });

  test('a step confirmed twice is confirmed once; one that is not waited for is refused', async () => {
    await begin();
    await untilWaiting('power-off');
    expect(await confirm('provision')).toMatchObject({ status: 409 });
    await ironic('power', { target: 'power off' });
    expect(
      (await Promise.all([confirm('power-off'), confirm('power-off')])).map((one) => one.status),
    ).toEqual([...[200, 200]]);
    expect(await confirm('power-off')).toMatchObject({ status: 200 });
    await untilWaitingForInstallation();
    expect(await confirm('provision', 'its board is dead')).toMatchObject({ status: 200 });
  });

  test('a step that the operator could not do ends it with his reason', async () => {
    const id = await begin();
    await untilWaiting('power-off');
    await confirm('power-off', 'the switch is out of reach');
    const last = (await story.told(id)).at(-1);
    expect(last?.data).toMatchObject({
      ...{ status: 'error', reason: 'The operator: the switch is out of reach' },
    });
    expect((await story.world()).source.hosts).toContainEqual(
      expect.objectContaining({ name: HOST, status: 'error' }),
    );
  });

  test('what is no confirmation is refused by its field', async () => {
    await begin();
    for (const [body, field] of [
      [{}, 'step'],
      [{ step: 'coffee' }, 'step'],
      [{ step: 'provision', failed: 1 }, 'failed'],
      [{ step: 'provision', force: true }, 'force'],
    ] as const) {
      const answer = await story.confirm(HOST, body);
      expect([answer.status, JSON.stringify(await answer.json())]).toEqual([
        ...[400, expect.stringContaining(field)],
      ]);
    }
    expect((await story.confirm('rack1-node2', { step: 'provision' })).status).toBe(404);
  });
});
