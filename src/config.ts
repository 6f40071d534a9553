/** The configuration: environment variables, checked by one schema that reports every wrong one at once. */
import { Kind, type Static, type TSchema, Type, TypeRegistry } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { OperatorError } from './errors.ts';
import type { AllowedOrigins } from './http/cors.ts';
import { type AllowedHosts, LOOPBACK_HOSTS } from './http/hosts.ts';
import { OneOf } from './types.ts';

const isUrl = (value: unknown, protocols: RegExp): value is string =>
  typeof value === 'string' && URL.canParse(value) && protocols.test(new URL(value).protocol);

TypeRegistry.Set('PostgresUrl', (_, value) => isUrl(value, /^postgres(ql)?:$/));
TypeRegistry.Set('BaseUrl', (_, value) => isUrl(value, /^https?:$/) && !/[?#]|^[^/]*\/\/[^/]*@/.test(value));
TypeRegistry.Set('Origins', (_, value) => value === '*' || (Array.isArray(value) && value.every(isOrigin)));

TypeRegistry.Set('Hosts', (_, value) => value === '*' || (Array.isArray(value) && value.every(isHost)));

const isHost = (value: unknown) => typeof value === 'string' && /^([\w.-]+|\[[\da-f:.]+\])$/i.test(value);
/** No origin has a `*` in it, and a pattern would match none. */
const isOrigin = (value: unknown) =>
  isUrl(value, /^https?:$/) && new URL(value).origin === value && !value.includes('*');
const custom = <T>(kind: string, options: object) => Type.Unsafe<T>({ [Kind]: kind, ...options });

/** `expected` is what an error says of a variable; it never repeats the value, which may be a secret. */
const Environment = Type.Object({
  HOST: Type.String({
    default: '127.0.0.1',
    minLength: 1,
    description: 'Address to listen on. Whoever reaches it may read and change every task.',
    expected: 'an address or a host name',
  }),
  PORT: Type.Integer({
    default: 3000,
    minimum: 0,
    maximum: 65535,
    description: 'Port to listen on; 0 takes a free one.',
    expected: 'an integer from 0 to 65535',
  }),
  DATABASE_URL: Type.Optional(
    custom<string>('PostgresUrl', {
      description: 'postgres://… A host under neon.tech is reached over WebSocket. Unset: embedded PGlite.',
      expected: 'a URL that begins with postgres://',
    }),
  ),
  DATA_DIR: Type.String({
    default: './data',
    minLength: 1,
    description: 'Folder of the embedded database.',
    expected: 'a path',
  }),
  EMBEDDED_SYNC: OneOf(['on', 'off'], {
    default: 'on',
    description: 'off: the embedded database is faster, and a power cut may destroy it.',
    expected: 'on or off',
  }),
  DATABASE_POOL_SIZE: Type.Integer({
    default: 10,
    minimum: 1,
    maximum: 1000,
    description: 'The most connections to PostgreSQL.',
    expected: 'an integer from 1 to 1000',
  }),
  DATABASE_TIMEOUT_MS: Type.Integer({
    default: 10_000,
    minimum: 100,
    maximum: 600_000,
    description: 'How long connecting to the database, or a statement, may take.',
    expected: 'an integer from 100 to 600000',
  }),
  MIGRATE_ON_START: Type.Boolean({
    default: true,
    description: 'Bring the tables up to date at start; false leaves that to the command `migrate`.',
    expected: 'true or false',
  }),
  READ_ONLY: Type.Boolean({
    default: false,
    description: 'Serve reads only, as on a standby: writes are refused with 503, and the tables are left as they are.',
    expected: 'true or false',
  }),
  ALLOWED_HOSTS: Type.Optional(
    custom<'*' | string[]>('Hosts', {
      description:
        'Host names to answer to: * or a list such as api.example,10.0.0.5. Unset: loopback names on a loopback HOST, else *.',
      expected: '* or host names separated by commas, without ports',
    }),
  ),
  MAX_IN_FLIGHT: Type.Integer({
    default: 1024,
    minimum: 1,
    maximum: 1_000_000,
    description: 'The most requests at once; more are refused with 503.',
    expected: 'an integer from 1 to 1000000',
  }),
  PUBLIC_URL: Type.Optional(
    custom<string>('BaseUrl', {
      description:
        'Where clients reach this service, with the path that a gateway takes away. Unset: taken from each request.',
      expected: 'a URL that begins with http:// or https://, without credentials, query and fragment',
    }),
  ),
  CORS_ORIGINS: Type.Optional(
    custom<'*' | string[]>('Origins', {
      description:
        'Origins whose pages may use this service: * or a list such as https://a.example,https://b.example. Unset: localhost.',
      expected: '* or origins separated by commas, as https://a.example',
    }),
  ),
  REQUIRE_IF_MATCH: Type.Boolean({
    default: false,
    description: 'Refuse changes without If-Match with 428, so that no client overwrites a change it has not seen.',
    expected: 'true or false',
  }),
  MAX_BODY_BYTES: Type.Integer({
    default: 262_144,
    minimum: 1024,
    maximum: 16_777_216,
    description: 'The largest request body.',
    expected: 'an integer from 1024 to 16777216',
  }),
  LOG_LEVEL: OneOf(['fatal', 'error', 'warn', 'info', 'debug', 'silent'], {
    default: 'info',
    description: 'The lowest severity that is logged; requests are info.',
    expected: 'fatal, error, warn, info, debug or silent',
  }),
  LOG_FORMAT: OneOf(['auto', 'text', 'json'], {
    default: 'auto',
    description: 'text: short lines for people; json: one object a line; auto: text on a terminal, else json.',
    expected: 'auto, text or json',
  }),
  SHUTDOWN_DRAIN_MS: Type.Integer({
    default: 500,
    minimum: 0,
    maximum: 600_000,
    description:
      'How long connections are still accepted after a signal to stop, for balancers that learn of it late: Kubernetes wants 5000.',
    expected: 'an integer from 0 to 600000',
  }),
  SHUTDOWN_GRACE_SECONDS: Type.Integer({
    default: 10,
    minimum: 0,
    maximum: 3600,
    description: 'How long requests in flight may take after that.',
    expected: 'an integer from 0 to 3600',
  }),
});
type Environment = Static<typeof Environment>;

export interface Config {
  host: string;
  port: number;
  databaseUrl: string | undefined;
  dataDir: string;
  embeddedSync: boolean;
  poolSize: number;
  timeoutMs: number;
  migrateOnStart: boolean;
  readOnly: boolean;
  allowedHosts: AllowedHosts;
  maxInFlight: number;
  publicUrl: string | undefined;
  corsOrigins: AllowedOrigins;
  requireIfMatch: boolean;
  maxBodyBytes: number;
  logLevel: Environment['LOG_LEVEL'];
  logFormat: Environment['LOG_FORMAT'];
  shutdownDrainMs: number;
  shutdownGraceSeconds: number;
}

export class InvalidConfig extends OperatorError {}

/**
 * Reads the configuration from environment variables; an empty one counts as unset.
 * @throws InvalidConfig with a line for each wrong variable, which never repeats its value
 */
export function readConfig(env: Record<string, string | undefined>): Config {
  const values: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(Environment.properties)) {
    const text = env[name]?.trim();
    values[name] = text === undefined || text === '' ? schema.default : parse(text, schema);
    if (values[name] === undefined) delete values[name];
  }
  if (!Value.Check(Environment, values)) {
    const names = new Set([...Value.Errors(Environment, values)].map(({ path }) => path.slice(1)));
    const lines = [...names].map((name) => `${name} must be ${schemaOf(name).expected}`);
    throw new InvalidConfig(['The configuration is not valid; see --help.', ...lines].join('\n'));
  }
  return {
    host: values.HOST,
    port: values.PORT,
    databaseUrl: values.DATABASE_URL,
    dataDir: values.DATA_DIR,
    embeddedSync: values.EMBEDDED_SYNC === 'on',
    poolSize: values.DATABASE_POOL_SIZE,
    timeoutMs: values.DATABASE_TIMEOUT_MS,
    migrateOnStart: values.MIGRATE_ON_START,
    readOnly: values.READ_ONLY,
    allowedHosts: allowedHosts(values),
    maxInFlight: values.MAX_IN_FLIGHT,
    publicUrl: values.PUBLIC_URL && new URL(values.PUBLIC_URL).href.replace(/\/+$/, ''),
    corsOrigins: values.CORS_ORIGINS ?? 'localhost',
    requireIfMatch: values.REQUIRE_IF_MATCH,
    maxBodyBytes: values.MAX_BODY_BYTES,
    logLevel: values.LOG_LEVEL,
    logFormat: values.LOG_FORMAT,
    shutdownDrainMs: values.SHUTDOWN_DRAIN_MS,
    shutdownGraceSeconds: values.SHUTDOWN_GRACE_SECONDS,
  };
}

function allowedHosts({ ALLOWED_HOSTS, HOST, PUBLIC_URL }: Environment): AllowedHosts {
  if (ALLOWED_HOSTS === '*') return '*';
  const isLoopback = /^(localhost|127\.[\d.]+|::1)$/.test(HOST);
  if (ALLOWED_HOSTS === undefined && !isLoopback) return '*';
  const hosts = ALLOWED_HOSTS?.map((host) => host.toLowerCase()) ?? LOOPBACK_HOSTS;
  return new Set(PUBLIC_URL ? [...hosts, new URL(PUBLIC_URL).hostname] : hosts);
}

/** The variables with their defaults, one a line, for `--help`. */
export function describeConfig(): string {
  const width = Math.max(...Object.keys(Environment.properties).map((name) => name.length));
  return Object.entries(Environment.properties)
    .map(([name, { default: value, description }]) => {
      const suffix = value === undefined ? '' : ` Default: ${value}.`;
      return `  ${name.padEnd(width)}  ${description}${suffix}`;
    })
    .join('\n');
}

function parse(text: string, schema: TSchema): unknown {
  if (schema.type === 'integer') return /^\d{1,15}$/.test(text) ? Number(text) : text;
  if (schema.type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text;
  if ((schema[Kind] === 'Origins' || schema[Kind] === 'Hosts') && text !== '*')
    return text.split(',').map((item) => item.trim());
  return text;
}

function schemaOf(name: string): TSchema {
  return Environment.properties[name as keyof typeof Environment.properties];
}
