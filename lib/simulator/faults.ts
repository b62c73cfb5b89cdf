/** Failures by script, and the log of calls: what a test sets up and reads at `/_simulator`. */
import type { Fields } from './model.ts';
import { numberOf, recordOf, textOf } from './reading.ts';

/**
 * `hang`: neither work nor answer. `cut`: close before the work. `lose`: do the work, then close
 * without an answer. `mute`: do the work, then say nothing.
 */
const WORDS = ['hang', 'cut', 'lose', 'mute'] as const;

export type Outcome =
  | (typeof WORDS)[number]
  | { status?: number; body?: unknown; headers?: Fields; delay?: number };

export interface FaultRule {
  cloud?: string;
  service?: string;
  /** One, or several with `|` between them. */
  method?: string;
  path?: RegExp;
  /** How often it strikes; for ever when absent. */
  times: number;
  /** How many fitting calls it lets pass first. */
  after: number;
  outcome: Outcome;
}

export interface LoggedCall {
  number: number;
  cloud: string;
  service: string;
  method: string;
  path: string;
  status: number;
}

const LOG_LENGTH = 10_000;

export interface FaultScript {
  add(rules: readonly unknown[]): void;
  clear(): void;
  list(): Fields[];
  /** The first rule that strikes this call; it is counted. */
  strike(call: {
    cloud: string;
    service: string;
    method: string;
    path: string;
  }): Outcome | undefined;
}

export function faultScript(): FaultScript {
  let rules: FaultRule[] = [];
  return {
    add(more) {
      rules.push(...more.map(ruleOf));
    },
    clear() {
      rules = [];
    },
    list: () => rules.map((rule) => ({ ...rule, path: rule.path?.source })),
    strike(call) {
      for (const rule of rules) {
        if (!fits(rule, call) || rule.times <= 0) continue;
        if (rule.after > 0) {
          rule.after -= 1;
          continue;
        }
        rule.times -= 1;
        return rule.outcome;
      }
      return undefined;
    },
  };
}

/** The outcome may be called `then`, too. */
function ruleOf(input: unknown): FaultRule {
  const rule = recordOf(input);
  const what = rule.outcome ?? rule.then;
  const word = WORDS.find((one) => one === what);
  return {
    ...(rule.cloud ? { cloud: textOf(rule.cloud) } : {}),
    ...(rule.service ? { service: textOf(rule.service) } : {}),
    ...(rule.method ? { method: textOf(rule.method).toUpperCase() } : {}),
    ...(rule.path ? { path: new RegExp(textOf(rule.path)) } : {}),
    times: numberOf(rule.times, Number.MAX_SAFE_INTEGER),
    after: numberOf(rule.after),
    outcome: word ?? (recordOf(what) as Outcome),
  };
}

const fits = (
  rule: FaultRule,
  call: { cloud: string; service: string; method: string; path: string },
): boolean =>
  (rule.cloud ?? call.cloud) === call.cloud &&
  (rule.service ?? call.service) === call.service &&
  (rule.method?.split('|') ?? [call.method]).includes(call.method) &&
  (rule.path?.test(call.path) ?? true);

/** The last calls, numbered from the start of the process. */
export function callLog() {
  let calls: LoggedCall[] = [];
  let number = 0;
  return {
    add(call: Omit<LoggedCall, 'number'>): LoggedCall {
      number += 1;
      const logged = { number, ...call };
      calls.push(logged);
      if (calls.length > LOG_LENGTH) calls = calls.slice(-LOG_LENGTH / 2);
      return logged;
    },
    list: () => calls,
    clear() {
      calls = [];
    },
  };
}
export type CallLog = ReturnType<typeof callLog>;
