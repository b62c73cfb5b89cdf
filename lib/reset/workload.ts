import { parse } from 'yaml';
import { PumphouseError } from '../domain/errors.ts';
import { type Workload, workloadOf } from '../domain/workload.ts';

/** Characters of a workload: it is kept with the operation, whose item takes 400 KB. */
const LONGEST = 200_000;

/**
 * Reads the YAML (or JSON) of a workload.
 * @throws InvalidRequest naming what is wrong in it
 */
export const readWorkload = (text: string): Workload => {
  if (text.length > LONGEST)
    throw new PumphouseError('InvalidRequest', `The workload has more than ${LONGEST} characters`);
  try {
    return workloadOf(parse(text));
  } catch (error) {
    if (error instanceof PumphouseError) throw error;
    const said = (error as Error).message.split('\n')[0];
    throw new PumphouseError('InvalidRequest', `The workload is not YAML: ${said}`);
  }
};
