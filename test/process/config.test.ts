/** What the environment variables mean. A process that starts with a wrong one is in start.test.ts. */
import { describe, expect, test } from 'bun:test';
import { InvalidConfig, readConfig } from '../../src/config.ts';

const DEFAULTS = {
  host: '127.0.0.1',
  port: 3000,
  databaseUrl: undefined,
  dataDir: './data',
  embeddedSync: true,
  poolSize: 10,
  timeoutMs: 10_000,
  migrateOnStart: true,
  readOnly: false,
  allowedHosts: new Set(['localhost', '127.0.0.1', '[::1]']),
  maxInFlight: 1024,
  publicUrl: undefined,
  corsOrigins: 'localhost',
  requireIfMatch: false,
  maxBodyBytes: 262_144,
  logLevel: 'info',
  logFormat: 'auto',
  shutdownDrainMs: 500,
  shutdownGraceSeconds: 10,
};

test('Without variables, every setting has its default', () => {
  expect<unknown>(readConfig({})).toEqual(DEFAULTS);
});

test('An empty variable, or one of white space, counts as unset', () => {
  const names: string[] = [];
  readConfig(new Proxy({}, { get: (_, name) => void names.push(String(name)) }));
  for (const value of ['', ' \t'])
    expect<unknown>(readConfig(Object.fromEntries(names.map((name) => [name, value])))).toEqual(DEFAULTS);
});

test('Every variable sets its setting, with or without white space around it', () => {
  const environment = {
    HOST: '::',
    PORT: '8080',
    DATABASE_URL: 'postgresql://ada@db.example/tasks',
    DATA_DIR: '/var/lib/todo',
    EMBEDDED_SYNC: 'off',
    DATABASE_POOL_SIZE: '20',
    DATABASE_TIMEOUT_MS: '5000',
    MIGRATE_ON_START: 'false',
    READ_ONLY: 'true',
    ALLOWED_HOSTS: 'API.example, 10.0.0.5 ,[::1]',
    MAX_IN_FLIGHT: '100',
    PUBLIC_URL: 'https://todo.example/my base//',
    CORS_ORIGINS: 'https://a.example , http://b.example:8080',
    REQUIRE_IF_MATCH: 'true',
    MAX_BODY_BYTES: '2048',
    LOG_LEVEL: 'warn',
    LOG_FORMAT: 'json',
    SHUTDOWN_DRAIN_MS: '0',
    SHUTDOWN_GRACE_SECONDS: '0',
  };
  const padded = Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, ` ${value}\n`]));
  for (const env of [environment, padded])
    expect<unknown>(readConfig(env)).toEqual({
      host: '::',
      port: 8080,
      databaseUrl: 'postgresql://ada@db.example/tasks',
      dataDir: '/var/lib/todo',
      embeddedSync: false,
      poolSize: 20,
      timeoutMs: 5000,
      migrateOnStart: false,
      readOnly: true,
      allowedHosts: new Set(['api.example', '10.0.0.5', '[::1]', 'todo.example']),
      maxInFlight: 100,
      publicUrl: 'https://todo.example/my%20base',
      corsOrigins: ['https://a.example', 'http://b.example:8080'],
      requireIfMatch: true,
      maxBodyBytes: 2048,
      logLevel: 'warn',
      logFormat: 'json',
      shutdownDrainMs: 0,
      shutdownGraceSeconds: 0,
    });
});

describe('The hosts that it answers to, unless told,', () => {
  for (const HOST of ['localhost', '127.0.0.1', '127.1.2.3', '::1'])
    test(`are the names of loopback on ${HOST}, and that of PUBLIC_URL`, () => {
      expect(readConfig({ HOST }).allowedHosts).toEqual(DEFAULTS.allowedHosts);
      expect(readConfig({ HOST, PUBLIC_URL: 'http://todo.example:8080' }).allowedHosts).toEqual(
        new Set([...DEFAULTS.allowedHosts, 'todo.example']),
      );
    });

  for (const HOST of ['0.0.0.0', '::', '10.0.0.5', 'localhost.example'])
    test(`are all on ${HOST}`, () => {
      expect(readConfig({ HOST }).allowedHosts).toBe('*');
    });
});

test('* allows every host and every origin', () => {
  expect(readConfig({ ALLOWED_HOSTS: '*', CORS_ORIGINS: '*', PUBLIC_URL: 'http://todo.example' })).toMatchObject({
    allowedHosts: '*',
    corsOrigins: '*',
  });
});

/** For each variable its outermost right values, and wrong ones next to them. */
const VALUES = {
  PORT: { expected: 'an integer from 0 to 65535', right: ['0', '65535'], wrong: ['-1', '65536', '1e3', '0x10', '1.5'] },
  DATABASE_URL: {
    expected: 'a URL that begins with postgres://',
    right: ['postgres://db.example/tasks', 'postgresql://db.example/tasks'],
    wrong: ['mysql://db.example/tasks', 'db.example', 'postgresqlite://db.example'],
  },
  DATABASE_POOL_SIZE: { expected: 'an integer from 1 to 1000', right: ['1', '1000'], wrong: ['0', '1001', 'ten'] },
  DATABASE_TIMEOUT_MS: {
    expected: 'an integer from 100 to 600000',
    right: ['100', '600000'],
    wrong: ['99', '600001', '10s'],
  },
  MIGRATE_ON_START: { expected: 'true or false', right: ['true', 'false'], wrong: ['yes', 'TRUE', '1'] },
  READ_ONLY: { expected: 'true or false', right: ['true', 'false'], wrong: ['yes', 'TRUE', '1'] },
  ALLOWED_HOSTS: {
    expected: '* or host names separated by commas, without ports',
    right: ['*', 'api.example', 'a,b', '[::1]'],
    wrong: ['api.example:80', 'https://api.example', 'a,,b', 'a, *', '::1'],
  },
  MAX_IN_FLIGHT: {
    expected: 'an integer from 1 to 1000000',
    right: ['1', '1000000'],
    wrong: ['0', '1000001', '10000000000000000'],
  },
  PUBLIC_URL: {
    expected: 'a URL that begins with http:// or https://, without credentials, query and fragment',
    right: ['http://a', 'https://a', 'https://a/@b'],
    wrong: ['ftp://a', 'todo.example', '/base', 'https://ada:secret@a', 'https://a/b?', 'https://a/#b'],
  },
  CORS_ORIGINS: {
    expected: '* or origins separated by commas, as https://a.example',
    right: ['*', 'http://a', 'https://a,http://b:8080'],
    wrong: ['https://a/', 'https://a/path', 'a.example', 'https://a,', 'https://a,*', 'https://A', 'file://a'],
  },
  REQUIRE_IF_MATCH: { expected: 'true or false', right: ['true', 'false'], wrong: ['no', '0'] },
  MAX_BODY_BYTES: {
    expected: 'an integer from 1024 to 16777216',
    right: ['1024', '16777216'],
    wrong: ['1023', '16777217', '1MB'],
  },
  LOG_LEVEL: {
    expected: 'fatal, error, warn, info, debug or silent',
    right: ['fatal', 'error', 'warn', 'info', 'debug', 'silent'],
    wrong: ['INFO', 'trace', 'loud'],
  },
  LOG_FORMAT: { expected: 'auto, text or json', right: ['auto', 'text', 'json'], wrong: ['JSON', 'pretty'] },
  SHUTDOWN_DRAIN_MS: { expected: 'an integer from 0 to 600000', right: ['0', '600000'], wrong: ['-1', '600001', '5s'] },
  SHUTDOWN_GRACE_SECONDS: { expected: 'an integer from 0 to 3600', right: ['0', '3600'], wrong: ['-1', '3601', '10s'] },
};

for (const [name, { expected, right, wrong }] of Object.entries(VALUES)) {
  test(`${name} may be ${right.join(' or ')}`, () => {
    for (const value of right) expect(() => readConfig({ [name]: value })).not.toThrow();
  });

  test.each(wrong)(`${name} may not be %s, and the error does not repeat it`, (value) => {
    expect(() => readConfig({ [name]: value })).toThrow(
      new InvalidConfig(`The configuration is not valid; see --help.\n${name} must be ${expected}`),
    );
  });
}

test('The error has a line for each wrong variable', () => {
  expect(() => readConfig({ LOG_LEVEL: 'loud', PORT: 'x', HOST: 'localhost' })).toThrow(
    new InvalidConfig(
      [
        'The configuration is not valid; see --help.',
        'PORT must be an integer from 0 to 65535',
        'LOG_LEVEL must be fatal, error, warn, info, debug or silent',
      ].join('\n'),
    ),
  );
});
