/** Which methods a path allows, by the routes of the app. */
import type { AnyElysia } from 'elysia';

export class AllowedMethods {
  #app: AnyElysia | undefined;

  /** Called once, when every route has been added. */
  bind(app: AnyElysia): void {
    this.#app = app;
  }

  /** The methods of a path for `Allow` (RFC 9110 section 10.2.1); none when there is no such path. */
  of(path: string): string[] {
    const methods = new Set<string>();
    for (const route of this.#routes) if (pattern(route.path).test(path)) methods.add(route.method);
    if (methods.has('GET')) methods.add('HEAD');
    return methods.size === 0 ? [] : [...methods, 'OPTIONS'];
  }

  get #routes() {
    return (this.#app?.routes ?? []).filter(({ path }) => !path.endsWith('*'));
  }
}

function pattern(path: string): RegExp {
  return new RegExp(`^${path.replace(/\/$/, '').replace(/:[^/]+/g, '[^/]+')}/?$`);
}
