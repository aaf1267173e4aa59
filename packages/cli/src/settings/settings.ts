import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { CommandError } from '../command/exit.js';
import type { Io } from '../io.js';
import {
  type Context,
  checkUrl,
  configPath,
  readConfig,
  storedToken,
  type TokenSource,
} from './config-file.js';

/** Where the system is, and as whom the command line speaks to it. */
export interface Settings {
  /** Name of the context; undefined: none, the address was given otherwise. */
  context: string | undefined;
  url: string;
  /** Large changes ask for the context's name. */
  protected: boolean;
  /** Default format of the output. */
  output: string | undefined;
  /** Reads the token, when it is needed: a command may ask for it. */
  token(): Promise<string | undefined>;
  /** The token of a flag or a variable, and not that of the context. */
  givenToken(): Promise<string | undefined>;
}

/** The system that `pnpm start` runs on this machine. */
const LOCAL_URL = 'http://127.0.0.1:8080';
/** How long a command that prints a token may take. */
const TOKEN_COMMAND_MS = 10_000;
const TOKEN = /^[\x21-\x7e]{8,400}$/;

interface Given {
  context: string | undefined;
  url: string | undefined;
  tokenFile: string | undefined;
}

/** Reads where to go: a flag wins over a variable, a variable over the context, and that over the system of this machine. */
export function readSettings(given: Given, io: Io): Settings {
  const { env } = io;
  const config = readConfig(env);
  const name = given.context ?? (env.RIGEL_CONTEXT || undefined) ?? config.current;
  const context: Context | undefined = name === undefined ? undefined : config.contexts[name];
  if (name !== undefined && !context) {
    const known = Object.keys(config.contexts);
    throw new CommandError(
      `there is no context ${JSON.stringify(name)} in ${configPath(env)}; ${known.length === 0 ? 'it has none' : `it has ${known.join(', ')}`}`,
    );
  }
  const named = given.url ?? (env.RIGEL_URL || undefined);
  const url =
    named === undefined ? (context?.url ?? LOCAL_URL) : checkUrl(named, given.url ? '--url' : 'RIGEL_URL');
  // A token of a context goes nowhere else.
  const own = context && context.url === url ? context.token : undefined;
  return {
    context: context && context.url === url ? name : undefined,
    url,
    protected: context?.url === url && context.protected === true,
    output: (env.RIGEL_OUTPUT || undefined) ?? context?.output,
    token: async () =>
      checked((await readGivenToken(given.tokenFile, io)) ?? (await readOwnToken(own, name, io))),
    givenToken: async () => checked(await readGivenToken(given.tokenFile, io)),
  };
}

/** @throws CommandError, which never quotes the token. */
function checked(token: string | undefined): string | undefined {
  if (token === undefined || TOKEN.test(token)) return token;
  throw new CommandError('the token has characters that no token has, or a wrong length');
}

async function readGivenToken(file: string | undefined, io: Io): Promise<string | undefined> {
  const { env } = io;
  if (file === '-') return (await io.readInput()).trim();
  if (file !== undefined) return fromFile(file, '--token-file');
  if (env.RIGEL_TOKEN) return env.RIGEL_TOKEN.trim();
  return env.RIGEL_TOKEN_FILE ? fromFile(env.RIGEL_TOKEN_FILE, 'RIGEL_TOKEN_FILE') : undefined;
}

async function readOwnToken(
  own: TokenSource | undefined,
  context: string | undefined,
  { env }: Io,
): Promise<string | undefined> {
  if (own === undefined) return undefined;
  if ('file' in own) return fromFile(own.file, `token of context ${context}`);
  if ('env' in own) {
    const token = env[own.env];
    if (token) return token.trim();
    throw new CommandError(
      `context ${context} takes its token from the variable ${own.env}, which is not set`,
    );
  }
  if ('command' in own) return fromCommand(own.command, context);
  const token = storedToken(env, context as string);
  if (token !== undefined) return token;
  throw new CommandError(`no token is kept for context ${context}: rigel login --context ${context}`);
}

function fromFile(path: string, what: string): string {
  if (!existsSync(path)) throw new CommandError(`${what}: there is no file ${path}`);
  const [line = ''] = readFileSync(path, 'utf8').trim().split('\n');
  return line.trim();
}

function fromCommand(command: string, context: string | undefined): string {
  try {
    return execFileSync('/bin/sh', ['-c', command], {
      encoding: 'utf8',
      timeout: TOKEN_COMMAND_MS,
      stdio: ['ignore', 'pipe', 'inherit'],
    }).trim();
  } catch (error) {
    // Its message would quote what the command has printed.
    const { status } = error as { status?: number | null };
    throw new CommandError(
      `the command that gives the token of context ${context} failed${typeof status === 'number' ? ` with status ${status}` : ''}`,
    );
  }
}
