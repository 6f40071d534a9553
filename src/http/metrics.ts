/** What Prometheus reads at `/metrics`. Labels take few values: methods and routes of this service, status codes. */
import { Elysia } from 'elysia';
import type { HistogramConfiguration, LabelValues } from 'prom-client';
// Not the package as a whole: that has a client for push gateways as well, and loads node:http, node:https and node:cluster.
import Counter from 'prom-client/lib/counter.js';
import Gauge from 'prom-client/lib/gauge.js';
import Histogram from 'prom-client/lib/histogram.js';
import Registry from 'prom-client/lib/registry.js';
import { version } from '../../package.json';
import type { Admission } from './admission.ts';

export type Metrics = ReturnType<typeof createMetrics>;

/** Upper bounds of the buckets of durations, in seconds. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Counts of database statements. The metrics set `observe`, which is called with each statement's duration. */
interface StatementStats {
  inFlight: number;
  observe: (durationMs: number) => void;
}

/** A registry with the metrics of one app, which it shares with no other. */
export function createMetrics(admission: Admission, statements: StatementStats, poolSize: number) {
  const registry = new Registry();
  const registers = [registry];
  const observeRequest = durations({
    name: 'http_request_duration_seconds',
    help: 'Time from the arrival of a request to its answer.',
    labelNames: ['method', 'route', 'status'],
    registers,
  });
  new Gauge({
    name: 'http_requests_in_flight',
    help: 'Requests being worked on.',
    registers,
    collect() {
      this.set(admission.count());
    },
  });
  new Counter({
    name: 'http_requests_shed_total',
    help: 'Requests refused with 503 because too many were in flight.',
    registers,
    collect() {
      this.reset();
      this.inc(admission.shed());
    },
  });
  statements.observe = durations({
    name: 'database_statement_duration_seconds',
    help: 'Time from a statement to its answer, with the wait for a connection.',
    registers,
  });
  new Gauge({
    name: 'database_statements_in_flight',
    help: 'Statements not yet answered.',
    registers,
    collect() {
      this.set(statements.inFlight);
    },
  });
  new Gauge({ name: 'database_pool_size', help: 'The most connections to the database.', registers }).set(poolSize);
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory of this process.',
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  const labels = { version, bun: Bun.version };
  new Gauge({ name: 'todo_api_build_info', help: 'Always 1.', labelNames: Object.keys(labels), registers })
    .labels(labels)
    .set(1);
  return { registry, observeRequest };
}

/** How many durations are observed at a time. */
const BATCH = 100;

/**
 * A histogram of durations in milliseconds. They are observed many at a time and before the metrics are read: one by
 * one, each would find this code evicted from the processor's caches (test/bench/LOG.md).
 */
function durations<Label extends string>(options: Omit<HistogramConfiguration<Label>, 'buckets' | 'collect'>) {
  const waiting: { milliseconds: number; labels: LabelValues<Label> }[] = [];
  const histogram = new Histogram<Label>({ ...options, buckets: SECONDS, collect: observeAll });

  function observeAll(): void {
    for (const { milliseconds, labels } of waiting) histogram.observe(labels, milliseconds / 1000);
    waiting.length = 0;
  }

  return (milliseconds: number, labels: LabelValues<Label> = {}): void => {
    waiting.push({ milliseconds, labels });
    if (waiting.length === BATCH) observeAll();
  };
}

/** Serves the metrics in the text format of Prometheus. */
export function metricsRoute({ registry }: Metrics) {
  return new Elysia({ name: 'metrics' }).get(
    '/metrics',
    async ({ set }) => {
      set.headers['content-type'] = registry.contentType;
      return registry.metrics();
    },
    { detail: { hide: true } },
  );
}
