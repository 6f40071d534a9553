/** A preference (RFC 7240 section 2): its name and its value, with or without quotes; its parameters are skipped. */
const PREFERENCE =
  /[ \t]*([\w!#$%&'*+.^`|~-]+)(?![\w!#$%&'*+.^`|~-])(?:[ \t]*=[ \t]*([\w!#$%&'*+.^`|~-]+(?![\w!#$%&'*+.^`|~-])|"(?:[^"\\]|\\.)*"))?[ \t]*(?:;(?:[^,"]|"(?:[^"\\]|\\.)*")*)?(?:,|$)/y;

/** Whether the request prefers `count=exact`. Of a repeated preference the first counts. */
export function prefersCount(request: Request): boolean {
  // A list may have empty elements (RFC 9110 section 5.6.1).
  const field = request.headers.get('prefer')?.replace(/^[ \t,]+|,(?=[ \t]*,)/g, '');
  if (field === undefined) return false;
  PREFERENCE.lastIndex = 0;
  for (
    let match = PREFERENCE.exec(field);
    match && PREFERENCE.lastIndex > match.index;
    match = PREFERENCE.exec(field)
  ) {
    const [, name, value] = match;
    if (name?.toLowerCase() === 'count') return value === 'exact' || value === '"exact"';
  }
  return false;
}
