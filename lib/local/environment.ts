/** The environment that the handlers read, which is this process's own. */

/** What of an operator's own AWS settings would win over ours. */
const FOREIGN = [
  'AWS_PROFILE',
  'AWS_SESSION_TOKEN',
  'AWS_DEFAULT_REGION',
  'AWS_ENDPOINT_URL',
  'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS',
];

/** Keys that only loopback sees; they open nothing. */
export const LOCAL_AWS = {
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
  AWS_EC2_METADATA_DISABLED: 'true',
};

export type Environment = Record<string, string | undefined>;

/**
 * Sets variables, `undefined` removes one.
 * @returns what puts everything back
 */
export const applyEnvironment = (environment: Environment): (() => void) => {
  const removed = Object.fromEntries(FOREIGN.map((name) => [name, undefined]));
  const wanted: Environment = { ...removed, ...LOCAL_AWS, ...environment };
  const before = Object.keys(wanted).map((name): [string, string | undefined] => [
    name,
    process.env[name],
  ]);
  const set = (name: string, value: string | undefined): void => {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  };
  for (const [name, value] of Object.entries(wanted)) set(name, value);
  return () => {
    for (const [name, value] of before) set(name, value);
  };
};
