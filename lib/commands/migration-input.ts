/** Reads the body of `POST /tenants/{tenant_id}`: unknown fields are loud, the defaults the operator's. */
import type { Config } from '../config.ts';
import { PumphouseError } from '../domain/errors.ts';
import type { MigrationInput } from '../domain/operation.ts';
import { resourceTypes } from '../resources/index.ts';

const wrong = (field: string, message: string) =>
  new PumphouseError('InvalidRequest', `${field}: ${message}`, { details: { field } });

const CHOICES = {
  strategy: ['snapshot', 'image'],
  quiesce: ['suspend', 'stop', 'none'],
  finalize: ['auto', 'manual'],
} as const;

const FIELDS = [...Object.keys(CHOICES), 'reuse'];

const choose = <F extends keyof typeof CHOICES>(
  body: Record<string, unknown>,
  field: F,
  otherwise: (typeof CHOICES)[F][number],
): (typeof CHOICES)[F][number] => {
  const value = body[field];
  if (value === undefined) return otherwise;
  const known = CHOICES[field].find((one) => one === value);
  if (known) return known;
  throw wrong(field, `takes ${CHOICES[field].join(', ')}`);
};

const reuseOf = ({ reuse = [] }: Record<string, unknown>): string[] => {
  const names = resourceTypes.map(({ type }) => type);
  const known = (one: unknown) =>
    typeof one === 'string' && names.includes(one.split(':')[0] ?? '');
  if (Array.isArray(reuse) && reuse.every(known)) return [...new Set<string>(reuse)].sort();
  throw wrong('reuse', `takes a list of types, or type:id; the types are ${names.join(', ')}`);
};

/** @throws InvalidRequest naming the field in `details.field` */
export const migrationInput = (
  body: unknown,
  defaults: Pick<Config, 'quiesce' | 'finalize'>,
): MigrationInput => {
  const given = body ?? {};
  if (typeof given !== 'object' || Array.isArray(given)) throw wrong('body', 'takes a JSON object');
  const fields = given as Record<string, unknown>;
  const unknown = Object.keys(fields).find((field) => !FIELDS.includes(field));
  if (unknown) {
    throw wrong(unknown, `is not a field; there are ${FIELDS.join(', ')}`);
  }
  return {
    strategy: choose(fields, 'strategy', 'snapshot'),
    quiesce: choose(fields, 'quiesce', defaults.quiesce),
    finalize: choose(fields, 'finalize', defaults.finalize),
    reuse: reuseOf(fields),
  };
};
