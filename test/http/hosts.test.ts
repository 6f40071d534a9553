import { describe, expect, test } from 'bun:test';
import { problem } from '../support/expected.ts';
import { serve } from '../support/server.ts';

const HOSTS = new Set(['localhost', '127.0.0.1', 'api.example']);

const get = (path: string, host: string) => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;

describe('A host name that the service does not answer to', () => {
  for (const host of ['evil.example', 'evil.example:3000', 'localhost.evil.example', 'api.example.', '127.0.0.10']) {
    test(`is a 421: ${host}`, async () => {
      await using server = serve({ allowedHosts: HOSTS });
      const { root, send } = server;
      const { status, body } = await send(get(root, host));
      expect(status).toBe(421);
      const expected = problem(root, {
        type: 'misdirected',
        title: 'The request is for another host',
        status: 421,
        detail: 'This service does not answer to that host name; see ALLOWED_HOSTS.',
      });
      expect(body).toEqual(expected.body);
    });
  }

  test('changes nothing', async () => {
    await using server = serve({ allowedHosts: HOSTS });
    const { root, send, create, stored } = server;
    await create();
    const before = await stored();
    const answer = await send(`DELETE ${root} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n`);
    expect(answer.status).toBe(421);
    expect(await stored()).toEqual(before);
  });

  test('does not keep probes and scrapers out, which ask by address', async () => {
    await using server = serve({ allowedHosts: HOSTS });
    for (const path of ['/health/live', '/health/ready', '/metrics']) {
      expect((await server.send(get(path, '10.0.0.5:3000'))).status).toBe(200);
    }
  });
});

describe('A host name that the service answers to', () => {
  for (const host of ['localhost', 'LOCALHOST:3000', '127.0.0.1:80', 'api.example', 'API.example:8443']) {
    test(`may be written ${host}`, async () => {
      await using server = serve({ allowedHosts: HOSTS });
      expect((await server.send(get(server.root, host))).status).toBe(200);
    });
  }
});
