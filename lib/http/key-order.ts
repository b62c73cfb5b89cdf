/** DynamoDB keeps no order of keys, so what is sent is put into the contract's order here. */

/** As the contract's examples have them: what names an object first, its status last. */
const FIRST = [
  'id',
  'source_id',
  'destination_id',
  'type',
  'cloud',
  'description',
  'name',
  'image_id',
  'tenant_id',
  'host_name',
];
const LAST = ['status', 'reason', 'at', 'operation'];

const RANKS = new Map([
  ...FIRST.map((key, index): [string, number] => [key, index]),
  ...LAST.map((key, index): [string, number] => [key, FIRST.length + 1 + index]),
]);

const rank = (key: string) => RANKS.get(key) ?? FIRST.length;

const byOrder = ([a]: [string, unknown], [b]: [string, unknown]) =>
  rank(a) - rank(b) || (a < b ? -1 : 1);

/** The same record, always with its keys in the same order. */
export const inOrder = <T extends object>(record: T): T =>
  Object.fromEntries(Object.entries(record).sort(byOrder)) as T;
