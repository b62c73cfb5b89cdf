import { describe, expect, test } from 'vitest';
import { ERROR_NAMES, type ErrorName, PumphouseError } from '../../../lib/domain/errors.ts';
import { problem } from '../../../lib/http/problem.ts';

const read = (error: unknown) => {
  const { statusCode, headers, body } = problem(error, '/tenants/t1');
  return { statusCode, headers, body: JSON.parse(body) };
};

const STATUSES: Partial<Record<ErrorName, number>> = {
  ...{ InvalidRequest: 400, ResourceNotFound: 404, OperationInProgress: 409, PlanBlocked: 409 },
  ...{ ResourceConflict: 409, CloudBusy: 409, QuotaExceeded: 409, NotImplemented: 501 },
  ...{ CredentialsRefused: 502, Forbidden: 502, RequestRefused: 502, CloudUnavailable: 503 },
  ...{ DeadlineExceeded: 504 },
};

describe('a problem', () => {
  test.each(Object.entries(STATUSES))('of the name %s has status %i', (name, status) => {
    const { statusCode, body } = read(new PumphouseError(name as ErrorName, 'It went wrong'));
    expect(statusCode).toBe(status);
    expect(body.status).toBe(status);
  });

  test.each(ERROR_NAMES)(
    'of %s has every member of the standard and its own media type',
    (name) => {
      const { headers, body } = read(new PumphouseError(name, 'It went wrong'));
      expect(headers['content-type']).toBe('application/problem+json');
      expect(body).toMatchObject({
        type: expect.stringMatching(/^urn:pumphouse:[a-z-]+$/),
        title: expect.stringMatching(/\S/),
        detail: expect.stringMatching(/^It went wrong\./),
        instance: '/tenants/t1',
      });
    },
  );

  test('bears what the error knows: the stream to read, what blocks, the field', () => {
    const details = {
      events: '/events/op-1',
      obstacles: [{ type: 'volume', id: 'v' }],
      field: 'x',
    };
    expect(read(new PumphouseError('PlanBlocked', 'No', { details })).body).toMatchObject(details);
  });

  test('cannot be made to say another status than its own', () => {
    const details = { status: 200, type: 'x', detail: 'y', instance: 'z', title: 'w' };
    const { statusCode, body } = read(new PumphouseError('PlanBlocked', 'No', { details }));
    expect(statusCode).toBe(409);
    expect(body).toMatchObject({ status: 409, instance: '/tenants/t1' });
  });

  test('of what can be read but not be met has status 422', () => {
    const details = { unprocessable: true, field: 'strategy' };
    const { statusCode, body } = read(new PumphouseError('InvalidRequest', 'No', { details }));
    expect(statusCode).toBe(422);
    expect(body).not.toHaveProperty('unprocessable');
    expect(body.field).toBe('strategy');
  });

  test('of a cloud that does not answer says when to try again', () => {
    expect(read(new PumphouseError('CloudUnavailable', 'No')).headers['retry-after']).toMatch(
      /^\d+$/,
    );
    expect(read(new PumphouseError('PlanBlocked', 'No')).headers).not.toHaveProperty('retry-after');
  });

  test("names the cloud's own request, so that its side can be asked", () => {
    const call = {
      cloud: 'source',
      method: 'GET',
      path: '/servers',
      status: 403,
      requestId: 'req-1',
    };
    expect(read(new PumphouseError('Forbidden', 'No', { call })).body.call).toEqual(call);
  });

  test.each([new Error('secret of the inside'), 'a string', undefined, new TypeError('x')])(
    'of a bug (%s) says nothing of the inside',
    (error) => {
      const { statusCode, body } = read(error);
      expect(statusCode).toBe(500);
      expect(JSON.stringify(body)).not.toMatch(/secret|TypeError|stack|\.ts/);
      expect(body).toMatchObject({ type: 'urn:pumphouse:internal', instance: '/tenants/t1' });
    },
  );
});
