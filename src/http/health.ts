/** For load balancers and orchestrators: is the process alive, and can it answer. */
import { Type } from '@sinclair/typebox';
import { Elysia } from 'elysia';
import { operation } from './openapi.ts';
import { Problem } from './problems.ts';

const Health = Type.Object({ status: Type.Literal('ok') }, { additionalProperties: false });
const OK = { status: 'ok' } as const;
const success = { status: 200, description: 'It can.', schema: Health, example: OK } as const;
const tags = ['health'];

export interface HealthOptions {
  isStopping: () => boolean;
  /** Rejects, with the error to answer with, while the service cannot do its work. */
  checkReady: () => Promise<void>;
}

export function health({ isStopping, checkReady }: HealthOptions) {
  return new Elysia({ name: 'health' })
    .get(
      '/health/live',
      () => OK,
      operation({
        tags,
        operationId: 'getLiveness',
        summary: 'Whether the process can answer at all; asks nothing else',
        success,
        problems: [],
      }),
    )
    .get(
      '/health/ready',
      async () => {
        if (isStopping())
          throw new Problem('stopping', 'This process is about to end.', { headers: { 'retry-after': '1' } });
        await checkReady();
        return OK;
      },
      operation({
        tags,
        operationId: 'getReadiness',
        summary: 'Whether requests can be served: the database answers, and takes writes unless READ_ONLY is set',
        success,
        problems: [],
      }),
    );
}
