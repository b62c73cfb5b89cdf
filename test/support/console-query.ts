/** The `aws dynamodb query` lines of a document, and the requests that the CLI would make of them. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { QueryCommandInput } from '@aws-sdk/lib-dynamodb';

export interface ConsoleQuery {
  /** The heading that it stands under. */
  title: string;
  input: QueryCommandInput;
}

/** Splits a command as a shell does, with `$TABLE` as the one variable. */
const words = (command: string, table: string): string[] =>
  Array.from(command.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g), ([, single, double, bare]) =>
    (single ?? (double ?? bare ?? '').replaceAll('$TABLE', table)).trim(),
  );

/** The CLI takes values with their types, of which keys and statuses need one. */
const textsOf = (values: Record<string, AttributeValue>) =>
  Object.fromEntries(Object.entries(values).map(([name, { S }]) => [name, S]));

type Reader = (input: QueryCommandInput, value: string) => void;

/** https://docs.aws.amazon.com/cli/latest/reference/dynamodb/query.html */
const OPTIONS: Record<string, Reader> = {
  '--table-name': (input, value) => Object.assign(input, { TableName: value }),
  '--index-name': (input, value) => Object.assign(input, { IndexName: value }),
  '--key-condition-expression': (input, value) =>
    Object.assign(input, { KeyConditionExpression: value }),
  '--filter-expression': (input, value) => Object.assign(input, { FilterExpression: value }),
  '--expression-attribute-names': (input, value) =>
    Object.assign(input, { ExpressionAttributeNames: JSON.parse(value) }),
  '--expression-attribute-values': (input, value) =>
    Object.assign(input, { ExpressionAttributeValues: textsOf(JSON.parse(value)) }),
  '--limit': (input, value) => Object.assign(input, { Limit: Number(value) }),
};

const FLAGS: Record<string, Partial<QueryCommandInput>> = {
  '--no-scan-index-forward': { ScanIndexForward: false },
  '--consistent-read': { ConsistentRead: true },
};

const parse = (command: string, table: string): QueryCommandInput => {
  const input: QueryCommandInput = { TableName: '' };
  const [, , , ...given] = words(command, table);
  for (let word = given.shift(); word !== undefined; word = given.shift()) {
    const read = OPTIONS[word];
    if (read) read(input, given.shift() ?? '');
    else if (FLAGS[word]) Object.assign(input, FLAGS[word]);
    else throw new Error(`aws dynamodb query takes no ${word} here`);
  }
  return input;
};

/** @param table what `$TABLE` stands for */
export const consoleQueries = (document: string, table: string): ConsoleQuery[] => {
  const found: ConsoleQuery[] = [];
  let title = '';
  for (const line of document.replaceAll(/\\\n/g, ' ').split('\n')) {
    if (line.startsWith('#')) title = line.replace(/^#+ /, '');
    if (!/^ {4}aws /.test(line)) continue;
    if (!line.startsWith('    aws dynamodb query ')) throw new Error(`${line} is no query`);
    found.push({ title, input: parse(line.trim(), table) });
  }
  return found;
};
