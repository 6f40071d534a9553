/** Cross-origin resource sharing (Fetch standard, section 3.3): which pages may use this service from a browser. */
import { Elysia } from 'elysia';

/** Any origin, a list of them, or pages that this machine serves. */
export type AllowedOrigins = '*' | 'localhost' | readonly string[];

const LOCALHOST = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

const EXPOSED_HEADERS = [
  'Accept',
  'Accept-Encoding',
  'Accept-Patch',
  'Allow',
  'ETag',
  'Idempotency-Replayed',
  'Link',
  'Location',
  'Preference-Applied',
  'Retry-After',
  'X-Request-Id',
  'X-Total-Count',
].join(', ');

const ALLOWED_HEADERS = [
  'Content-Type',
  'Idempotency-Key',
  'If-Match',
  'If-None-Match',
  'Last-Event-ID',
  'Prefer',
  'Traceparent',
  'X-Request-Id',
].join(', ');

const ALLOWED_METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE';

/** Lets pages of the allowed origins read every answer, problems included, and send every request. */
export function cors(origins: AllowedOrigins) {
  return new Elysia({ name: 'cors' }).onRequest(({ request, set }) => {
    if (origins !== '*') set.headers.vary = 'Origin';
    const origin = request.headers.get('origin');
    if (origin === null || !isAllowed(origin, origins)) return;
    set.headers['access-control-allow-origin'] = origins === '*' ? '*' : origin;
    if (request.method === 'OPTIONS' && request.headers.has('access-control-request-method')) {
      set.headers['access-control-allow-methods'] = ALLOWED_METHODS;
      set.headers['access-control-allow-headers'] = ALLOWED_HEADERS;
      set.headers['access-control-max-age'] = '7200';
    } else {
      set.headers['access-control-expose-headers'] = EXPOSED_HEADERS;
    }
  });
}

function isAllowed(origin: string, origins: AllowedOrigins): boolean {
  if (origins === '*') return true;
  return origins === 'localhost' ? LOCALHOST.test(origin) : origins.includes(origin);
}
