/**
 * `GET /resources` of a world of 10,000 resources, beside a bare reading of the same partitions with
 * the SDK, alternating in one run. Run: node bench/world.ts [resources]
 */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, paginateQuery } from '@aws-sdk/lib-dynamodb';
import { WORLD_TYPES, type WorldType } from '../lib/domain/world.ts';
import { openStores } from '../lib/dynamodb/stores.ts';
import { worldPartitions } from '../lib/dynamodb/table.ts';
import { each } from '../lib/each.ts';
import { systemClock } from '../lib/runtime.ts';
import { median, timed, withService } from './embedded-service.ts';

const SIZE = Number(process.argv[2] ?? 10_000);
const ROUNDS = 7;
const TYPES: readonly WorldType[] = WORLD_TYPES.filter((type) => type !== 'tenant');

const fill = (table: string) => {
  const { world } = openStores(table, systemClock);
  return each(
    Array.from({ length: SIZE }, (_, index) => index),
    16,
    (index) =>
      world.observe(
        {
          ...{ cloud: 'source', type: TYPES[index % TYPES.length] ?? 'server', id: `id-${index}` },
          view: {
            name: `resource-${index}`,
            tenant_id: `tenant-${index % 40}`,
            host_name: 'host-1',
          },
        },
        undefined,
      ),
  );
};

const readBare = (table: string) => {
  const client = DynamoDBDocumentClient.from(new DynamoDBClient({}));
  return Promise.all(
    worldPartitions.map(async ({ pk }) => {
      const query = {
        TableName: table,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': pk },
      };
      for await (const _page of paginateQuery({ client }, query));
    }),
  );
};

await withService({}, async ({ url, tableName }) => {
  await fill(tableName);
  const [plain, bare, same]: number[][] = [[], [], []];
  const first = await fetch(`${url}/resources`);
  const etag = first.headers.get('etag') ?? '';
  const bytes = (await first.arrayBuffer()).byteLength;
  for (let round = 0; round < ROUNDS; round += 1) {
    plain?.push(await timed(async () => (await fetch(`${url}/resources`)).arrayBuffer()));
    bare?.push(await timed(() => readBare(tableName)));
    const headers = { 'if-none-match': etag };
    same?.push(await timed(async () => (await fetch(`${url}/resources`, { headers })).text()));
  }
  const [ours, theirs, unchanged] = [median(plain ?? []), median(bare ?? []), median(same ?? [])];
  console.log(
    `${SIZE} resources, ${(bytes / 1024 ** 2).toFixed(1)} MiB of JSON; medians of ${ROUNDS}`,
  );
  console.log(
    `GET /resources     ${ours.toFixed(0)} ms   ${(ours / theirs).toFixed(2)} x the bare reading`,
  );
  console.log(`bare reading       ${theirs.toFixed(0)} ms`);
  console.log(
    `unchanged (304)    ${unchanged.toFixed(0)} ms   ${(unchanged / ours).toFixed(2)} x a whole answer`,
  );
});
process.exit(0);
