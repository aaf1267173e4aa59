/** A task as the API shows it. */
export interface TaskView {
  id: number;
  state: number;
  end_reason: string;
}

/** A node inside a task. */
export interface RunView {
  id: number;
  /** `-` until its machine has an address. */
  ip: string;
  state: number;
  batch_id: number;
  steps: { list?: { name: string; attempts: number; message: string }[] };
}

/** A node of a pool. */
export interface NodeView {
  ip: string;
  vm_id: string;
  /** 1: ready. */
  status: number;
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
