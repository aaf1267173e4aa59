import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const PAUSE_MS = 5;
const TIMEOUT_MS = 10_000;

/** What a visitor has seen so far. */
export interface Visits {
  requests: number;
  /** Why requests failed. */
  failures: string[];
  /** Answers by version. */
  versions: Map<string, number>;
}

/** Requests an address again and again, each time over a connection of its own, until `stop`. */
export class Visitor {
  readonly visits: Visits = { requests: 0, failures: [], versions: new Map() };
  private stopped = false;
  private readonly ended: Promise<void>;

  constructor(url: string) {
    this.ended = this.run(url);
  }

  async stop(): Promise<Visits> {
    this.stopped = true;
    await this.ended;
    return this.visits;
  }

  private async run(url: string): Promise<void> {
    const { visits } = this;
    while (!this.stopped) {
      try {
        const { version } = await ask(url);
        visits.versions.set(version, (visits.versions.get(version) ?? 0) + 1);
      } catch (error) {
        visits.failures.push((error as Error).message);
      }
      visits.requests++;
      await sleep(PAUSE_MS);
    }
  }
}

/** `1200 requests, 0 failed (700 × hello:1, 500 × hello:2)` */
export function describeVisits({ requests, failures, versions }: Visits): string {
  const answers = [...versions].map(([version, count]) => `${count} × ${version}`).join(', ');
  return `${requests} requests, ${failures.length} failed (${answers})`;
}

/**
 * Asks the demo's service once.
 * @throws Error when it is not the service that answers
 */
export function ask(url: string): Promise<{ version: string; machine: string }> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, timeout: TIMEOUT_MS }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text += part;
      });
      response.on('error', reject);
      response.on('end', () => {
        const [version = '', machine] = text.split(' on ');
        if (response.statusCode === 200 && machine !== undefined) resolve({ version, machine });
        else reject(new Error(`status ${response.statusCode}: ${text.slice(0, 100)}`));
      });
    });
    request.on('timeout', () => request.destroy(new Error(`no answer in ${TIMEOUT_MS / 1000} s`)));
    request.on('error', reject);
  });
}
