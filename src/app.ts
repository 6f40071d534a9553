/** Puts the parts together. Knows neither the environment nor a socket, so that a test can make as many as it likes. */
import { type AnyElysia, Elysia } from 'elysia';
import type { Database } from './db/database.ts';
import type { Embedded } from './db/driver.ts';
import { describeError } from './db/driver-errors.ts';
import { createAdmission } from './http/admission.ts';
import { AllowedMethods } from './http/allowed-methods.ts';
import { type AllowedOrigins, cors } from './http/cors.ts';
import { docs } from './http/docs.ts';
import { errorHandler } from './http/error-handler.ts';
import { health } from './http/health.ts';
import { createUserLines } from './http/lines.ts';
import { createMetrics, metricsRoute } from './http/metrics.ts';
import { problemPages } from './http/problem-pages.ts';
import { type RequestOptions, requests } from './http/requests.ts';
import { guardTargets } from './http/target.ts';
import type { Log } from './log.ts';
import type { NewTaskId } from './tasks/ids.ts';
import { purgeAnswers } from './tasks/once.ts';
import { type TaskRoutesOptions, taskRoutes } from './tasks/routes.ts';
import { Completion, NewTask, Task, TaskList, TaskPatch, TaskReplacement } from './tasks/schema.ts';
import { sharingStatements } from './tasks/store/shared.ts';
import { createTaskStore } from './tasks/store/store.ts';

/** The schemas that the OpenAPI document names. */
const SCHEMAS = {
  Task,
  TaskList: { ...TaskList, items: { $ref: '#/components/schemas/Task' } },
  NewTask,
  TaskReplacement,
  TaskPatch,
  Completion,
};

export interface AppDependencies
  extends Omit<RequestOptions, 'metrics' | 'admission'>,
    Omit<TaskRoutesOptions, 'service' | 'admission' | 'lines'> {
  database: Database;
  poolSize: number;
  /** The most requests at once; more are refused with 503. */
  maxInFlight: number;
  /** How long a statement may take. */
  timeoutMs: number;
  /** The present in milliseconds since 1970; before 1970 it counts as its beginning, after 9999 as its end. */
  clock: () => number;
  newTaskId: NewTaskId;
  corsOrigins: AllowedOrigins;
}

/** The type of the app, from which Eden makes a client. */
export type App = ReturnType<typeof createApp>;

/**
 * Makes the app on an open, migrated database; it answers through `handle` at once and through a socket after `listen`.
 * The same requests with the same clock and ids give the same bytes.
 */
export function createApp(dependencies: AppDependencies) {
  const { database, poolSize, maxInFlight, log, publicUrl, corsOrigins, isStopping, newTaskId } = dependencies;
  const store = sharingStatements(createTaskStore(database), database);
  const service = { store, clock: withinRange(dependencies.clock), newTaskId };
  const admission = createAdmission(maxInFlight);
  const metrics = createMetrics(admission, database.stats, poolSize);
  const allowedMethods = new AllowedMethods();
  const healthRoutes = health({ isStopping, checkReady: database.readOnly ? store.checkReads : store.checkWrites });
  const routes = taskRoutes({ ...dependencies, admission, lines: createUserLines(dependencies), service });
  const app = new Elysia({
    // Unknown fields have been refused before Elysia would look for them once more.
    normalize: false,
    // One router for sockets and tests: Bun's own decodes paths in another way.
    systemRouter: false,
    // Elysia looks for the path from the 12th character on; in `http://api/` it begins sooner.
    handler: { standardHostname: false },
  })
    .use(cors(corsOrigins))
    .use(requests({ ...dependencies, admission, metrics }))
    .use(errorHandler({ logger: log.logger, describeError, allowedMethods, publicUrl }))
    .use(metricsRoute(metrics))
    .use(docs([healthRoutes, routes], SCHEMAS, publicUrl))
    .use(problemPages())
    .use(healthRoutes)
    .use(routes);
  allowedMethods.bind(app);
  guardTargets(app);
  if (!database.readOnly)
    purgeHourly(app, () =>
      purgeAnswers(service).catch((error) => log.logger.warn({ error: String(error) }, 'purge failed')),
    );
  if (database.embedded) keepUp(app, database.embedded, log);
  return app;
}

/** A clock whose times the tables can hold: a machine with a wrong one is served all the same. */
function withinRange(clock: () => number): () => number {
  const last = Date.parse('9999-12-31T23:59:59.999Z');
  return () => Math.min(Math.max(clock(), 0), last);
}

/** While the app listens; a failure is tried again. */
function keepUp(app: AnyElysia, { upkeep }: Embedded, { logger }: Log): void {
  const work = () =>
    upkeep()
      .then((upkeep) => upkeep && logger.debug(upkeep, 'upkeep'))
      .catch((error) => logger.warn({ error: String(error) }, 'upkeep failed'));
  let timer: Timer;
  app.onStart(() => {
    timer = setInterval(work, 1000);
  });
  app.onStop(() => clearInterval(timer));
}

/** While the app listens; every process may do it. */
function purgeHourly(app: AnyElysia, purge: () => Promise<void>): void {
  let timer: Timer;
  app.onStart(() => {
    timer = setInterval(purge, 60 * 60 * 1000);
  });
  app.onStop(() => clearInterval(timer));
}
