import { expect, test } from 'bun:test';
import { createLog } from '../../src/log.ts';

const ENTRY = { requestId: 'a-1', traceId: undefined, method: 'GET', route: '/health/live', status: 200 };

for (const { what, entry } of [
  { what: 'of a route', entry: { ...ENTRY, milliseconds: 1.23456 } },
  { what: 'with a trace', entry: { ...ENTRY, traceId: '0af7651916cd43dd8448eb211c80319c', milliseconds: 0.5 } },
  { what: 'that no route answers', entry: { ...ENTRY, route: null, status: 404, milliseconds: 12 } },
]) {
  test(`The line about a request ${what} is byte for byte what the logger itself would write`, () => {
    const lines: string[] = [];
    const log = createLog('info', (line) => lines.push(line.replace(/"time":"[\d:.TZ-]{24}"/, '"time":0')));
    const { requestId: request_id, traceId: trace_id, method, route, status, milliseconds } = entry;
    const duration_ms = Math.round(milliseconds * 1000) / 1000;
    log.request(entry);
    log.logger.info({ request_id, trace_id, method, route, status, duration_ms }, 'request');
    expect(lines[0]).toMatch(/^\{"level":"info","time":0,"request_id":"a-1",.*,"msg":"request"\}\n$/);
    expect(lines[0]).toBe(lines[1] as string);
  });
}

test('At a level above info, requests leave no line', () => {
  const lines: string[] = [];
  createLog('warn', (line) => lines.push(line)).request({ ...ENTRY, milliseconds: 1 });
  expect(lines).toEqual([]);
});

test('Lines wait in memory only until there are 8 KiB of them', async () => {
  const log = JSON.stringify(import.meta.resolve('../../src/log.ts'));
  const script = `
    const write = (await import(${log})).linesToStdout();
    for (let n = 0; n < 200; n += 1) write('x'.repeat(99) + '\\n');
    process.kill(process.pid, 'SIGKILL');`;
  const child = Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe' });
  const lines = (await child.stdout.text()).split('\n');
  await child.exited;
  // Twice 82 lines; the last 36 died with the process.
  expect(lines).toEqual([...Array(164).fill('x'.repeat(99)), '']);
});
