/**
 * References of CloudFormation (`Ref`, `Fn::GetAtt`, `Fn::Sub`, `Fn::Join`) as the embedded run
 * answers them.
 */

/** What a logical name stands for: its `Ref`, and its attributes by `Name.Attribute`. */
export type Names = ReadonlyMap<string, string>;

const PSEUDO: Record<string, string> = {
  'AWS::AccountId': '000000000000',
  'AWS::Region': 'us-east-1',
  'AWS::Partition': 'aws',
  'AWS::StackName': 'local',
  'AWS::URLSuffix': 'amazonaws.com',
};

const lookUp = (names: Names, name: string): string => {
  const value = PSEUDO[name] ?? names.get(name);
  if (value !== undefined) return value;
  throw new Error(`serverless.yml refers to ${name}, which the embedded run does not know`);
};

const substitute = (names: Names, given: unknown): string => {
  const [text, local = {}] = Array.isArray(given) ? given : [given];
  const own = local as Record<string, unknown>;
  return String(text).replace(/\$\{([^!}][^}]*)\}/g, (_, name: string) =>
    name in own ? resolveReference(names, own[name]) : lookUp(names, name),
  );
};

const FUNCTIONS: Record<string, (names: Names, given: unknown) => string> = {
  Ref: (names, given) => lookUp(names, String(given)),
  'Fn::GetAtt': (names, given) =>
    lookUp(names, Array.isArray(given) ? given.join('.') : String(given)),
  'Fn::Sub': substitute,
  'Fn::Join': (names, given) => {
    const [separator, parts] = given as [string, unknown[]];
    return parts.map((part) => resolveReference(names, part)).join(separator);
  },
};

/**
 * The text that a value of the service file stands for.
 * @throws Error naming what is referred to and not known
 */
export const resolveReference = (names: Names, value: unknown): string => {
  if (typeof value !== 'object' || value === null) return String(value);
  const [key = '', given] = Object.entries(value)[0] ?? [];
  const resolve = FUNCTIONS[key];
  if (resolve) return resolve(names, given);
  throw new Error(`the embedded run does not know ${key || 'an empty object'} in serverless.yml`);
};
