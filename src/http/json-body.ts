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
 * @returns the value, or `whenEmpty` for an empty body.
 * @throws Problem 415 for another media type or coding, 413 for too large, 400 for anything that is not JSON.
 */
export async function readJson(
  request: Request,
  accepted: readonly string[],
  { maxBodyBytes, load }: BodyOptions,
  whenEmpty?: unknown,
): Promise<unknown> {
  const { headers, method } = request;
  const type = headers.get('content-type');
  if (type !== null && !isAccepted(type, accepted)) throw unsupported(method, accepted);
  if (!isPlain(headers.get('content-encoding')))
    throw new Problem('unsupported-media-type', 'Send the body without content coding.', {
      headers: { 'accept-encoding': 'identity' },
    });
  const stream = headers.has('content-length') ? undefined : request.body;
  if (stream === null) return whenEmpty;
  let bytes: Uint8Array;
  // A wait for the client is no work: one who sends slowly takes nobody's place, and has none kept.
  load.leave();
  try {
    bytes = stream ? await readAtMost(stream, maxBodyBytes) : await request.bytes();
  } catch (error) {
    if (error instanceof Problem) throw error;
    // The server cuts a client that sends too slowly; nobody reads this answer, but the log does.
    throw new Problem('request-timeout', 'The connection ended before the body did.');
  } finally {
    load.enter();
  }
  if (load.isFull()) load.refuse();
  if (bytes.byteLength === 0) return whenEmpty;
  if (type === null) throw unsupported(method, accepted);
  return parse(bytes);
}

/** A body that does not say its length beforehand is counted. */
async function readAtMost(stream: ReadableStream<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.byteLength;
    if (size > maxBytes) throw contentTooLarge(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function parse(bytes: Uint8Array): unknown {
  try {
    const body: unknown = JSON.parse(utf8.decode(bytes));
    if (isDeeperThan(MAX_DEPTH, body)) throw new RangeError();
    return body;
  } catch (error) {
    const detail = error instanceof SyntaxError ? 'is not valid JSON' : 'is not valid UTF-8 or is nested too deeply';
    throw invalidInput([{ in: 'body', pointer: '', detail }]);
  }
}

function isDeeperThan(depth: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth === 0 || Object.values(value).some((item) => isDeeperThan(depth - 1, item));
}

function isPlain(coding: string | null): boolean {
  return coding === null || coding.toLowerCase() === 'identity';
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
