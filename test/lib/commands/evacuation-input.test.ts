import { describe, expect, test } from 'vitest';
import { evacuationInput, evacuationOptions } from '../../../lib/commands/evacuation-input.ts';

const refused = (body: unknown) => {
  try {
    evacuationInput(body);
  } catch (error) {
    return error;
  }
  throw new Error(`It took ${JSON.stringify(body)}`);
};

describe('the body of an evacuation', () => {
  test('is the careful way when nothing is said', () => {
    for (const body of [undefined, null, {}]) {
      expect(evacuationInput(body)).toEqual({
        input: { parallel: 5, timeout: 14_400, onError: 'continue', keepBlocked: false },
        dryRun: false,
      });
    }
  });

  test('says each option by its name, and is shown by the same names', () => {
    const body = {
      ...{ parallel: 2, target: 'rack-1', timeout: 600, on_error: 'stop' },
      ...{ keep_blocked: true, force_complete: 300 },
    };
    const { input, dryRun } = evacuationInput({ ...body, dry_run: true });
    expect(evacuationOptions(input)).toEqual(body);
    expect(dryRun).toBe(true);
  });

  test.each([
    ['parallel', 0],
    ['parallel', 41],
    ['parallel', 1.5],
    ['parallel', '5'],
    ['target', ''],
    ['target', 7],
    ['timeout', -1],
    ['timeout', 86_401],
    ['on_error', 'panic'],
    ['keep_blocked', 'yes'],
    ['force_complete', 0],
    ['force_complete', 14_400],
    ['dry_run', 1],
  ])('%s does not take %j', (field, value) => {
    expect(refused({ [field]: value })).toMatchObject({
      ...{ name: 'InvalidRequest', details: { field } },
      message: expect.stringContaining(field),
    });
  });

  test('names the fields that there are not', () => {
    expect(refused({ force: true, live: 1 })).toMatchObject({
      ...{ name: 'InvalidRequest', details: { field: 'force', fields: ['force', 'live'] } },
      message: expect.stringContaining('force, live'),
    });
    expect(refused({ toString: 1 })).toMatchObject({ details: { field: 'toString' } });
  });

  test('is an object', () => {
    for (const body of [[], 'now', 1, true]) {
      expect(refused(body)).toMatchObject({ details: { field: 'body' } });
    }
  });

  test('cannot keep a host blocked that an undo opens', () => {
    const body = { on_error: 'undo', keep_blocked: true };
    expect(refused(body)).toMatchObject({ details: { field: 'keep_blocked' } });
  });
});
