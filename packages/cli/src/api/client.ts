import { createClient, type RigelClient } from '@rigel/api-client';
import { CommandError, EXIT } from '../command/exit.js';
import type { Io } from '../io.js';
import { plain } from '../output/screen.js';
import type { Settings } from '../settings/settings.js';

/** How long one request may take. The API answers reads within seconds; a large entry of nodes takes longest. */
const REQUEST_MS = 60_000;

/** The archive of a task takes as long as two minutes to make. */
const ARCHIVE = /\/bundle$/;
const ARCHIVE_MS = 180_000;

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** The line for a shell that sends the same; the token stays in a variable. */
async function curlOf(request: Request, hasToken: boolean): Promise<string> {
  const body = request.body === null ? '' : await request.clone().text();
  return [
    'curl -sS',
    ...(request.method === (body === '' ? 'GET' : 'POST') ? [] : [`-X ${request.method}`]),
    ...(hasToken ? ['-H "Authorization: Bearer $RIGEL_TOKEN"'] : []),
    ...(body === '' ? [] : [`-H 'Content-Type: application/json'`]),
    ...['idempotency-key'].flatMap((name) => {
      const value = request.headers.get(name);
      return value === null ? [] : [`-H ${quoted(`${name}: ${value}`)}`];
    }),
    quoted(request.url),
    ...(body === '' ? [] : [`-d ${quoted(plain(body))}`]),
  ].join(' ');
}

/** Why a connection failed, as people say it. */
function whyNot(error: unknown): string {
  const { cause, message, name } = error as Error & { cause?: { code?: string; message?: string } };
  if (name === 'TimeoutError') return `it did not answer within ${REQUEST_MS / 1_000} s`;
  const words: Record<string, string> = {
    ECONNREFUSED: 'nothing listens there',
    ENOTFOUND: 'there is no host of this name',
    EAI_AGAIN: 'the name of the host could not be looked up',
    ECONNRESET: 'the connection was cut',
    UND_ERR_SOCKET: 'the connection was cut',
    DEPTH_ZERO_SELF_SIGNED_CERT:
      'its certificate is signed by itself: name its authority in NODE_EXTRA_CA_CERTS',
    SELF_SIGNED_CERT_IN_CHAIN:
      'its certificate is signed by an unknown authority: name it in NODE_EXTRA_CA_CERTS',
    UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      'its certificate is signed by an unknown authority: name it in NODE_EXTRA_CA_CERTS',
    CERT_HAS_EXPIRED: 'its certificate has expired',
  };
  return words[cause?.code ?? ''] ?? cause?.message ?? message;
}

/** The gateway could not be reached. A request that changes something may have arrived. */
export class Unreachable extends CommandError {}

/** Calls of the API with the token, and with `--debug` a curl line for each. */
export function connect(settings: Settings, io: Io, debug: boolean, signal: AbortSignal): RigelClient {
  let known: Promise<string | undefined> | undefined;
  const once = async (request: Request): Promise<Response> => {
    known ??= settings.token();
    const token = await known;
    if (token !== undefined) request.headers.set('authorization', `Bearer ${token}`);
    request.headers.set('accept', 'application/json');
    request.headers.set('user-agent', 'rigel-cli');
    if (debug) io.err(`${await curlOf(request, token !== undefined)}\n`);
    const begun = io.now();
    try {
      const answer = await io.fetch(request, {
        signal: AbortSignal.any([
          signal,
          AbortSignal.timeout(ARCHIVE.test(request.url) ? ARCHIVE_MS : REQUEST_MS),
        ]),
      });
      if (debug) {
        const id = answer.headers.get('x-correlation-id');
        io.err(
          `  → ${answer.status} in ${io.now() - begun} ms${id === null ? '' : `, correlation id ${plain(id)}`}\n`,
        );
      }
      return answer;
    } catch (error) {
      if (signal.aborted) throw new CommandError('interrupted', EXIT.interrupted);
      if (error instanceof CommandError) throw error;
      throw new Unreachable(`${settings.url} cannot be reached: ${whyNot(error)}`);
    }
  };
  /** What makes something has a key: it is sent again under it where its answer was lost, and is carried out once. */
  const send = async (request: Request): Promise<Response> => {
    if (!request.headers.has(KEY)) return once(request);
    for (const pause of RETRIES_MS) {
      try {
        const answer = await once(request.clone());
        if (!PASSING.has(answer.status)) return answer;
      } catch (error) {
        if (!(error instanceof Unreachable)) throw error;
      }
      if (signal.aborted) break;
      io.err(`${settings.url} gave no answer; sending it again, under the same key\n`);
      await io.sleep(pause, signal);
    }
    return once(request);
  };
  return createClient(settings.url, { fetch: send });
}

const KEY = 'idempotency-key';
/** Pauses before what makes something is sent again. */
const RETRIES_MS = [500, 1_000, 2_000, 4_000];
/** Answers of a gateway that is being replaced, and of proxies before it. */
const PASSING = new Set([502, 503, 504]);
