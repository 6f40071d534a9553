/** A parameter that comes once is a string, one that is repeated an array, one with bad percent-encoding null. */
export type Query = Record<string, string | string[] | null>;

/** Reads the query of a URL as `application/x-www-form-urlencoded`, losing nothing: no last one wins. */
export function parseQuery(url: string): Query {
  const query: Query = Object.create(null);
  const start = url.indexOf('?');
  if (start === -1) return query;
  for (const pair of url.slice(start + 1).split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decode(equals === -1 ? pair : pair.slice(0, equals)) ?? '';
    const value = equals === -1 ? '' : decode(pair.slice(equals + 1));
    const before = query[name];
    query[name] = before === undefined || value === null || before === null ? value : [before, value].flat();
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
