/**
 * AWS EventBridge Scheduler on loopback: the wire protocol of the real service (REST and JSON), so
 * that the code that makes schedules is the same code as on AWS.
 * https://docs.aws.amazon.com/scheduler/latest/APIReference/API_Operations.html
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { listenOnLoopback, MAX_REQUEST_BYTES, readBody } from './loopback.ts';
import { dueAfter, type ScheduleRequest, startCalls } from './schedule-calls.ts';
import { type ScheduleRecord, type ScheduleRecords, scheduleRecords } from './schedule-records.ts';

type Answer = Record<string, unknown>;

class ApiError extends Error {
  override readonly name: string;
  readonly status: number;

  constructor(status: number, name: string, message: string) {
    super(message);
    this.status = status;
    this.name = name;
  }
}

const invalid = (message: string) => new ApiError(400, 'ValidationException', message);
const unknown = (what: string) =>
  new ApiError(404, 'ResourceNotFoundException', `${what} does not exist.`);

export interface SchedulerOptions {
  /** Where schedules are remembered; a file that only this process uses. */
  recordsFile: string;
  /** The groups that there are. */
  groups: readonly string[];
  invoke: (functionArn: string, event: unknown) => Promise<unknown>;
  report?: (line: string) => void;
  /** Milliseconds since 1970. */
  now?: () => number;
}

interface Call {
  records: ScheduleRecords;
  groups: readonly string[];
  now: number;
  method: string;
  /** Absent for the collection. */
  name?: string;
  query: URLSearchParams;
  body: Buffer;
}

const arnOf = ({ groupName, name }: Pick<ScheduleRecord, 'groupName' | 'name'>) =>
  `arn:aws:scheduler:us-east-1:000000000000:schedule/${groupName}/${name}`;

const groupOf = ({ groups }: Call, given: unknown): string => {
  const name = given ?? 'default';
  if (typeof name === 'string' && groups.includes(name)) return name;
  throw unknown(`Schedule group ${name}`);
};

const readRequest = ({ body, name = '' }: Call): ScheduleRequest & { GroupName?: unknown } => {
  if (!/^[0-9a-zA-Z-_.]{1,64}$/.test(name)) throw invalid(`${name} is no name of a schedule`);
  const request = JSON.parse(body.toString()) as Partial<ScheduleRequest>;
  const { FlexibleTimeWindow, Target, ScheduleExpression } = request;
  if (FlexibleTimeWindow?.Mode !== 'OFF') throw invalid('FlexibleTimeWindow must be OFF here');
  if (!Target?.Arn || !Target.RoleArn) throw invalid('Target takes an Arn and a RoleArn');
  if (!ScheduleExpression) throw invalid('ScheduleExpression is missing');
  const age = Target.RetryPolicy?.MaximumEventAgeInSeconds ?? 60;
  if (age < 60 || age > 86_400) throw invalid('MaximumEventAgeInSeconds takes 60 to 86400');
  return request as ScheduleRequest;
};

const firstDue = (request: ScheduleRequest, now: number): number => {
  let due: number | undefined;
  try {
    due = dueAfter(request, now);
  } catch (error) {
    throw invalid(`Invalid schedule expression: ${(error as Error).message}`);
  }
  if (due === undefined) throw invalid('The schedule would never be due');
  return due;
};

const create = (call: Call): Answer => {
  const { records, name = '', now } = call;
  const request = readRequest(call);
  const key = { groupName: groupOf(call, request.GroupName), name };
  const known = records.find(key);
  if (known) {
    const { ClientToken } = JSON.parse(known.request) as ScheduleRequest;
    if (ClientToken && ClientToken === request.ClientToken) return { ScheduleArn: arnOf(key) };
    throw new ApiError(409, 'ConflictException', `Schedule ${name} already exists.`);
  }
  const next = firstDue(request, now);
  records.add({ ...key, request: JSON.stringify(request), createdAt: now, next });
  return { ScheduleArn: arnOf(key) };
};

const find = (call: Call): ScheduleRecord => {
  const key = { groupName: groupOf(call, call.query.get('groupName')), name: call.name ?? '' };
  const found = call.records.find(key);
  if (found) return found;
  throw unknown(`Schedule ${call.name}`);
};

const describe = (record: ScheduleRecord): Answer => {
  const { ClientToken: _token, ...request } = JSON.parse(record.request) as ScheduleRequest;
  return {
    ...request,
    ...{ Arn: arnOf(record), Name: record.name, GroupName: record.groupName, State: 'ENABLED' },
    ...{ CreationDate: record.createdAt / 1000, LastModificationDate: record.createdAt / 1000 },
  };
};

const remove = (call: Call): Answer => {
  call.records.remove(find(call));
  return {};
};

const list = (call: Call): Answer => ({
  Schedules: call.records.list(groupOf(call, call.query.get('ScheduleGroup'))).map((record) => {
    const { Target } = JSON.parse(record.request) as ScheduleRequest;
    return { ...describe(record), Target: { Arn: Target.Arn } };
  }),
});

const answer = (call: Call): Answer => {
  const { method, name } = call;
  if (method === 'GET') return name === undefined ? list(call) : describe(find(call));
  if (method === 'POST' && name !== undefined) return create(call);
  if (method === 'DELETE' && name !== undefined) return remove(call);
  throw new ApiError(404, 'UnknownOperationException', `no operation ${method} here`);
};

const readCall = async (request: IncomingMessage) => {
  const url = new URL(request.url ?? '/', 'http://local');
  const [, collection, name, ...more] = url.pathname.split('/');
  if (collection !== 'schedules' || more.length > 0) {
    throw new ApiError(404, 'UnknownOperationException', `nothing is at ${url.pathname}`);
  }
  return {
    ...{ method: request.method ?? 'GET', query: url.searchParams },
    ...(name && { name: decodeURIComponent(name) }),
    body: await readBody(request, MAX_REQUEST_BYTES),
  };
};

const send = (response: ServerResponse, status: number, body: Answer, type?: string): void => {
  const error = type && { 'x-amzn-errortype': type };
  response.writeHead(status, { 'content-type': 'application/json', ...error });
  response.end(JSON.stringify(body));
};

const sendError = (response: ServerResponse, error: unknown): void => {
  const { message } = error as Error;
  if (error instanceof ApiError) send(response, error.status, { Message: message }, error.name);
  else if (error instanceof SyntaxError)
    send(response, 400, { Message: message }, 'ValidationException');
  else send(response, 500, { Message: message }, 'InternalServerException');
};

export interface EventBridgeScheduler {
  /** For AWS_ENDPOINT_URL_SCHEDULER. */
  url: string;
  /** Calls what is due from now on, and what the last process did not come to at once. */
  begin(): void;
  /** Calls everything that is due now, and waits for it. */
  callDue(): Promise<void>;
  stop(): Promise<void>;
}

/** Serves schedules. */
export const startEventBridgeScheduler = async (
  options: SchedulerOptions,
): Promise<EventBridgeScheduler> => {
  const { recordsFile, groups, invoke, report = () => {}, now = Date.now } = options;
  const records = scheduleRecords(recordsFile);
  const calls = startCalls({ records, invoke, report, now });
  const server = await listenOnLoopback((request, response) => {
    readCall(request)
      .then((call) => answer({ ...call, records, groups, now: now() }))
      .finally(calls.wind)
      .then(
        (body) => send(response, 200, body),
        (error) => sendError(response, error),
      );
  });
  return {
    url: server.url,
    begin: calls.begin,
    callDue: calls.callDue,
    async stop() {
      await server.close();
      await calls.stop();
      records.close();
    },
  };
};
