import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { buffer } from 'node:stream/consumers';

/** One HTTP request, written down as it goes over the wire. */
export interface ApiRequest {
  method: string;
  /** Path as it is sent: what must be percent-encoded is. */
  path: string;
  /** Appended to the path, encoded. */
  query?: Record<string, string>;
  /** An object is sent as JSON, text and bytes as they are. */
  body?: object | string | Uint8Array;
  headers?: Record<string, string>;
}

/** What came back. `json` is undefined when the body is none. */
export interface ApiAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  json: unknown;
}

/** How long an answer is waited for; the documented clients give up then, too. */
const PATIENCE_MS = 10_000;

export interface SenderOptions {
  /** Certificate (PEM) of the authority to trust, when it is none that Node.js knows. */
  ca?: string | undefined;
  /** Token of an administrator, sent with every request; absent: the server has its access off. */
  token?: string | undefined;
}

/** Sends requests to one server. */
export class ApiSender {
  /** @param url address of the server, without a path. */
  constructor(
    private readonly url: URL,
    private readonly options: SenderOptions = {},
  ) {}

  /** Whether the server knows by a token who asks, whatever a request says. */
  get hasToken(): boolean {
    return this.options.token !== undefined;
  }

  /**
   * GET and DELETE carry their bodies, too, and every body is labelled as JSON unless the request says otherwise: that is
   * what the documented examples do.
   * @throws Error when no answer comes.
   */
  send(request: ApiRequest): Promise<ApiAnswer> {
    const body = bytesOf(request.body);
    const { ca, token } = this.options;
    const query = request.query ? `?${new URLSearchParams(request.query)}` : '';
    return new Promise((resolve, reject) => {
      const secured = this.url.protocol === 'https:';
      const outgoing = (secured ? httpsRequest : httpRequest)(
        {
          host: this.url.hostname.replace(/^\[|\]$/g, ''),
          port: this.url.port || (secured ? 443 : 80),
          ...(ca === undefined ? {} : { ca }),
          method: request.method,
          path: request.path + query,
          timeout: PATIENCE_MS,
          headers: {
            'content-type': 'application/json',
            authorization: 'conformance',
            ...(body ? { 'content-length': String(body.byteLength) } : {}),
            ...request.headers,
            ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          },
        },
        (response) => {
          buffer(response).then((bytes) => {
            const text = bytes.toString('utf8');
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              text,
              json: readJson(text),
            });
          }, reject);
        },
      );
      outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${PATIENCE_MS / 1_000} s`)));
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }
}

function bytesOf(body: ApiRequest['body']): Uint8Array | undefined {
  if (body === undefined || body instanceof Uint8Array) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

const SHOWN = 600;

/** A request in a line or two, for people. */
export function showRequest({ method, path, query, body, headers }: ApiRequest): string {
  const address = query ? `${path}?${new URLSearchParams(query)}` : path;
  const extra = Object.entries(headers ?? {}).map(([name, value]) => ` -H '${name}: ${value}'`);
  const content =
    body === undefined
      ? ''
      : body instanceof Uint8Array
        ? ` with ${body.byteLength} bytes`
        : ` ${shorten(typeof body === 'string' ? body : JSON.stringify(body))}`;
  return `${method} ${shorten(address)}${extra.join('')}${content}`;
}

/** An answer in a line, for people. */
export function showAnswer({ status, text }: ApiAnswer): string {
  return `${status} ${shorten(text)}`;
}

function shorten(text: string): string {
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}... (${text.length} characters)` : text;
}
