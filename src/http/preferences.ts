/** Whether the request prefers `count=exact` (`Prefer`, RFC 7240). */
export function prefersCount(request: Request): boolean {
  const field = request.headers.get('prefer');
  if (field === null) return false;
  return field.split(',').some((preference) => /^\s*count\s*=\s*("exact"|exact)\s*(;|$)/i.test(preference));
}
