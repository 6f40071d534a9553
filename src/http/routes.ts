/** What can be asked of the routes of an app: which methods a path has, and which schemas a route. */
import type { TObject, TSchema } from '@sinclair/typebox';
import type { AnyElysia } from 'elysia';

export interface RouteSchemas {
  params?: TSchema;
  query?: TObject;
  body?: TSchema;
}

export class RouteTable {
  #app: AnyElysia | undefined;

  /** Called once, when every route has been added. */
  bind(app: AnyElysia): void {
    this.#app = app;
  }

  /** The methods of a path for `Allow` (RFC 9110 section 10.2.1); empty when there is no such path. */
  methodsOf(path: string): string[] {
    const methods = new Set<string>();
    for (const route of this.#routes) if (pattern(route.path).test(path)) methods.add(route.method);
    if (methods.has('GET')) methods.add('HEAD');
    return methods.size === 0 ? [] : [...methods, 'OPTIONS'];
  }

  schemasOf(method: string, path: string): RouteSchemas {
    const route = this.#routes.find((candidate) => candidate.method === method && candidate.path === path);
    return (route?.hooks ?? {}) as RouteSchemas;
  }

  get #routes() {
    return (this.#app?.routes ?? []).filter(({ path }) => !path.endsWith('*'));
  }
}

function pattern(path: string): RegExp {
  return new RegExp(`^${path.replace(/\/$/, '').replace(/:[^/]+/g, '[^/]+')}/?$`);
}
