/**
 * Servers per hour through the state machines over simulated clouds that take no time: what is left is
 * Pumphouse's own. Side by side in one run: a tenant of many servers against a tenant of one, whose
 * time is what each would take one after the other. Run: node bench/servers.ts [servers]
 */
import { median, timed, withService } from './embedded-service.ts';

const SERVERS = Number(process.argv[2] ?? 40);
const ROUNDS = 3;

interface World {
  source: { tenants: { id: string }[]; resources: { type: string; tenant_id?: string }[] };
  events: string[];
}

const worldOf = async (url: string) => (await (await fetch(`${url}/resources`)).json()) as World;

const migrate = async (url: string) => {
  const { source } = await worldOf(url);
  const servers = (id: string) =>
    source.resources.filter((one) => one.type === 'server' && one.tenant_id === id).length;
  const [largest] = source.tenants.toSorted((a, b) => servers(b.id) - servers(a.id));
  const count = servers(largest?.id ?? '');
  const milliseconds = await timed(async () => {
    const answer = await fetch(`${url}/tenants/${largest?.id}`, { method: 'POST' });
    if (answer.status !== 201) throw new Error(await answer.text());
    const { events } = (await answer.json()) as { events: string };
    const told = await (await fetch(`${url}${events}`)).text();
    if (!told.includes('"status":""')) throw new Error(told.slice(-400));
  });
  return { count, milliseconds };
};

const measure = async (servers: number) => {
  let result = { count: 0, milliseconds: 0 };
  await withService(
    { simulator: { pace: 0, imageMiB: 1, tenants: 1, servers } },
    async (service) => {
      result = await migrate(service.url);
    },
  );
  return result;
};

const ratios: number[] = [];
const rates: number[] = [];
for (let round = 0; round < ROUNDS; round += 1) {
  const many = await measure(SERVERS);
  const one = await measure(1);
  rates.push((many.count / many.milliseconds) * 3_600_000);
  ratios.push(one.milliseconds / one.count / (many.milliseconds / many.count));
}
console.log(`tenants of ${SERVERS} servers against tenants of one; medians of ${ROUNDS}`);
console.log(`servers per hour   ${median(rates).toFixed(0)}`);
console.log(`against one by one ${median(ratios).toFixed(1)} x`);
process.exit(0);
