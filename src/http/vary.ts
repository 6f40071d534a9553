import type { HTTPHeaders } from 'elysia';

/** Says that the answer depends on this request header as well (RFC 9110 section 12.5.5). */
export function addVary(headers: HTTPHeaders, name: string): void {
  headers.vary = headers.vary === undefined ? name : `${headers.vary}, ${name}`;
}
