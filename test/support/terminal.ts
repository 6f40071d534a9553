/** The service on a real pseudo-terminal, where Ctrl-C reaches every process of its foreground group. */
import { stripVTControlCharacters } from 'node:util';
import type { Environment } from './service.ts';
import { until } from './until.ts';

export interface Terminal extends AsyncDisposable {
  /** All that it shows, without colours. */
  shown: () => string;
  /** Waits for something to be shown. */
  shows: (wanted: string) => Promise<void>;
  /** Types as a person does. */
  press: (key: 'Ctrl-C') => void;
  /** Resolves with the exit code, or with the signal that ended it. */
  exited: Promise<number | NodeJS.Signals | null>;
}

export function openTerminal(command: string[], environment: Environment): Terminal {
  let shown = '';
  const decoder = new TextDecoder();
  const child = Bun.spawn(command, {
    cwd: Bun.fileURLToPath(import.meta.resolve('../..')),
    env: { PATH: process.env.PATH, HOME: process.env.HOME, TERM: 'xterm', PORT: '0', ...environment },
    terminal: {
      cols: 120,
      rows: 40,
      data(_, bytes) {
        shown += decoder.decode(bytes, { stream: true });
      },
    },
  });
  const text = () => stripVTControlCharacters(shown).replaceAll('\r\n', '\n');
  return {
    shown: text,
    shows: (wanted) =>
      until(() => {
        if (text().includes(wanted)) return true;
        if (child.exitCode !== null) throw new Error(`It ended before it showed ${wanted}: ${text()}`);
        return false;
      }),
    press: () => void child.terminal?.write('\x03'),
    exited: child.exited.then(() => child.exitCode ?? child.signalCode),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await child.exited;
      child.terminal?.close();
    },
  };
}
