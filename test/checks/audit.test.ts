import { afterEach, expect, test } from 'bun:test';
import { audit } from './audit.ts';

let registry: Bun.Server<undefined> | undefined;

afterEach(() => registry?.stop(true));

test('a known vulnerability of high severity fails the check, which names the package', async () => {
  const { passed, output } = await auditAgainst(() => Response.json({ elysia: [advisory('high')] }));
  expect(passed).toBe(false);
  expect(output).toContain('elysia');
  expect(output).toContain('high: Everything can be read');
});

test('a critical one does too', async () => {
  expect((await auditAgainst(() => Response.json({ pino: [advisory('critical')] }))).passed).toBe(false);
});

test('one of lower severity does not', async () => {
  expect((await auditAgainst(() => Response.json({ elysia: [advisory('moderate')] }))).passed).toBe(true);
});

test('no finding passes', async () => {
  const { passed, output } = await auditAgainst(() => Response.json({}));
  expect(passed).toBe(true);
  expect(output).toContain('No vulnerabilities found');
});

test.each([405, 500])(
  'a registry that answers %d fails nothing, and the check says that it was not done',
  async (status) => {
    const { passed, output } = await auditAgainst(() => new Response(null, { status }));
    expect(passed).toBe(true);
    expect(output).toMatch(/^not done, the registry does not answer: error: /);
  },
);

test('a registry that cannot be reached fails nothing either', async () => {
  const { passed, output } = await audit(registryAt('http://127.0.0.1:9/'));
  expect(passed).toBe(true);
  expect(output).toMatch(/^not done, the registry does not answer: error: /);
});

function auditAgainst(answer: () => Response) {
  registry = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: answer });
  return audit(registryAt(registry.url.href));
}

function registryAt(url: string) {
  return { BUN_CONFIG_REGISTRY: url, npm_config_registry: url };
}

function advisory(severity: string) {
  return {
    id: 1,
    url: 'https://example.test/advisory',
    title: 'Everything can be read',
    severity,
    vulnerable_versions: '>=0',
    cwe: [],
    cvss: { score: 0, vectorString: null },
  };
}
