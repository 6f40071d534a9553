/**
 * Refuses a request whose target another parser could read as another path. A gateway decides by the target that was
 * sent; `request.url` is what is left after Bun has resolved dot segments, turned `\` into `/` and replaced bad bytes.
 */
import type { AnyElysia } from 'elysia';
import { Problem } from './problems.ts';

/** No route has more segments, or it would go unguarded. */
const MAX_SEGMENTS = 8;
const NAMES = Array.from({ length: MAX_SEGMENTS }, (_, n) => `segment${n}`);

/** Where a request goes that must be refused: `.invalid` is nobody's name (RFC 6761). */
const REFUSED = 'http://refused.invalid';

/** For load balancers that ask in HTTP/1.0 and name no host. */
const NEEDS_NO_HOST = new Set(['/', '/health/live', '/health/ready', '/metrics']);

/**
 * What gateways and libraries read in different ways: nginx and Caddy decode `%2F` before they compare, some take `\` for
 * `/` or merge `//`, others cut `;` off; U+FFFD stands for bytes that were not UTF-8.
 */
const AMBIGUOUS = /[;#]|\/\/|%(?:2f|5c|ef%bf%bd)/i;

type Segments = Readonly<Record<string, string>>;
type Sent = Request & { params: Segments };

/**
 * Compares what was sent with what Bun made of it, before Elysia sees the request. Only Bun's own routes are matched
 * against the target as it was sent, and give its segments as parameters; there is one route for each number of them.
 * Bun 1.4.5 does so, later ones may not: test/http/targets.test.ts finds out.
 */
export function guardTargets(app: AnyElysia): void {
  const isHost = createHostCheck();

  const answer = (request: Sent) => {
    if (!isHost(request.headers.get('host'))) return app.fetch(withoutHost(request));
    return app.fetch(isAsSent(request.url, request.params) ? request : refused(request));
  };

  // An empty segment, or more than any route has: that is a 404 only if Bun left as many.
  const answerUnmatched = (request: Sent) => {
    const { url, headers } = request;
    return app.fetch(isHost(headers.get('host')) && segmentsOf(url).length > MAX_SEGMENTS ? request : refused(request));
  };

  const routes: Record<string, typeof answer> = { '/': answer, '/*': answerUnmatched };
  for (let path = '', n = 0; n < MAX_SEGMENTS; n += 1) {
    path += `/:${NAMES[n]}`;
    routes[path] = answer;
    // With a slash at the end: Elysia's `listen` takes one off.
    routes[`${path}//`] = answer;
  }
  app.config.serve = { ...app.config.serve, routes } as typeof app.config.serve;
}

/** @throws Problem 400 when the target can be read in more than one way. Without a socket `url` is all that is known. */
export function refuseAmbiguousTarget(url: string): void {
  if (url.startsWith(REFUSED) || url.includes('#') || AMBIGUOUS.test(pathOf(url)))
    throw new Problem(
      'ambiguous-target',
      'Send one valid Host, and a path without dot segments, empty segments, \\, ;, #, %2F, %5C and bytes that are not UTF-8.',
    );
}

/** Compares segment by segment. Most targets have nothing encoded and are compared as they stand, in 60 ns. */
function isAsSent(url: string, sent: Segments): boolean {
  const query = url.indexOf('?');
  let at = url.indexOf('/', 8);
  for (const name of NAMES) {
    const segment = sent[name];
    if (segment === undefined) break;
    if (url[at] !== '/' || !url.startsWith(segment, at + 1)) return isAsSentDecoded(url, sent);
    at += 1 + segment.length;
  }
  if (url[at] === '/') at += 1;
  return at === (query < 0 ? url.length : query) || isAsSentDecoded(url, sent);
}

function isAsSentDecoded(url: string, sent: Segments): boolean {
  const segments = segmentsOf(url);
  return (
    segments.length === Object.keys(sent).length &&
    segments.every((segment, n) => {
      const decoded = decode(segment);
      // What cannot be decoded names nothing; the schema of the route says so.
      return decoded === undefined || decoded === sent[NAMES[n] as string];
    })
  );
}

/** Whether Bun could make a URL with that `Host`. If not, `request.url` is the target as it was sent. */
function createHostCheck() {
  // Few names come, one after the other.
  let known: string | null = null;
  return (host: string | null): boolean => {
    if (host !== null && host === known) return true;
    // Two of them arrive as one with a comma and a space.
    if (host === null || !/^[^\s/?#@\\]+$/.test(host) || !URL.canParse(`http://${host}`)) return false;
    known = host;
    return true;
  };
}

function withoutHost(request: Sent): Request {
  const { url, method, headers } = request;
  return NEEDS_NO_HOST.has(url) && !headers.get('host')
    ? new Request(`http://localhost${url}`, { method, headers })
    : refused(request);
}

/** The same request, without its body, to an address that is refused. */
function refused({ url, method, headers }: Request): Request {
  return new Request(url.replace(/^(http:\/\/[^/]*)?\/?/, `${REFUSED}/`), { method, headers });
}

/** With the slash in front. */
function pathOf(url: string): string {
  const start = url.indexOf('/', 8);
  const query = url.indexOf('?', start);
  return query < 0 ? url.slice(start) : url.slice(start, query);
}

function segmentsOf(url: string): string[] {
  const segments = pathOf(url).split('/').slice(1);
  if (segments.at(-1) === '') segments.pop();
  return segments;
}

function decode(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
