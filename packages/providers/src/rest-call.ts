import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { ProviderError } from './provider-error.js';

/** One call to a service that answers `{"code": 0, "msg": …, …}`. */
export interface RestCall {
  method: 'GET' | 'POST' | 'DELETE';
  url: string;
  headers: Record<string, string>;
  /** Sent as JSON. */
  body?: unknown;
  signal: AbortSignal;
}

/** The answer of a call that succeeded: all members except `code` and `msg`. */
export type RestAnswer = Record<string, unknown>;

/** More bytes than any answer of these services has; a longer answer is not theirs. */
const LONGEST_ANSWER = 4 * 1024 * 1024;
const SHOWN = 300;

/**
 * Makes a call over a new connection. A kept connection could turn out to be dead after the request was written, and
 * then it would be unknown whether the request arrived.
 * @throws ProviderError; `unknown` whenever the request may have been worked on and there is no usable answer.
 */
export async function callRest(call: RestCall): Promise<RestAnswer> {
  const { response, text } = await send(call);
  const status = response.statusCode ?? 0;
  const where = `${call.method} ${new URL(call.url).host}`;
  if (status === 429 || (status === 503 && response.headers['retry-after'] !== undefined)) {
    throw new ProviderError(
      'throttled',
      `${where}: status ${status}, too many calls`,
      retryAfterMs(response.headers['retry-after']),
    );
  }
  const answer = parse(text);
  if (answer && answer.code !== 0) {
    const msg = typeof answer.msg === 'string' && answer.msg ? answer.msg : 'no reason given';
    throw new ProviderError('refused', `${where}: code ${String(answer.code)}, ${plain(msg)}`);
  }
  if (status >= 200 && status < 300 && answer) return answer;
  if (status >= 300 && status < 500)
    throw new ProviderError('refused', `${where}: status ${status} ${plain(text)}`.trim());
  const what = status < 300 ? 'an answer that cannot be read' : `status ${status}`;
  throw new ProviderError('unknown', `${where}: ${what} ${plain(text)}`.trim());
}

function send({ method, url, headers, body, signal }: RestCall): Promise<{
  response: IncomingMessage;
  text: string;
}> {
  const target = new URL(url);
  const secure = target.protocol === 'https:';
  const data = body === undefined ? undefined : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    let connected = false;
    const fail = (error: NodeJS.ErrnoException): void => {
      if (signal.aborted) reject(signal.reason);
      else
        reject(
          new ProviderError(
            connected ? 'unknown' : 'unavailable',
            `${method} ${target.host}: ${connected ? 'the answer was lost' : 'not reached'} (${error.code ?? error.message})`,
          ),
        );
    };
    const request = (secure ? requestHttps : requestHttp)(
      target,
      {
        method,
        agent: false,
        signal,
        headers: {
          accept: 'application/json',
          ...headers,
          ...(data === undefined
            ? method === 'POST'
              ? { 'content-length': '0' }
              : {}
            : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(data)) }),
        },
      },
      (response) => {
        const parts: Buffer[] = [];
        let bytes = 0;
        response.on('data', (part: Buffer) => {
          bytes += part.length;
          if (bytes > LONGEST_ANSWER) response.destroy(new Error('the answer is too long'));
          else parts.push(part);
        });
        response.on('error', fail);
        response.on('end', () => resolve({ response, text: Buffer.concat(parts).toString('utf8') }));
      },
    );
    request.on('socket', (socket) => {
      // No byte of a request is sent before this event.
      socket.once(secure ? 'secureConnect' : 'connect', () => {
        connected = true;
      });
    });
    request.on('error', fail);
    request.end(data);
  });
}

function parse(text: string): (RestAnswer & { code: unknown }) | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && 'code' in value)
      return value as RestAnswer & { code: unknown };
  } catch {
    // The answer is not of these services; the status says enough.
  }
  return undefined;
}

function retryAfterMs(header: string | undefined): number | undefined {
  const seconds = Number(header);
  return header !== undefined && Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}

/** A text from outside, made fit for a message. */
function plain(text: string): string {
  const line = text.replaceAll(/[\p{Cc}"\\]+/gu, ' ').trim();
  return line.length > SHOWN ? `${line.slice(0, SHOWN)}…` : line;
}
