/** The Docker command line: an image, its volumes and its containers, all of which are removed at the end. */
import { atEnd } from '../support/cleanup.ts';

/** Begins every name of this run, so that it removes what it made and nothing else. */
const RUN = `todo-api-test-${crypto.randomUUID()}`;
let made = 0;
const interruption = new AbortController();

/** Ends the command that runs, and lets none start but those that remove. */
export function interrupt(): void {
  interruption.abort();
}

/** Runs a command. @returns what it printed. @throws with what it complained about when it fails. */
export async function docker(...args: string[]): Promise<string> {
  interruption.signal.throwIfAborted();
  const { exitCode, stdout, stderr } = await execute(args, interruption.signal);
  if (exitCode !== 0) throw new Error(`docker ${args[0]} ended with ${exitCode}: ${stderr}${stdout}`);
  return stdout.trim();
}

/** Builds the image of a folder. @returns its name. */
export async function buildImage(folder: string, buildArgs: Record<string, string>): Promise<string> {
  const args = Object.entries(buildArgs).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]);
  const build = async (tag: string, ...options: string[]) => {
    removeAtEnd('image', 'rm', tag);
    await docker('build', '--network=host', '--force-rm', ...args, ...options, '--tag', tag, folder);
    return tag;
  };
  // Layers go with the last name that holds them, so the first stage needs one as well.
  await build(`${RUN}:build`, '--target=build');
  return build(`${RUN}:final`);
}

/** Makes an empty volume. @returns its name. */
export async function createVolume(): Promise<string> {
  const name = newName();
  removeAtEnd('volume', 'rm', name);
  return docker('volume', 'create', name);
}

export interface RunOptions {
  image: string;
  /** Options of `docker run`. */
  options?: string[];
  env?: Record<string, string>;
  /** What follows the entry point. */
  command?: string[];
}

interface State {
  Status: string;
  ExitCode: number;
  StartedAt: string;
  Health?: { Status: string };
}

/** A container on the network of the host: the engine of the tests has no bridge, so that no port can be published. */
export class Container {
  private constructor(
    readonly name: string,
    readonly url: string,
  ) {}

  /** Starts one and returns at once. */
  static async run({ image, options = [], env = {}, command = [] }: RunOptions): Promise<Container> {
    const name = newName();
    const port = freePort();
    const variables = Object.entries({ PORT: port, ...env }).flatMap(([key, value]) => ['--env', `${key}=${value}`]);
    const fixed = ['--detach', `--name=${name}`, '--network=host', '--health-interval=1s', '--health-retries=1'];
    removeAtEnd('rm', '--force', '--volumes', name);
    await docker('run', ...fixed, ...variables, ...options, image, ...command);
    return new Container(name, `http://127.0.0.1:${port}`);
  }

  /** Starts one and waits until it can serve. */
  static async serve(options: RunOptions): Promise<Container> {
    const container = await Container.run(options);
    await container.ready();
    return container;
  }

  async ready(): Promise<void> {
    await until('the service is ready', async () => {
      const { Status, ExitCode } = await this.state();
      if (Status === 'exited') throw new Error(`The container ended with ${ExitCode}:\n${await this.logs()}`);
      return (await fetch(`${this.url}/health/ready`).catch(() => undefined))?.ok;
    });
  }

  async start(): Promise<void> {
    await docker('start', this.name);
    await this.ready();
  }

  /** Sends SIGTERM, after ten seconds SIGKILL, and waits for the end. */
  async stop(): Promise<void> {
    await docker('stop', '--time=10', this.name);
  }

  /** Waits for the end. @returns the exit code. */
  async ended(): Promise<number> {
    await until('the container has ended', async () => (await this.state()).Status === 'exited');
    return (await this.state()).ExitCode;
  }

  async remove(): Promise<void> {
    await docker('rm', '--force', this.name);
  }

  async state(): Promise<State> {
    return JSON.parse(await docker('inspect', '--format={{json .State}}', this.name));
  }

  /** Returns once the health check of the image says so. */
  async turns(health: 'healthy' | 'unhealthy'): Promise<void> {
    await until(`the container is ${health}`, async () => (await this.state()).Health?.Status === health);
  }

  async logs(): Promise<string> {
    const { stdout, stderr } = await execute(['logs', this.name]);
    return stdout + stderr;
  }

  /** The files outside volumes that were made, changed or deleted since the start. */
  async changedFiles(): Promise<string[]> {
    return (await docker('diff', this.name)).split('\n').filter(Boolean);
  }

  /** The value of an expression, by a second process in the container; there is no shell. */
  async evaluate<T>(expression: string): Promise<T> {
    const code = `const fs = require('node:fs'); console.log(JSON.stringify(${expression}))`;
    return JSON.parse(await docker('exec', this.name, '/usr/local/bin/bun', '-e', code));
  }
}

/** Asks until the answer is yes. @throws after a minute, saying what did not come. */
export async function until(what: string, isSo: () => Promise<unknown>): Promise<void> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await Bun.sleep(100)) {
    if (await isSo()) return;
  }
  throw new Error(`Waited a minute, in vain, until ${what}.`);
}

function newName(): string {
  made += 1;
  return `${RUN}-${made}`;
}

/** What was never made, or is gone already, is no reason to leave the rest behind. */
function removeAtEnd(...args: string[]): void {
  atEnd(async () => void (await execute(args)));
}

async function execute(args: string[], signal?: AbortSignal) {
  const child = Bun.spawn(['docker', ...args], { stdin: 'ignore', stdout: 'pipe', stderr: 'pipe', signal });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { exitCode: await child.exited, stdout, stderr };
}

function freePort(): number {
  const listener = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
  listener.stop(true);
  return listener.port;
}
