import { Agent, get } from 'node:http';

/** The results of clients. */
export interface ClientsReport {
  requests: number;
  /** The reasons of failed requests. */
  failures: string[];
  /** The number of answers, by node. */
  answers: Map<string, number>;
}

/** Clients that send one request after the other, over connections that stay open, until `stop`. */
export function startClients(url: string, count: number): { stop(): Promise<ClientsReport> } {
  const report: ClientsReport = { requests: 0, failures: [], answers: new Map() };
  const agent = new Agent({ keepAlive: true });
  let stopped = false;
  const client = async (): Promise<void> => {
    while (!stopped) {
      report.requests++;
      try {
        const { status, text, reused } = await ask(url, agent);
        // A server may close an idle connection; the client then sends its request again, as browsers do.
        if (status === 0 && reused) continue;
        if (status === 200) report.answers.set(text, (report.answers.get(text) ?? 0) + 1);
        else report.failures.push(`status ${status} ${text}`);
      } catch (error) {
        report.failures.push(String(error));
      }
    }
  };
  const clients = Array.from({ length: count }, client);
  return {
    stop: async () => {
      stopped = true;
      await Promise.all(clients);
      agent.destroy();
      return report;
    },
  };
}

/** One request over a new connection. */
export async function askOnce(url: string): Promise<{ status: number; text: string }> {
  return ask(url, false);
}

function ask(url: string, agent: Agent | false): Promise<{ status: number; text: string; reused: boolean }> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent, timeout: 10_000 }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text += part;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text, reused: false }));
      response.on('error', reject);
    });
    request.on('timeout', () => request.destroy(new Error('no answer in 10 s')));
    request.on('error', (error: NodeJS.ErrnoException) => {
      if (request.reusedSocket && error.code === 'ECONNRESET') resolve({ status: 0, text: '', reused: true });
      else reject(error);
    });
  });
}
