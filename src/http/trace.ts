/** `traceparent` of W3C Trace Context: of version 00 all of it, of a later one what is the same. */
const TRACEPARENT =
  /^(?:00-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-[\da-f]{2}|(?!00|ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-[\da-f]{2}(?:-.*)?)$/;

/** What joins a line of log to the trace of the request; empty when it has none. */
export function traceOf(request: Request): { trace_id?: string } {
  const field = request.headers.get('traceparent');
  const match = field === null ? null : TRACEPARENT.exec(field);
  const trace_id = match?.[1] ?? match?.[2];
  return trace_id === undefined ? {} : { trace_id };
}
