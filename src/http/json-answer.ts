/** Where Bun stops putting an answer into one write. */
const LARGE = 16 * 1024;

const headers = { 'content-type': 'application/json;charset=utf-8' };

/**
 * A value as a JSON answer, in the type of the value, from which clients get theirs. Bun 1.4.5 sends a body of over
 * 16 KiB from an async handler in some forty system calls, a header each; a direct stream that is written at once takes
 * one, and still has its Content-Length. (A page of 50 tasks, Bun.serve alone: 138 µs of CPU became 26.)
 */
export function jsonAnswer<T>(value: T): T {
  return answer(value) as T;
}

function answer(value: unknown): Response {
  const text = JSON.stringify(value);
  if (text.length < LARGE) return new Response(text, { headers });
  const source: Bun.DirectUnderlyingSource<string> = {
    type: 'direct',
    pull(controller) {
      controller.write(text);
      controller.end();
    },
  };
  return new Response(new ReadableStream(source, { highWaterMark: 2 * text.length }), { headers });
}
