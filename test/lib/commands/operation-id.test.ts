import { describe, expect, test } from 'vitest';
import { operationId, sameRequest } from '../../../lib/commands/operation-id.ts';
import type { Operation } from '../../../lib/domain/operation.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[48][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

const existing: Operation = {
  ...{ id: 'one', kind: 'migration', state: 'running', createdAt: '2026-01-01T00:00:00.000Z' },
  subject: { type: 'tenant', cloud: 'source', id: 'acme', name: 'acme' },
  input: { strategy: 'snapshot', reuse: [] },
};

describe('an operation id', () => {
  test('is the same for the same key', () => {
    expect(operationId('migration', 'acme', 'k')).toBe(operationId('migration', 'acme', 'k'));
  });

  test('differs by kind, by subject and by key', () => {
    const ids = [
      operationId('migration', 'acme', 'k'),
      operationId('evacuation', 'acme', 'k'),
      operationId('migration', 'globex', 'k'),
      operationId('migration', 'acme', 'l'),
    ];
    expect(new Set(ids).size).toBe(4);
  });

  test('is another one each time without a key', () => {
    expect(operationId('migration', 'acme')).not.toBe(operationId('migration', 'acme'));
  });

  test.each(['a', 'b', 'c', 'd', 'e', 'f', undefined])('has the form of a UUID (%s)', (key) => {
    expect(operationId('migration', 'acme', key)).toMatch(UUID);
  });
});

describe('an Idempotency-Key', () => {
  test('may be used again for the same request, whatever the order of its fields', () => {
    sameRequest(existing, { reuse: [], strategy: 'snapshot' });
  });

  test('is refused for another request, and the answer names the first one', () => {
    expect(() => sameRequest(existing, { strategy: 'image', reuse: [] })).toThrow(
      expect.objectContaining({
        name: 'InvalidRequest',
        details: { unprocessable: true, operation: 'one', events: '/events/one' },
      }),
    );
  });
});
