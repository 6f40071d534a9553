/** `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): which request is a repeat of which. */
import { LIMITS } from '../db/limits.ts';
import { InvalidInput } from '../errors.ts';

export interface Idempotency {
  key: string;
  /** The same for two requests only if they ask for the same. */
  fingerprint: string;
}

const BARE = /^[\x21\x23-\x7e][\x20\x21\x23-\x7e]*$/;
const QUOTED = /^"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"$/;

/**
 * The key of a request, bare or as a quoted string, and the fingerprint of its method, path and body.
 * @throws InvalidInput for a key that is malformed, empty or too long
 */
export function idempotencyOf(request: Request, body: unknown): Idempotency | undefined {
  const field = request.headers.get('idempotency-key');
  if (field === null) return undefined;
  const key = QUOTED.test(field) ? field.slice(1, -1).replace(/\\(.)/g, '$1') : field;
  if ((key === field && !BARE.test(field)) || key.length === 0 || key.length > LIMITS.idempotencyKey)
    throw new InvalidInput([
      {
        in: 'header',
        pointer: 'Idempotency-Key',
        detail: `must be 1 to ${LIMITS.idempotencyKey} printable characters`,
      },
    ]);
  const { pathname } = new URL(request.url);
  const hasher = new Bun.CryptoHasher('sha256').update(JSON.stringify([request.method, pathname, body]));
  return { key, fingerprint: hasher.digest('base64url') };
}
