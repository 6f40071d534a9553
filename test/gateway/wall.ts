/**
 * The service behind real gateways that let ada reach `/api/ada/` only: no target that they let through reaches what is
 * another user's. Apart from the suite because it needs nginx, HAProxy and Caddy: `bun run test:gateway`.
 */
import { afterAll, beforeAll, test } from 'bun:test';
import { attack, openTarget, type Target } from './attack.ts';
import { GATEWAYS, startGateway } from './gateways.ts';

const TIMEOUT_MS = 120_000;

let target: Target;

beforeAll(async () => {
  target = await openTarget();
}, TIMEOUT_MS);

afterAll(() => target[Symbol.asyncDispose]());

for (const [name, program] of Object.entries(GATEWAYS)) {
  test(
    `No target that ${name} lets through reaches another user’s tasks or the metrics`,
    async () => {
      await using gateway = await startGateway(program, target.service.origin);
      await attack(name, gateway, target);
    },
    TIMEOUT_MS,
  );
}
