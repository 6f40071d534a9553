/** Puts load on servers from a process of its own: as much as they take, or a fixed number of requests per second. */
import { unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BenchRequest, toWire } from './scenarios.ts';
import type { ServerProcess } from './servers.ts';

/** What `wrk` was given for the figures that the targets come from. */
export const CONNECTIONS = 32;

export interface Load {
  requestsPerSecond: number;
  /** CPU time of the servers for one request. */
  cpuMicroseconds: number;
}

export interface Latency {
  p50: number;
  p99: number;
}

/** Load from as many connections as `wrk` has always open, each with one request at a time. */
export async function fullLoad(
  servers: ServerProcess[],
  requests: BenchRequest[],
  status: number,
  seconds: number,
): Promise<Load> {
  const cpu = () => servers.reduce((sum, server) => sum + server.cpuSeconds(), 0);
  const before = cpu();
  const output = await withRequests(requests, (file) =>
    run(
      [
        'wrk',
        `-t${servers.length}`,
        `-c${CONNECTIONS}`,
        `-d${seconds}s`,
        '-s',
        join(import.meta.dir, 'load.lua'),
        servers[0]?.url ?? '',
        file,
      ],
      {
        BENCH_PORTS: servers.map(({ port }) => port).join(),
      },
    ),
  );
  const result = JSON.parse(output.slice(output.lastIndexOf('{')));
  const wrong = status >= 400 ? result.requests - result.above399 : result.above399;
  if (wrong + result.failed > 0)
    throw new Error(`${wrong} answers were not ${status}, ${result.failed} requests failed`);
  return {
    requestsPerSecond: result.requests / result.seconds,
    cpuMicroseconds: ((cpu() - before) / result.requests) * 1e6,
  };
}

/** How long answers take in milliseconds while `rate` requests come in each second, whether or not they are answered. */
export async function pacedLoad(
  server: ServerProcess,
  requests: BenchRequest[],
  status: number,
  rate: number,
  seconds: number,
): Promise<Latency> {
  const output = await withRequests(requests, (file) =>
    run([
      'bun',
      Bun.fileURLToPath(import.meta.resolve('./paced.ts')),
      String(server.port),
      file,
      String(status),
      String(rate),
      String(seconds),
    ]),
  );
  return JSON.parse(output);
}

async function withRequests<T>(requests: BenchRequest[], use: (file: string) => Promise<T>): Promise<T> {
  const file = join(tmpdir(), `todo-api-bench-requests-${process.pid}`);
  await Bun.write(file, requests.map(toWire).join('\0'));
  try {
    return await use(file);
  } finally {
    await unlink(file);
  }
}

async function run(command: string[], env: Record<string, string> = {}): Promise<string> {
  const child = Bun.spawn(command, { env: { ...process.env, ...env }, stderr: 'pipe' });
  const [output, errors, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (code !== 0) throw new Error(`${command[0]} ended with ${code}: ${errors || output}`);
  return output;
}
