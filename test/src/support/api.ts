/** An answer of the HTTP API. */
export interface Answer<Data = unknown> {
  status: number;
  code: number;
  msg: string;
  data: Data;
  query_count?: number;
  /** Ids in the header X-Task-Id. */
  taskIds: number[];
}

export interface TaskInfo {
  id: number;
  Status: number;
  state: number;
  end_reason: string;
  stat: number[];
  ignored: number;
  step_len: number;
  pool_id: number;
}

export interface NodeRunInfo {
  id: number;
  ip: string;
  state: number;
  step: string;
  node_id: number;
  batch_id: number;
  steps: {
    name: string;
    num: number;
    list: { name: string; state: number; attempts: number; message: string }[];
  };
}

export interface LogLine {
  id: number;
  batch_id: number;
  message: string;
  /** Unix seconds. */
  ctime: number;
}

/** A call was refused that the test did not expect to be. */
export class RefusedCall extends Error {
  constructor(
    path: string,
    readonly answer: Answer,
  ) {
    super(`${path}: ${answer.code} ${answer.msg}`);
  }
}

/** A `fetch` that trusts this authority. Its library is large, and read when it is used: few systems are secured. */
function fetchTrusting(ca: string): typeof fetch {
  const ready = import('undici').then((undici) => ({
    ...undici,
    dispatcher: new undici.Agent({ connect: { ca } }),
  }));
  return (async (url: string, init: object) => {
    const { fetch, dispatcher } = await ready;
    return fetch(url, { ...init, dispatcher });
  }) as unknown as typeof fetch;
}

/** A client of the HTTP API as scripts use it: POST with JSON, answers in the envelope. */
export class ApiClient {
  constructor(
    readonly url: string,
    /** How long an answer is waited for. */
    private readonly timeoutMs = 60_000,
    /** The header by which it says who it is. */
    private readonly authorization = 'tester',
    /** Certificate (PEM) of the authority to trust, for https. */
    ca?: string,
  ) {
    if (ca !== undefined) this.fetch = fetchTrusting(ca);
  }

  /** Node's own, unless it must be told whom to trust. */
  readonly fetch: typeof fetch = fetch;

  /** What each request says about itself and whose it is. */
  get headers(): Record<string, string> {
    return { 'content-type': 'application/json', authorization: this.authorization };
  }

  async call<Data = unknown>(path: string, body?: unknown, method = 'POST'): Promise<Answer<Data>> {
    const response = await this.fetch(`${this.url}${path}`, {
      method,
      headers: this.headers,
      signal: AbortSignal.timeout(this.timeoutMs),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const envelope = (await response.json()) as Omit<Answer<Data>, 'status' | 'taskIds'>;
    const ids = response.headers.get('x-task-id');
    return { ...envelope, status: response.status, taskIds: ids ? ids.split(',').map(Number) : [] };
  }

  /** The data of a call that must succeed. @throws RefusedCall */
  async ok<Data = unknown>(path: string, body?: unknown): Promise<Data> {
    return (await this.done<Data>(path, body)).data;
  }

  /** The whole answer of a call that must succeed. @throws RefusedCall */
  async done<Data = unknown>(path: string, body?: unknown): Promise<Answer<Data>> {
    const answer = await this.call<Data>(path, body);
    if (answer.code !== 0) throw new RefusedCall(path, answer);
    return answer;
  }

  /** @param wait seconds to wait for its end at most. */
  async task(id: number, wait = 0): Promise<TaskInfo> {
    const [task] = await this.ok<TaskInfo[]>(`/task/${id}`, wait > 0 ? { wait } : undefined);
    if (!task) throw new Error(`task ${id} is missing from its answer`);
    return task;
  }

  detail(id: number): Promise<NodeRunInfo[]> {
    return this.ok<NodeRunInfo[]>(`/task/${id}/detail`);
  }

  log(id: number): Promise<LogLine[]> {
    return this.ok<LogLine[]>(`/task/${id}/log`);
  }

  /** Text of each step of a node run, in order. */
  async nodeLog(runId: number): Promise<[string, string][]> {
    const steps = await this.ok<Record<string, string>[]>(`/task/node/${runId}/log`);
    return steps.flatMap((step) => Object.entries(step));
  }
}
