import { PumphouseError } from '../domain/errors.ts';

/**
 * For a command without options: what is not understood is refused, not ignored.
 * @param what the command, as the sentence begins: "An evacuation"
 * @throws InvalidRequest with `details.fields`
 */
export const refuseOptions = (body: unknown, what: string): void => {
  if (body === undefined || body === null) return;
  if (typeof body !== 'object' || Array.isArray(body)) {
    throw new PumphouseError('InvalidRequest', 'The body must be a JSON object, or absent');
  }
  const fields = Object.keys(body);
  if (fields.length === 0) return;
  const said = `${what} takes no options; unknown: ${fields.join(', ')}`;
  throw new PumphouseError('InvalidRequest', said, { details: { fields } });
};
