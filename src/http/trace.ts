/** `traceparent` of W3C Trace Context: version 00, and the part of later versions that must stay the same. */
const TRACEPARENT =
  /^(?:00-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-[\da-f]{2}|(?!00|ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-[\da-f]{2}(?:-.*)?)$/;

/** The trace id that joins a log line to the trace of its request. */
export function traceIdOf(request: Request): string | undefined {
  const field = request.headers.get('traceparent');
  if (field === null) return undefined;
  const match = TRACEPARENT.exec(field);
  return match?.[1] ?? match?.[2];
}
