/**
 * Which host names this service answers to. A web page can point its own name at 127.0.0.1 (DNS rebinding) and so share
 * an origin with the service; its requests still carry the page's name.
 */
export type AllowedHosts = '*' | ReadonlySet<string>;

export const LOOPBACK_HOSTS: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

export function isAllowedHost(url: string, allowed: AllowedHosts): boolean {
  return allowed === '*' || allowed.has(hostOf(url));
}

/** The host of an absolute URL, without its port. */
function hostOf(url: string): string {
  const start = url.indexOf('//') + 2;
  const authority = url.slice(start, url.indexOf('/', start));
  return authority.replace(/:\d+$/, '').toLowerCase();
}
