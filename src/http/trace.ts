/** `traceparent` of W3C Trace Context: of version 00 all of it, of a later one what is the same. */
const TRACEPARENT =
  /^(?:00-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-[\da-f]{2}|(?!00|ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-[\da-f]{2}(?:-.*)?)$/;

/** What joins a line of log to the trace of the request. */
export function traceIdOf(request: Request): string | undefined {
  const field = request.headers.get('traceparent');
  if (field === null) return undefined;
  const match = TRACEPARENT.exec(field);
  return match?.[1] ?? match?.[2];
}
