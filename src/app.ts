/** Puts the parts together. Knows neither the environment nor a socket, so that a test can make as many as it likes. */
import { Elysia } from 'elysia';
import type { Logger } from 'pino';
import type { Database } from './db/client.ts';
import { type AllowedOrigins, cors } from './http/cors.ts';
import { docs } from './http/docs.ts';
import { errors } from './http/errors.ts';
import { health } from './http/health.ts';
import { requests } from './http/requests.ts';
import { RouteTable } from './http/routes.ts';
import type { NewTaskId } from './tasks/task.id.ts';
import { taskRoutes } from './tasks/task.routes.ts';
import { Task, TaskList } from './tasks/task.schema.ts';
import { createTaskService } from './tasks/task.service.ts';

export interface AppDependencies {
  db: Database;
  log: Logger;
  /** The present in milliseconds since 1970. */
  clock: () => number;
  newTaskId: NewTaskId;
  newRequestId: () => string;
  publicUrl?: string | undefined;
  corsOrigins: AllowedOrigins;
  /** Whether a change to a task must say which revision it is made to. */
  requireIfMatch: boolean;
  maxBodyBytes: number;
}

export type App = ReturnType<typeof createApp>;

export function createApp(dependencies: AppDependencies) {
  const { log, corsOrigins } = dependencies;
  const service = createTaskService(dependencies);
  const routes = new RouteTable();
  const app = new Elysia({
    // Unknown fields are refused, not taken away.
    normalize: false,
    // One router for sockets and tests; Bun's own decodes paths in another way.
    systemRouter: false,
  })
    .use(requests(dependencies))
    .use(cors(corsOrigins))
    .use(errors({ log, routes }))
    .use(health(() => service.checkReady()))
    .use(docs({ Task, TaskList }))
    .use(taskRoutes({ ...dependencies, service }));
  routes.bind(app);
  return app;
}
