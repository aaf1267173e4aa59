import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/**
 * The fault of the next creation:
 * - `slow`: the answer comes late; - `throttle`: status 429; - `refuse`: code 10999;
 * - `lose`: the machine is made, the answer lost; - `broken`: the machine is made, the answer is not JSON;
 * - `none`: fewer machines than requested; - `repeat`: the id is twice in the answer; - `two`: two machines;
 * - `no_address`: the machine never gets one; - `fails`: its initialising fails.
 */
export type CloudFault =
  | 'slow'
  | 'throttle'
  | 'refuse'
  | 'lose'
  | 'broken'
  | 'none'
  | 'repeat'
  | 'two'
  | 'no_address'
  | 'fails';

interface CloudMachine {
  id: string;
  status: number;
  ip: string | undefined;
  /** How many questions get the answer "being made" first. */
  questions: number;
}

const SLOW_MS = 1_000;

/** A cloud and a discovery service as the adapters `rest` expect them, with the faults of real ones. */
export class CloudServer {
  readonly machines = new Map<string, CloudMachine>();
  /** Registered addresses. */
  readonly registered = new Set<string>();
  /** Each creation takes the first. */
  readonly faults: CloudFault[] = [];
  /** `METHOD path` of every request, in order. */
  readonly requests: string[] = [];
  /** Values of the header APPKEY that were sent. */
  readonly keys = new Set<string>();
  /** How many questions an asynchronous registration takes; 0: it is done at once. */
  asyncQuestions = 2;
  /** An asynchronous registration fails. */
  registrationFails = false;
  private readonly changes = new Map<string, { questions: number; apply: () => void }>();
  private made = 0;
  /** The number of requests in progress, and its maximum so far. */
  private underWay = 0;
  mostAtOnce = 0;
  private readonly server = createServer((request, response) => {
    this.underWay++;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.underWay);
    response.on('close', () => this.underWay--);
    void this.answer(request, response);
  });

  /** @param addressOf the address of a machine by its number, from 1, in the order of creation. */
  constructor(private readonly addressOf: (number: number) => string) {}

  async start(): Promise<string> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return `http://127.0.0.1:${(this.server.address() as { port: number }).port}`;
  }

  async stop(): Promise<void> {
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const part of request) text += String(part);
    const { pathname } = new URL(request.url ?? '/', 'http://server');
    this.requests.push(`${request.method} ${pathname}`);
    const { appkey } = request.headers;
    if (typeof appkey === 'string') this.keys.add(appkey);
    const correlation = String(request.headers['x-correlation-id'] ?? '');
    const json = (body: unknown, status = 200): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    const path = pathname.split('/');
    if (/^\/v1\/cluster\/\d+\/expand\/1$/.test(pathname)) return this.create(response, json);
    if (pathname.startsWith('/v1/instance/status/')) {
      const rows = (path.at(-1) ?? '').split(',').flatMap((id) => this.state(decodeURIComponent(id)));
      return json({ code: 0, msg: null, content: rows });
    }
    if (request.method === 'DELETE' && pathname.startsWith('/v1/instance/')) {
      const machine = this.machines.get(decodeURIComponent(path.at(-1) ?? ''));
      if (!machine || machine.status === 5) return json({ code: 12996, msg: 'bad request', content: null });
      machine.status = 5;
      return json({ code: 0, msg: null, content: null });
    }
    if (pathname.endsWith('/add/') || pathname.endsWith('/remove/'))
      return json(this.change(pathname.endsWith('/add/'), JSON.parse(text), correlation));
    if (pathname.endsWith('/check_state/')) return json(this.checkState(correlation));
    return json({ code: 404, msg: 'not found', content: null }, 404);
  }

  private async create(
    response: ServerResponse,
    json: (body: unknown, status?: number) => void,
  ): Promise<void> {
    const fault = this.faults.shift();
    if (fault === 'throttle') {
      response.setHeader('retry-after', '0.2');
      return json({ error: 'too many' }, 429);
    }
    if (fault === 'refuse') return json({ code: 10999, msg: 'no capacity left', content: null });
    if (fault === 'none') return json({ code: 0, msg: null, content: [] });
    const ids = Array.from({ length: fault === 'two' ? 2 : 1 }, () => this.make(fault));
    if (fault === 'slow') await new Promise((resolve) => setTimeout(resolve, SLOW_MS));
    if (fault === 'lose') {
      response.destroy();
      return undefined;
    }
    if (fault === 'broken') {
      response.end('<html>');
      return undefined;
    }
    return json({ code: 0, msg: null, content: fault === 'repeat' ? [...ids, ...ids] : ids, ext: 3 });
  }

  private make(fault: CloudFault | undefined): string {
    const number = ++this.made;
    const id = `i-${number}`;
    this.machines.set(id, {
      id,
      status: fault === 'fails' ? 7 : 1,
      ip: fault === 'no_address' ? undefined : this.addressOf(number),
      questions: 2,
    });
    return id;
  }

  private state(id: string): unknown[] {
    const machine = this.machines.get(id);
    if (!machine) return [];
    if (machine.questions > 0) {
      machine.questions--;
      return [{ instance_id: id, status: 0 }];
    }
    const row = { instance_id: id, status: machine.status };
    return machine.ip === undefined ? [row] : [row, { ...row, ip_address: machine.ip }];
  }

  private change(
    adds: boolean,
    { type_id, ips }: { type_id: number; ips: string },
    correlation: string,
  ): unknown {
    const apply = (): void => {
      for (const ip of ips.split(',')) {
        if (adds) this.registered.add(ip);
        else this.registered.delete(ip);
      }
    };
    if (type_id === 404) return { code: 12996, msg: 'no such type', data: null };
    if (this.asyncQuestions === 0) {
      apply();
      return { code: 0, msg: '', data: { type: 'sync' } };
    }
    this.changes.set(correlation, { questions: this.asyncQuestions, apply });
    return { code: 0, msg: '', data: { type: 'async', task_id: correlation } };
  }

  private checkState(correlation: string): unknown {
    const change = this.changes.get(correlation);
    if (!change) return { code: 12996, msg: 'no such task', data: null };
    if (this.registrationFails) return { code: 0, data: { state: 3, detail: [] } };
    if (change.questions > 0) {
      change.questions--;
      return { code: 0, data: { state: 1, detail: [] } };
    }
    change.apply();
    return { code: 0, data: { state: 2, detail: [] } };
  }
}
