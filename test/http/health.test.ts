import { describe, expect, test } from 'bun:test';
import { serve } from '../support/server.ts';

describe('A service that is well', () => {
  for (const path of ['/health/live', '/health/ready']) {
    test(`says so at ${path}`, async () => {
      await using server = serve();
      expect(await server.call('GET', path)).toMatchObject({
        status: 200,
        headers: { 'content-type': 'application/json;charset=utf-8' },
        body: { status: 'ok' },
      });
    });
  }
});

describe('A service that is about to stop', () => {
  test('is not ready, but alive, and answers', async () => {
    await using server = serve({ isStopping: () => true });
    const { call, root } = server;
    expect(await call('GET', '/health/ready')).toMatchObject({
      status: 503,
      body: {
        type: 'urn:problem-type:todo-api:stopping',
        title: 'The service is about to stop',
        detail: 'This process is about to end.',
      },
    });
    expect(await call('GET', '/health/live')).toMatchObject({ status: 200 });
    expect(await call('POST', root, { body: { title: 'Buy milk' } })).toMatchObject({ status: 201 });
  });

  test('asks clients to connect elsewhere the next time', async () => {
    await using server = serve({ isStopping: () => true });
    const answer = await server.send(`GET ${server.root} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    expect(answer).toMatchObject({ status: 200, headers: { connection: 'close' } });
  });
});
