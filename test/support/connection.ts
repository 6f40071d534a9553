/** One connection to a service, which hides nothing: it repeats no request, and tells how the connection ended. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type RequestOptions, readAnswer } from './client.ts';
import type { Answer } from './openapi.ts';

/** Nobody listens: the request was not sent. */
export class Refused extends Error {}

/** The connection ended, or was cut, after the request was sent and before its answer was complete. */
export class Unanswered extends Error {}

/** Keeps one connection open and makes one request at a time on it. */
export class Connection {
  #socket: Socket | undefined;
  #received = Buffer.alloc(0);
  /** Ends the wait for something to happen on the connection. */
  #wake = () => {};

  readonly #host: string;

  constructor(origin: string) {
    this.#host = new URL(origin).host;
  }

  /** Asks as `Call` does, but without its check of the answer. */
  async request<Body = unknown>(
    method: string,
    path: string,
    { headers = {}, body }: Pick<RequestOptions, 'headers' | 'body'> = {},
  ): Promise<Answer<Body>> {
    const payload = body === undefined ? '' : JSON.stringify(body);
    const fields = {
      host: this.#host,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(method !== 'GET' && { 'content-length': Buffer.byteLength(payload) }),
      ...headers,
    };
    const head = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
    return this.send(`${method} ${path} HTTP/1.1\r\n${head.join('')}\r\n${payload}`);
  }

  /** Sends bytes as they are and reads one answer. */
  async send<Body = unknown>(bytes: string | Uint8Array): Promise<Answer<Body>> {
    const socket = await this.connect();
    socket.write(bytes);
    return this.read(Buffer.from(bytes).toString('latin1', 0, 5) !== 'HEAD ');
  }

  /** The open connection; opened if there is none. */
  async connect(): Promise<Socket> {
    if (this.#socket && !this.#socket.destroyed && !this.#socket.readableEnded) return this.#socket;
    const [hostname, port] = this.#host.split(':');
    const socket = connect(Number(port), hostname);
    socket.setNoDelay(true);
    this.#received = Buffer.alloc(0);
    try {
      await once(socket, 'connect');
    } catch (error) {
      throw new Refused(String(error));
    }
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    socket.on('end', () => this.#wake());
    socket.on('close', () => this.#wake());
    this.#socket = socket;
    return socket;
  }

  close(): void {
    this.#socket?.destroy();
  }

  /** Reads the next answer on the open connection; the answer to a HEAD has no body, whatever its length says. */
  async read<Body = unknown>(hasBody = true): Promise<Answer<Body>> {
    const head = await this.#take((bytes) => {
      const end = bytes.indexOf('\r\n\r\n');
      return end < 0 ? undefined : end + 4;
    });
    const [status = '', ...fields] = head.toString('latin1').trimEnd().split('\r\n');
    const headers = Object.fromEntries(
      fields.map((field) => {
        const colon = field.indexOf(':');
        return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()];
      }),
    );
    const length = hasBody ? Number(headers['content-length'] ?? 0) : 0;
    const body = await this.#take((bytes) => (bytes.length < length ? undefined : length));
    if (headers.connection === 'close') this.close();
    return readAnswer(Number(status.split(' ')[1]), headers, body.toString()) as Answer<Body>;
  }

  /** Waits until `sizeOf` finds what it looks for, and takes that many bytes. */
  async #take(sizeOf: (bytes: Buffer) => number | undefined): Promise<Buffer> {
    const socket = this.#socket as Socket;
    for (;;) {
      const size = sizeOf(this.#received);
      if (size !== undefined) {
        const taken = this.#received.subarray(0, size);
        this.#received = this.#received.subarray(size);
        return taken;
      }
      if (socket.destroyed || socket.readableEnded) throw new Unanswered(this.#received.toString());
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
