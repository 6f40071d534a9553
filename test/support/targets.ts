/** Request targets that two parsers read in different ways, sampled by a seed, and requests as raw bytes. */
import fc from 'fast-check';

/** Fixed, so that a failure can be had again; another one by FAST_CHECK_SEED. */
export const SEED = Number(process.env.FAST_CHECK_SEED ?? 20_261_121);

/** One character for each byte of the request line and of the fields. */
export interface RawRequest {
  method: string;
  target: string;
  version: '1.0' | '1.1';
  /** The values of its `Host` fields. */
  hosts: readonly string[];
  /** Other fields, each with its name. */
  fields?: readonly string[];
}

export const METHODS = ['GET', 'DELETE', 'POST'] as const;

const PAYLOAD = '{"title":"Written by ada"}';

/** Asks for the connection to be closed; a POST creates a task. */
export function toBytes({ method, target, version, hosts, fields: more = [] }: RawRequest): Uint8Array {
  const fields = [...hosts.map((host) => `Host: ${host}`), 'Connection: close', ...more];
  if (method === 'POST') fields.push('Content-Type: application/json', `Content-Length: ${PAYLOAD.length}`);
  const head = [`${method} ${target} HTTP/${version}`, ...fields, '', ''].join('\r\n');
  return Buffer.from(method === 'POST' ? head + PAYLOAD : head, 'latin1');
}

export const UP = ['..', '%2e%2e', '%2E%2e', '.%2e', '%2E.'];
export const HERE = ['.', '%2e', '%2E'];

/** Puts `text` into `path` somewhere after its first slash. */
const insert = (path: string, at: number, text: string) => {
  const place = 1 + (at % path.length);
  return path.slice(0, place) + text + path.slice(place);
};

/** Puts a segment, or several, into `path` in front of any but its first one. */
const insertSegments = (path: string, at: number, segments: string) => {
  const parts = path.split('/');
  parts.splice(1 + (at % (parts.length - 1)), 0, segments);
  return parts.join('/');
};

/** Each makes a path ambiguous, whatever the path is and whatever the others do to it. */
const AMBIGUITIES: fc.Arbitrary<(path: string, at: number) => string>[] = [
  fc.constantFrom(...UP).map((up) => (path, at) => insertSegments(path, at, `ada/${up}`)),
  fc.constantFrom(...HERE).map((here) => (path, at) => insertSegments(path, at, here)),
  fc.constantFrom(...UP).map((up) => (path, at) => insertSegments(path, at, `ada/x\\${up}`)),
  fc.constantFrom('//', '\\', '%2f', '%2F', '%5c', '%5C').map((separator) => (path, at) => insert(path, at, separator)),
  fc.constantFrom(';', ';x=y', '#', '#/api/ada/').map((end) => (path, at) => insert(path, at, end)),
  // None of them is in any UTF-8.
  fc.constantFrom('\xff', '\xc0\xaf', '\xc0\xae\xc0\xae', '\xfe').map((bytes) => (path, at) => insert(path, at, bytes)),
];

/** Paths that a parser may take for one of `goals` and another one not, with at least one ambiguity each. */
export function ambiguousPaths(goals: readonly string[]): fc.Arbitrary<string> {
  const ambiguity = fc.tuple(fc.oneof(...AMBIGUITIES), fc.nat());
  return fc
    .tuple(fc.constantFrom(...goals), fc.array(ambiguity, { minLength: 1, maxLength: 4 }))
    .map(([goal, ambiguities]) => ambiguities.reduce((path, [apply, at]) => apply(path, at), goal));
}

/** Of these no server can tell which host is meant, or what to make a URL of. */
export const BAD_HOSTS: readonly Pick<RawRequest, 'version' | 'hosts'>[] = [
  { version: '1.0', hosts: [] },
  { version: '1.0', hosts: [''] },
  { version: '1.1', hosts: [''] },
  { version: '1.1', hosts: ['localhost', 'localhost'] },
  { version: '1.1', hosts: ['localhost', 'other.example'] },
  ...['a b', 'a, b', 'a@localhost', 'localhost/api/ada', 'localhost?', 'localhost\\', 'localhost#', 'ü', 'a:99999'].map(
    (host) => ({ version: '1.1', hosts: [Buffer.from(host).toString('latin1')] }) as const,
  ),
];
