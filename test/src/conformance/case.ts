import { type Expectation, isRefusal, problemsOf, saysNotAvailable } from './expectation.js';
import { type ApiAnswer, type ApiRequest, type ApiSender, showAnswer, showRequest } from './http.js';
import { isObject } from './shape.js';
import type { World } from './world.js';

/** One rule for one endpoint, and how it is looked at. */
export interface Case {
  /** Id of the endpoint, or what else the case is about. */
  endpoint: string;
  rule: string;
  /** @throws WrongAnswer, NotAvailable, or Error when the case could not be prepared. */
  run: (asked: Asked) => Promise<void>;
}

/** An answer is not what the API documents. */
export class WrongAnswer extends Error {
  override readonly name = 'WrongAnswer';

  constructor(request: ApiRequest, answer: ApiAnswer, problems: readonly string[]) {
    super(
      [
        `sent:     ${showRequest(request)}`,
        `answered: ${showAnswer(answer)}`,
        ...problems.map((problem) => `  ${problem}`),
      ].join('\n'),
    );
  }
}

/** The server says that it cannot do the operation yet, or was not set up for it. */
export class NotAvailable extends Error {
  override readonly name = 'NotAvailable';
}

/** What a case asks of the server. */
export class Asked {
  constructor(
    readonly world: World,
    private readonly sender: ApiSender,
  ) {}

  /** Whether the server knows by a token who asks, whatever a request says. */
  get hasToken(): boolean {
    return this.sender.hasToken;
  }

  /** Sends a request whose answer must be as expected. */
  async expect(request: ApiRequest, expectation: Expectation): Promise<ApiAnswer> {
    const answer = await this.sender.send(request);
    this.remember(request.path, answer);
    const problems = problemsOf(answer, expectation);
    if (problems.length === 0) return answer;
    if (!isRefusal(expectation) && saysNotAvailable(answer)) throw new NotAvailable(showAnswer(answer));
    throw new WrongAnswer(request, answer, problems);
  }

  /** The answer to a request, whatever it is. */
  async answer(request: ApiRequest): Promise<ApiAnswer> {
    const answer = await this.sender.send(request);
    this.remember(request.path, answer);
    return answer;
  }

  /** The data of a request that must succeed, whatever its data is. */
  async data(method: string, path: string, body?: object | string): Promise<unknown> {
    const request: ApiRequest = { method, path, ...(body === undefined ? {} : { body }) };
    const answer = await this.sender.send(request);
    this.remember(path, answer);
    const { json } = answer;
    if (!isObject(json) || json.code !== 0)
      throw new WrongAnswer(request, answer, ['a success was expected']);
    return json.data;
  }

  /** What a request has made is removed at the end. */
  private remember(path: string, { json, headers }: ApiAnswer): void {
    if (!isObject(json) || json.code !== 0) return;
    const at = path.replace(/(%20|\/)+$/, '');
    if (at.startsWith('/pool/expand/')) this.world.emptyPool(Number(at.split('/')[3]));
    const tasks = headers['x-task-id'];
    if (tasks !== undefined) {
      for (const id of String(tasks).split(',')) this.world.removeTask(Number(id));
    } else if (at.endsWith('/add_nodes')) {
      for (const id of json.data as number[])
        this.world.removeNode(at.replace('add_nodes', 'remove_nodes'), id);
    } else if (at.endsWith('/create')) {
      const id = isObject(json.data) ? json.data.id : json.data;
      this.world.remove(`${removalFor(at)}/${String(id)}`);
    }
  }
}

/** Address that removes what an address creates. */
function removalFor(path: string): string {
  if (path.endsWith('/impl/create')) return '/task_tpl/delete';
  if (path.endsWith('/token/create')) return '/token/revoke';
  return path.replace('create', 'delete');
}
