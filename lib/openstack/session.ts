/** Who we are at a cloud: a token for one project, renewed before it ends and when it is refused. */
import { PumphouseError } from '../domain/errors.ts';
import type { CatalogEntry } from './catalog.ts';
import type { CloudConfig, PasswordAuth } from './cloud-config.ts';
import { cloudText, failureOfAnswer } from './failure.ts';
import { type Answer, describe, type OutgoingRequest, send, type Wire } from './request.ts';

export interface Token {
  /** Secret. */
  value: string;
  userId: string;
  projectId: string;
  roles: string[];
  catalog: CatalogEntry[];
  /** Milliseconds since the epoch, by our own clock. */
  renewAt: number;
}

export interface Session {
  /** The token in hand, or a new one; all who ask meanwhile get the same. */
  token(endsAt: number): Promise<Token>;
  /** A token other than the refused one; a call that finds it already renewed gets that. */
  renewed(refused: Token, endsAt: number): Promise<Token>;
}

/** Milliseconds before its end at which a token is renewed; a quarter of its life if that is less. */
const SKEW = 300_000;

/** Milliseconds that a new token may take at least: all wait for it, whoever asked first. */
const SHARED_DEADLINE = 30_000;

interface TokenBody {
  token?: {
    user: { id: string };
    project?: { id: string };
    roles?: { name: string }[];
    catalog?: CatalogEntry[];
    issued_at: string;
    expires_at: string;
  };
}

const passwordIdentity = ({ user, password }: PasswordAuth) => ({
  methods: ['password'],
  password: { user: { ...user, password } },
});

/** https://docs.openstack.org/api-ref/identity/v3/#password-authentication-with-scoped-authorization */
const requestBody = ({ auth }: CloudConfig, projectId: string | undefined): unknown => {
  if (auth.kind === 'password') {
    const project = projectId === undefined ? auth.project : { id: projectId };
    return { auth: { identity: passwordIdentity(auth), scope: { project } } };
  }
  const credential = { ...auth.credential, secret: auth.secret };
  const identity = {
    methods: ['application_credential'],
    application_credential: credential,
  };
  return { auth: { identity } };
};

/** For messages: never the password. */
const whoIs = ({ auth, authUrl, entry }: CloudConfig, projectId: string | undefined): string => {
  const user =
    auth.kind === 'password'
      ? `user "${'id' in auth.user ? auth.user.id : auth.user.name}"`
      : `application credential "${'id' in auth.credential ? auth.credential.id : auth.credential.name}"`;
  const project = projectId === undefined ? '' : ` in project ${projectId}`;
  return `${user}${project} (cloud "${entry}", ${authUrl})`;
};

const tokenOf = (answer: Answer, now: number): Token => {
  const { token } = JSON.parse(answer.text) as TokenBody;
  const value = answer.headers['x-subject-token'];
  if (token === undefined || typeof value !== 'string') throw new Error('no token in the answer');
  const life = Date.parse(token.expires_at) - Date.parse(token.issued_at);
  return {
    value,
    userId: token.user.id,
    projectId: token.project?.id ?? '',
    roles: (token.roles ?? []).map((role) => role.name),
    catalog: token.catalog ?? [],
    renewAt: now + life - Math.min(SKEW, life / 4),
  };
};

/** A project that we were refused: Keystone answers as to a wrong password, on purpose. */
const refusedBy = (
  config: CloudConfig,
  projectId: string | undefined,
  call: ReturnType<typeof describe>,
  answer: Answer,
): PumphouseError => {
  const failure = failureOfAnswer(call, answer);
  if (answer.status >= 500 || failure.name === 'CloudUnavailable') return failure;
  return new PumphouseError(
    'CredentialsRefused',
    `${call.cloud} identity refuses ${whoIs(config, projectId)}: ${cloudText(answer.text)}`,
    { call: failure.call },
  );
};

const requestToken = async (
  wire: Wire,
  config: CloudConfig,
  projectId: string | undefined,
  endsAt: number,
): Promise<Token> => {
  const request: OutgoingRequest = {
    service: 'identity',
    method: 'POST',
    url: new URL(`${config.authUrl}/auth/tokens`),
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify(requestBody(config, projectId)),
    endsAt: Math.max(endsAt, wire.clock.now().getTime() + SHARED_DEADLINE),
    repeatable: true,
  };
  const answer = await send(wire, request);
  if (answer.status !== 201) throw refusedBy(config, projectId, describe(wire, request), answer);
  try {
    return tokenOf(answer, wire.clock.now().getTime());
  } catch (cause) {
    throw new PumphouseError(
      'CloudUnavailable',
      `${wire.cloud} identity at ${config.authUrl} does not answer as Keystone v3 does`,
      { call: { cloud: wire.cloud, method: 'POST', path: request.url.pathname }, cause },
    );
  }
};

/**
 * A session in the project of the configuration, or in another one.
 *
 * Errors of both its functions: CredentialsRefused, CloudUnavailable.
 */
export const session = (wire: Wire, config: CloudConfig, projectId?: string): Session => {
  let current: Token | undefined;
  let coming: Promise<Token> | undefined;
  const renew = (endsAt: number): Promise<Token> => {
    coming ??= requestToken(wire, config, projectId, endsAt)
      .then((token) => {
        current = token;
        return token;
      })
      .finally(() => {
        coming = undefined;
      });
    return coming;
  };
  return {
    token: async (endsAt) =>
      current !== undefined && wire.clock.now().getTime() < current.renewAt
        ? current
        : renew(endsAt),
    renewed: async (refused, endsAt) =>
      current !== undefined && current !== refused ? current : renew(endsAt),
  };
};
