/** Reads a JSON body strictly, and admits the request once the body is here. */
import { InvalidInput } from '../errors.ts';
import type { Admission, Admitted } from './admission.ts';
import { excessOf } from './json-bounds.ts';
import { contentTooLarge, Problem } from './problems.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

export const JSON_TYPES = ['application/json'];
export const PATCH_TYPES = ['application/merge-patch+json', 'application/json'];

export interface BodyOptions {
  maxBodyBytes: number;
  admission: Admission;
}

/**
 * Takes a media type of `accepted` in any case (RFC 9110 section 8.3.1), with no charset but UTF-8, no content coding,
 * valid UTF-8, valid JSON. A slow client keeps nobody else out: its request counts only once its body is here.
 * @returns the value, or `whenEmpty` for an empty body
 * @throws InvalidInput for anything but JSON; Problem 415 for another media type or coding, 413 for too large, 503 when full
 */
export async function readJson(
  context: { request: Request } & Admitted,
  accepted: readonly string[],
  { maxBodyBytes, admission }: BodyOptions,
  whenEmpty?: unknown,
): Promise<unknown> {
  const { request } = context;
  const { headers, method } = request;
  const type = headers.get('content-type');
  if (type !== null && !isAccepted(type, accepted)) throw unsupported(method, accepted);
  if (!isPlain(headers.get('content-encoding')))
    throw new Problem('unsupported-media-type', 'Send the body without content coding.', {
      headers: { 'accept-encoding': 'identity' },
    });
  const stream = headers.has('content-length') ? undefined : request.body;
  const bytes = stream === null ? NOTHING : await receive(request, stream, maxBodyBytes);
  admission.admit(context);
  if (bytes.byteLength === 0) return whenEmpty;
  if (type === null) throw unsupported(method, accepted);
  return parse(bytes);
}

const NOTHING = new Uint8Array();

/** @param stream for a body of unknown length, whose bytes are counted as they come */
async function receive(request: Request, stream: ReadableStream<Uint8Array> | undefined, maxBytes: number) {
  try {
    return stream ? await readAtMost(stream, maxBytes) : await request.bytes();
  } catch (error) {
    if (error instanceof Problem) throw error;
    // The server cuts a client that sends too slowly; nobody reads this answer, but the log does.
    throw new Problem('request-timeout', 'The connection ended before the body did.');
  }
}

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
  const text = orInvalid('is not valid UTF-8', () => utf8.decode(bytes));
  const excess = excessOf(text);
  if (excess !== undefined) throw invalid(excess);
  return orInvalid('is not valid JSON', () => JSON.parse(text));
}

function orInvalid<T>(detail: string, read: () => T): T {
  try {
    return read();
  } catch {
    throw invalid(detail);
  }
}

const invalid = (detail: string) => new InvalidInput([{ in: 'body', pointer: '', detail }]);

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
