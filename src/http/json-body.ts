import type { Load } from './load.ts';
import { contentTooLarge, invalidInput, Problem } from './problem.ts';

/** No schema here goes deeper than an array in an object; what does, validators would walk for seconds. */
const MAX_DEPTH = 8;

const utf8 = new TextDecoder('utf-8', { fatal: true });

export const JSON_TYPES = ['application/json'];
export const PATCH_TYPES = ['application/merge-patch+json', 'application/json'];

export interface BodyOptions {
  maxBodyBytes: number;
  load: Load;
}

/**
 * Reads a JSON body strictly: a media type of `accepted` in any case (RFC 9110 section 8.3.1), with no charset but
 * UTF-8, no content coding, valid UTF-8, valid JSON.
 * @returns the value, or undefined for an empty body.
 * @throws Problem 415 for another media type or coding, 413 for too large, 400 for anything that is not JSON.
 */
export async function readJson(
  request: Request,
  accepted: readonly string[],
  { maxBodyBytes, load }: BodyOptions,
): Promise<unknown> {
  const type = request.headers.get('content-type');
  const coding = request.headers.get('content-encoding');
  if (type !== null && !isAccepted(type, accepted)) throw unsupported(request.method, accepted);
  if (coding !== null && coding.toLowerCase() !== 'identity')
    throw new Problem('unsupported-media-type', 'Send the body without content coding.', {
      headers: { 'accept-encoding': 'identity' },
    });
  const bytes = await load.whileWaiting(readBytes(request, maxBodyBytes));
  if (bytes.byteLength === 0) return undefined;
  if (type === null) throw unsupported(request.method, accepted);
  try {
    const body: unknown = JSON.parse(utf8.decode(bytes));
    if (isDeeperThan(MAX_DEPTH, body)) throw new RangeError();
    return body;
  } catch (error) {
    const detail = error instanceof SyntaxError ? 'is not valid JSON' : 'is not valid UTF-8 or is nested too deeply';
    throw invalidInput([{ in: 'body', pointer: '', detail }]);
  }
}

/** Reads a body to its end; one that does not say its length beforehand is counted. */
async function readBytes(request: Request, maxBytes: number): Promise<Uint8Array> {
  try {
    return request.headers.has('content-length') ? await request.bytes() : await readAtMost(request, maxBytes);
  } catch (error) {
    if (error instanceof Problem) throw error;
    // The server cuts a client that sends too slowly; nobody reads this answer, but the log does.
    throw new Problem('request-timeout', 'The connection ended before the body did.');
  }
}

async function readAtMost(request: Request, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > maxBytes) throw contentTooLarge(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function isDeeperThan(depth: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth === 0 || Object.values(value).some((item) => isDeeperThan(depth - 1, item));
}

function isAccepted(header: string, accepted: readonly string[]): boolean {
  if (accepted.includes(header)) return true;
  const [type = '', ...parameters] = header.toLowerCase().split(';');
  const charset = parameters.map((p) => p.trim()).find((p) => p.startsWith('charset='));
  return accepted.includes(type.trim()) && (charset === undefined || /^charset="?utf-?8"?$/.test(charset));
}

/** RFC 5789 section 2.2 names `Accept-Patch` for PATCH, RFC 9110 section 15.5.16 `Accept` for the rest. */
function unsupported(method: string, accepted: readonly string[]): Problem {
  const types = accepted.join(', ');
  const header = method === 'PATCH' ? 'accept-patch' : 'accept';
  return new Problem('unsupported-media-type', `Send a body of type ${types}.`, { headers: { [header]: types } });
}
