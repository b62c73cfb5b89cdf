/** `/_simulator`: faults by script, the log of calls, the way back to the seeded workload. */
import type { CallLog, FaultScript } from './faults.ts';
import { listOf, recordOf } from './reading.ts';
import { type Answer, noContent, ok } from './router.ts';

export interface ControlParts {
  faults: FaultScript;
  calls: CallLog;
  reset(): Promise<void>;
  about(): unknown;
  cloudsYaml(): string;
}

export function controlRoutes(parts: ControlParts) {
  const handlers: Record<string, (body: unknown) => Answer | Promise<Answer>> = {
    'GET /_simulator': () => ok(parts.about()),
    'GET /_simulator/clouds.yaml': () => ({
      status: 200,
      body: parts.cloudsYaml(),
      headers: { 'Content-Type': 'application/yaml' },
    }),
    'GET /_simulator/faults': () => ok({ faults: parts.faults.list() }),
    'POST /_simulator/faults': (body) => {
      const { list, rules, ...one } = recordOf(body);
      const many = [...listOf(list), ...listOf(rules)];
      parts.faults.add(many.length > 0 ? many : [one]);
      return noContent();
    },
    'DELETE /_simulator/faults': () => {
      parts.faults.clear();
      return noContent();
    },
    'GET /_simulator/calls': () => ok({ calls: parts.calls.list() }),
    'DELETE /_simulator/calls': () => {
      parts.calls.clear();
      return noContent();
    },
    'POST /_simulator/reset': async () => {
      await parts.reset();
      return noContent();
    },
  };
  return async (call: { method: string; path: string; body: unknown }) =>
    handlers[`${call.method} ${call.path}`]?.(call.body);
}
