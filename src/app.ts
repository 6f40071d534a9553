/** Puts the parts together. Knows neither the environment nor a socket, so that a test can make as many as it likes. */
import { type AnyElysia, Elysia } from 'elysia';
import type { Database } from './db/client.ts';
import type { Embedded } from './db/driver.ts';
import { type AllowedOrigins, cors } from './http/cors.ts';
import { docs } from './http/docs.ts';
import { errors } from './http/errors.ts';
import { health } from './http/health.ts';
import { createLoad } from './http/load.ts';
import { createMetrics, metricsRoute } from './http/metrics.ts';
import { type RequestOptions, requests } from './http/requests.ts';
import { RouteTable } from './http/routes.ts';
import type { Log } from './log.ts';
import type { NewTaskId } from './tasks/task.id.ts';
import { type TaskRoutesOptions, taskRoutes } from './tasks/task.routes.ts';
import { Task, TaskList } from './tasks/task.schema.ts';
import { createTaskService } from './tasks/task.service.ts';

export interface AppDependencies
  extends Omit<RequestOptions, 'metrics' | 'load'>,
    Omit<TaskRoutesOptions, 'service' | 'load'> {
  database: Database;
  poolSize: number;
  /** Requests at once; more are refused with 503. */
  maxInFlight: number;
  /** The present in milliseconds since 1970. */
  clock: () => number;
  newTaskId: NewTaskId;
  corsOrigins: AllowedOrigins;
}

export type App = ReturnType<typeof createApp>;

export function createApp(dependencies: AppDependencies) {
  const { database, poolSize, maxInFlight, log, corsOrigins, isStopping } = dependencies;
  const service = createTaskService(dependencies);
  const load = createLoad(maxInFlight);
  const metrics = createMetrics(load, database.stats, poolSize);
  const described = [
    health({ isStopping, checkReady: service.checkReady }),
    taskRoutes({ ...dependencies, load, service }),
  ];
  const routes = new RouteTable();
  const app = new Elysia({
    // Unknown fields are refused, not taken away.
    normalize: false,
    // One router for sockets and tests; Bun's own decodes paths in another way.
    systemRouter: false,
    // Elysia looks for the path from the 12th character on; `http://api/` has it sooner.
    handler: { standardHostname: false },
  })
    .use(cors(corsOrigins))
    .use(requests({ ...dependencies, load, metrics }))
    .use(errors({ logger: log.logger, routes }))
    .use(metricsRoute(metrics))
    .use(docs(described, { Task, TaskList }))
    .use(described);
  routes.bind(app);
  purgeHourly(app, () =>
    service.forgetAnswers().catch((error) => log.logger.warn({ error: String(error) }, 'purge failed')),
  );
  if (database.embedded) keepUp(app, database.embedded, log);
  return app;
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
