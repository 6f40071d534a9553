/** `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): which request is a repeat of which. */
import { InvalidInput } from '../errors.ts';

const MAX_LENGTH = 255;
const BARE = /^[\x21\x23-\x7e][\x20\x21\x23-\x7e]*$/;
const QUOTED = /^"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"$/;

/**
 * The key of a request, and a fingerprint: the same for two requests only if they ask for the same. Undefined without the
 * header.
 * @param body in which the order of members does not matter
 * @throws InvalidInput as `keyOf`
 */
export function idempotencyOf(request: Request, operation: string, id = '', body: object = {}) {
  const key = keyOf(request);
  if (key === undefined) return undefined;
  const asked = JSON.stringify([operation, id.toLowerCase(), Object.entries(body).sort(byName)]);
  return { key, fingerprint: new Bun.CryptoHasher('sha256').update(asked).digest('base64url') };
}

/** The key, bare or as a quoted string. @throws InvalidInput when it is malformed, empty or longer than 255 characters */
export function keyOf(request: Request): string | undefined {
  const field = request.headers.get('idempotency-key');
  if (field === null) return undefined;
  const key = QUOTED.test(field) ? field.slice(1, -1).replace(/\\(.)/g, '$1') : field;
  if ((key === field && !BARE.test(field)) || key.length === 0 || key.length > MAX_LENGTH)
    throw new InvalidInput([
      { in: 'header', pointer: 'Idempotency-Key', detail: `must be 1 to ${MAX_LENGTH} printable characters` },
    ]);
  return key;
}

const byName = ([a]: [string, unknown], [b]: [string, unknown]) => (a < b ? -1 : 1);
