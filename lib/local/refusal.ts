/** Why the service does not start: one line for the operator, no stack. */
export class StartRefused extends Error {
  override readonly name = 'StartRefused';
}
