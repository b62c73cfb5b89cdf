/** A refused call; each service words its own body from it. */
export class Refusal extends Error {
  readonly status: number;
  /** Neutron's exception name; the other services have none on the wire. */
  readonly type: string;
  readonly headers: Record<string, string>;

  constructor(status: number, message: string, type = '', headers: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.type = type;
    this.headers = headers;
  }
}

export const badRequest = (message: string, type = 'HTTPBadRequest') =>
  new Refusal(400, message, type);
export const unauthorized = () =>
  new Refusal(401, 'The request you have made requires authentication.');
export const forbidden = (message: string, type = 'PolicyNotAuthorized') =>
  new Refusal(403, message, type);
export const notFound = (message: string, type = 'HTTPNotFound') => new Refusal(404, message, type);
export const conflict = (message: string, type = 'Conflict') => new Refusal(409, message, type);

/** The page that a WSGI service shows for an unknown path: HTML, whatever the service's own bodies are. */
export class UnknownPath extends Error {}
