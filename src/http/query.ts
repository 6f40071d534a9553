import type { TObject } from '@sinclair/typebox';

/** A single parameter is a string, a repeated one an array, one with bad percent-encoding null. */
export type Query = Record<string, string | string[] | null>;

/**
 * Reads the query of a URL as `application/x-www-form-urlencoded` and keeps every repeat of a parameter. Parameters that
 * are arrays in the schema are arrays even when they come once.
 */
export function parseQuery(url: string, schema: TObject): Query {
  const query: Query = Object.create(null);
  const start = url.indexOf('?');
  if (start === -1) return query;
  for (const pair of url.slice(start + 1).split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decode(equals === -1 ? pair : pair.slice(0, equals)) ?? '%';
    const value = equals === -1 ? '' : decode(pair.slice(equals + 1));
    const before = query[name];
    if (value === null || before === null) query[name] = null;
    else if (Array.isArray(before)) before.push(value);
    else if (before !== undefined) query[name] = [before, value];
    else query[name] = schema.properties[name]?.type === 'array' ? [value] : value;
  }
  return query;
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return null;
  }
}
