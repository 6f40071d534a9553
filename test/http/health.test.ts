import { expect, test } from 'bun:test';
import { serve } from '../support/server.ts';

for (const path of ['/health/live', '/health/ready']) {
  test(`${path} says that all is well`, async () => {
    await using server = serve();
    expect(await server.call('GET', path)).toMatchObject({
      status: 200,
      headers: { 'content-type': 'application/json;charset=utf-8' },
      body: { status: 'ok' },
    });
  });
}
