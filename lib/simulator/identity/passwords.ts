/** Passwords and secrets are kept as salted hashes, as Keystone does. */
import { randomBytes, scryptSync, timingSafeEqual } from 'node:crypto';

/** Cheap on purpose: these are simulated users, and a workload has dozens. */
const COST = { N: 1024, r: 8, p: 1 };

export function hashSecret(secret: string): string {
  const salt = randomBytes(16).toString('hex');
  return `${salt}:${scryptSync(secret, salt, 32, COST).toString('hex')}`;
}

export function secretFits(secret: string, hash: unknown): boolean {
  const [salt = '', digest = ''] = typeof hash === 'string' ? hash.split(':') : [];
  if (!digest) return false;
  return timingSafeEqual(scryptSync(secret, salt, 32, COST), Buffer.from(digest, 'hex'));
}
