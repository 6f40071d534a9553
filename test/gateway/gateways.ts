/** Real gateways; those here are configured the plain way to pass on what is under `/api/ada/` and answer 403 to all else. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../support/folder.ts';
import { until } from '../support/until.ts';

export interface Program {
  /** @param service `host:port` of what is behind it */
  config: (port: number, service: string) => string;
  command: (file: string, folder: string) => string[];
  env?: Record<string, string>;
}

export interface Gateway extends AsyncDisposable {
  port: number;
  origin: string;
}

export const HAPROXY_DEFAULTS = `
defaults
  mode http
  timeout connect 5s
  timeout client 5s
  timeout server 5s
`;

export const GATEWAYS = {
  nginx: nginx((service) => `http://${service}`),
  // With a path in proxy_pass nginx sends the path that it has decoded and put right, encoded anew.
  'nginx with a path in proxy_pass': nginx((service) => `http://${service}/api/ada/`),
  HAProxy: {
    config: (port, service) => `${HAPROXY_DEFAULTS}  timeout check 5s
frontend gateway
  bind 127.0.0.1:${port}
  http-request deny deny_status 403 unless { path_beg /api/ada/ }
  default_backend service
backend service
  option httpchk
  server service ${service} check inter 200ms fall 2
`,
    command: (file) => ['haproxy', '-db', '-f', file],
  },
  Caddy: {
    config: (port, service) => `
{
  admin off
  auto_https off
}
:${port} {
  handle /api/ada/* {
    reverse_proxy ${service}
  }
  handle {
    respond 403
  }
}
`,
    command: (file) => ['caddy', 'run', '--adapter', 'caddyfile', '--config', file],
  },
} satisfies Record<string, Program>;

function nginx(upstream: (service: string) => string): Program {
  return nginxWith(
    (port, service) => `
  server {
    listen 127.0.0.1:${port};
    location /api/ada/ { proxy_pass ${upstream(service)}; }
    location / { return 403; }
  }`,
  );
}

/** @param http what belongs into `http { … }` */
export function nginxWith(http: Program['config']): Program {
  return {
    config: (port, service) => `
daemon off;
pid nginx.pid;
events {}
http {
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  ${http(port, service)}
}
`,
    command: (file, folder) => ['nginx', '-p', folder, '-c', file, '-e', join(folder, 'error.log')],
  };
}

/** Starts a gateway in front of `origin` and waits until it answers. */
export async function startGateway(
  { config, command, env }: Program,
  origin: string,
  port = freePort(),
): Promise<Gateway> {
  const { folder, remove } = await makeFolder();
  const file = join(folder, 'config');
  await Bun.write(file, config(port, new URL(origin).host));
  await mkdir(join(folder, 'home'));
  const [program = '', ...flags] = command(file, folder);
  // Debian has some of them where only root looks.
  const path = Bun.which(program, { PATH: `${process.env.PATH}:/usr/sbin` });
  if (!path) throw new Error(`There is no ${program} on the PATH.`);
  const output = Bun.file(join(folder, 'output'));
  const child = Bun.spawn([path, ...flags], {
    env: { HOME: join(folder, 'home'), ...env },
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: output,
  });
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`${program} ended: ${await output.text()}`);
    return fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => false,
    );
  });
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      child.kill();
      await child.exited;
      await remove();
    },
  };
}

/** A port that nothing listened on a moment ago. */
export function freePort(): number {
  const listener = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
  listener.stop(true);
  return listener.port;
}
