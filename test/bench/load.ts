/** Puts load on servers from a process of its own: as much as they take, or a fixed number of requests per second. */
import { unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BenchRequest, toWire } from './scenarios.ts';
import type { ServerProcess } from './servers.ts';

/** What wrk was given for the figures that the targets come from. */
const CONNECTIONS = 32;

/** Enough for requests to wait in the server, not for a connection. */
const PACED_CONNECTIONS = 128;

const GENERATOR = Bun.fileURLToPath(import.meta.resolve('./generator.ts'));
const hasWrk = Bun.which('wrk') !== null;

/** What puts full load on the servers. */
export const LOADER = hasWrk
  ? `\`wrk -c${CONNECTIONS}\``
  : `\`generator.ts\` (wrk is not installed; figures are lower)`;

export interface Load {
  requestsPerSecond: number;
  /** CPU time of the servers for one request. */
  cpuMicroseconds: number;
}

export interface Latency {
  p50: number;
  p99: number;
}

/** Load from connections that always have one request under way. */
export async function fullLoad(
  servers: ServerProcess[],
  requests: BenchRequest[],
  status: number,
  seconds: number,
): Promise<Load> {
  const cpu = () => servers.reduce((sum, server) => sum + server.cpuSeconds(), 0);
  const before = cpu();
  const result = await withRequests(requests, (file) =>
    hasWrk ? runWrk(servers, file, status, seconds) : runGenerator(servers, CONNECTIONS, file, status, 'full', seconds),
  );
  return {
    requestsPerSecond: result.requests / result.seconds,
    cpuMicroseconds: ((cpu() - before) / result.requests) * 1e6,
  };
}

/** How long answers take in milliseconds while `rate` requests come in each second, whether or not they are answered. */
export function pacedLoad(
  server: ServerProcess,
  requests: BenchRequest[],
  status: number,
  rate: number,
  seconds: number,
): Promise<Latency> {
  return withRequests(requests, (file) =>
    runGenerator([server], PACED_CONNECTIONS, file, status, String(rate), seconds),
  );
}

interface Result extends Latency {
  requests: number;
  seconds: number;
}

/** One thread for each server. wrk tells statuses apart only as up to 399 and above. */
async function runWrk(
  servers: ServerProcess[],
  file: string,
  status: number,
  seconds: number,
): Promise<Omit<Result, keyof Latency>> {
  const flags = [`-t${servers.length}`, `-c${CONNECTIONS}`, `-d${seconds}s`, '--timeout=10s'];
  const script = join(import.meta.dir, 'load.lua');
  const printed = await output(['wrk', ...flags, '-s', script, servers[0]?.url ?? '', file], {
    BENCH_PORTS: portsOf(servers),
  });
  const { failed, above399, ...result } = JSON.parse(printed.slice(printed.lastIndexOf('{')));
  const wrong = status > 399 ? result.requests - above399 : above399;
  if (wrong + failed > 0) throw new Error(`${wrong} answers were not ${status}, ${failed} requests failed.`);
  return result;
}

async function runGenerator(
  servers: ServerProcess[],
  connections: number,
  file: string,
  status: number,
  rate: string,
  seconds: number,
): Promise<Result> {
  const options = [portsOf(servers), connections, file, status, rate, seconds].map(String);
  return JSON.parse(await output(['bun', GENERATOR, ...options]));
}

const portsOf = (servers: ServerProcess[]) => servers.map(({ port }) => port).join();

let runs = 0;

async function withRequests<T>(requests: BenchRequest[], use: (file: string) => Promise<T>): Promise<T> {
  const run = ++runs;
  const file = join(tmpdir(), `todo-api-bench-requests-${process.pid}`);
  await Bun.write(file, requests.map((request) => toWire(request, run)).join('\0'));
  try {
    return await use(file);
  } finally {
    await unlink(file);
  }
}

async function output(command: string[], env: Record<string, string> = {}): Promise<string> {
  const child = Bun.spawn(command, { env: { ...process.env, ...env }, stderr: 'pipe' });
  const [printed, errors, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (code !== 0) throw new Error(`${command[0]} ended with ${code}: ${errors || printed}`);
  return printed;
}
