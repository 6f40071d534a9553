import { describe, expect, test } from 'bun:test';
import { DatabaseUnavailable } from '../../src/errors.ts';
import { databases } from '../support/databases.ts';
import { problem } from '../support/expected.ts';
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
    const ready = await call('GET', '/health/ready');
    expect(ready).toEqual(
      problem(
        '/health/ready',
        {
          type: 'stopping',
          title: 'The service is about to stop',
          status: 503,
          detail: 'This process is about to end.',
        },
        { connection: 'close', 'retry-after': '1' },
      ),
    );
    expect(await call('GET', '/health/live')).toMatchObject({ status: 200 });
    expect(await call('POST', root, { body: { title: 'Buy milk' } })).toMatchObject({ status: 201 });
  });

  test('asks clients to connect elsewhere the next time', async () => {
    await using server = serve({ isStopping: () => true });
    const answer = await server.send(`GET ${server.root} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    expect(answer).toMatchObject({ status: 200, headers: { connection: 'close' } });
  });
});

test('A service whose database does not answer is alive, but not ready', async () => {
  const read = () => Promise.reject(new DatabaseUnavailable(undefined));
  await using server = serve({}, { ...databases[0], read });
  const { call } = server;
  expect(await call('GET', '/health/ready')).toEqual(
    problem(
      '/health/ready',
      {
        type: 'unavailable',
        title: 'The database cannot be reached',
        status: 503,
        detail: 'The database cannot be reached.',
      },
      { 'retry-after': '1' },
    ),
  );
  expect(await call('GET', '/health/live')).toMatchObject({ status: 200 });
});
