/** A task as the API shows it. */
export interface TaskView {
  id: number;
  state: number;
  end_reason: string;
  stat: number[];
}

/** A node inside a task. */
export interface RunView {
  id: number;
  ip: string;
  state: number;
  step: string;
  batch_id: number;
  steps: { num?: number; list?: { name: string; state: number; attempts: number; message: string }[] };
}

/** Calls the HTTP API as any client would. */
export class Api {
  constructor(private readonly url: string) {}

  /** @throws Error with the answer's text when the call is refused. */
  async call<Data>(path: string, body?: unknown): Promise<{ data: Data; taskId: number }> {
    const response = await fetch(`${this.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'demo' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    });
    const answer = (await response.json()) as { code: number; msg: string; data: Data };
    if (answer.code !== 0) throw new Error(`${path}: ${answer.msg}`);
    return { data: answer.data, taskId: Number(response.headers.get('x-task-id') ?? 0) };
  }

  async data<Data>(path: string, body?: unknown): Promise<Data> {
    return (await this.call<Data>(path, body)).data;
  }
}
