import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { parse, stringify } from 'yaml';
import { CommandError } from '../command/exit.js';

/** Where a context's token comes from; a token itself never stands in the file of contexts. */
export type TokenSource = { file: string } | { env: string } | { command: string } | { stored: true };

/** A system that the command line speaks to, by a name of its own. */
export interface Context {
  url: string;
  token?: TokenSource;
  /** Default of `--output`. */
  output?: string;
  /** Large changes ask for the context's name. */
  protected?: boolean;
}

export interface ConfigFile {
  current?: string;
  contexts: Record<string, Context>;
}

/** The file of contexts: `RIGEL_CONFIG`, otherwise `rigel/config.yaml` in the folder of the user's settings. */
export function configPath(env: NodeJS.ProcessEnv): string {
  if (env.RIGEL_CONFIG) return env.RIGEL_CONFIG;
  return join(env.XDG_CONFIG_HOME || join(env.HOME || homedir(), '.config'), 'rigel', 'config.yaml');
}

/** Tokens that `rigel login` keeps, by context, in a file that only its user reads. */
const credentialsPath = (env: NodeJS.ProcessEnv): string =>
  join(dirname(configPath(env)), 'credentials.yaml');

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function readYaml(path: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new CommandError(`${path} cannot be read: ${(error as Error).message.split('\n')[0]}`);
  }
  if (value === null || value === undefined) return {};
  if (!isRecord(value)) throw new CommandError(`${path} must hold names with values`);
  return value;
}

function readToken(path: string, name: string, value: unknown): TokenSource {
  const known = ['file', 'env', 'command'] as const;
  if (isRecord(value)) {
    const [key, ...more] = Object.keys(value);
    const text = value[key ?? ''];
    if (key === 'stored' && text === true) return { stored: true };
    const kind = known.find((word) => word === key);
    if (kind && more.length === 0 && typeof text === 'string' && text !== '')
      return { [kind]: text } as TokenSource;
  }
  throw new CommandError(
    `${path}: token of context ${name} must be one of {file}, {env}, {command} or {stored: true}; a token itself does not belong there`,
  );
}

/** @throws CommandError that names the file and what is wrong in it. */
export function readConfig(env: NodeJS.ProcessEnv): ConfigFile {
  const path = configPath(env);
  if (!existsSync(path)) return { contexts: {} };
  const { current, contexts = {}, ...rest } = readYaml(path);
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) throw new CommandError(`${path}: there is no setting ${unknown}`);
  if (current !== undefined && typeof current !== 'string')
    throw new CommandError(`${path}: current must be the name of a context`);
  if (!isRecord(contexts)) throw new CommandError(`${path}: contexts must hold contexts by their names`);
  const read = Object.entries(contexts).map(([name, value]): [string, Context] => {
    if (!isRecord(value) || typeof value.url !== 'string')
      throw new CommandError(`${path}: context ${name} needs url`);
    const { url, token, output, protected: isProtected, ...more } = value;
    const [other] = Object.keys(more);
    if (other !== undefined) throw new CommandError(`${path}: context ${name} has no setting ${other}`);
    return [
      name,
      {
        url: checkUrl(url as string, `${path}: url of context ${name}`),
        ...(token === undefined ? {} : { token: readToken(path, name, token) }),
        ...(typeof output === 'string' ? { output } : {}),
        ...(isProtected === true ? { protected: true } : {}),
      },
    ];
  });
  return { ...(current === undefined ? {} : { current }), contexts: Object.fromEntries(read) };
}

/** Replaces the file as a whole: a reader sees the old one or the new one. */
function write(path: string, content: unknown, mode: number): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const fresh = `${path}.${process.pid}`;
  writeFileSync(fresh, stringify(content), { mode });
  chmodSync(fresh, mode);
  renameSync(fresh, path);
}

export function writeConfig(env: NodeJS.ProcessEnv, config: ConfigFile): void {
  write(configPath(env), config, 0o600);
}

/** @throws CommandError if others can read the file. */
function readCredentials(env: NodeJS.ProcessEnv): Record<string, unknown> {
  const path = credentialsPath(env);
  if (!existsSync(path)) return {};
  const mode = statSync(path).mode & 0o777;
  if (process.platform !== 'win32' && (mode & 0o077) !== 0)
    throw new CommandError(
      `${path} holds tokens, and others can read it (mode ${mode.toString(8).padStart(4, '0')}): chmod 600 ${path}`,
    );
  return readYaml(path);
}

export function storedToken(env: NodeJS.ProcessEnv, context: string): string | undefined {
  const token = readCredentials(env)[context];
  return typeof token === 'string' ? token : undefined;
}

/** Keeps a context's token, or forgets it. */
export function storeToken(env: NodeJS.ProcessEnv, context: string, token: string | undefined): void {
  const credentials = readCredentials(env);
  if (token === undefined) delete credentials[context];
  else credentials[context] = token;
  write(credentialsPath(env), credentials, 0o600);
}

/** An address of a gateway, without a slash at its end. @throws CommandError */
export function checkUrl(text: string, what: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol))
    throw new CommandError(
      `${what} must be an address like https://rigel.example (got ${JSON.stringify(text)})`,
    );
  if (url.username !== '' || url.password !== '')
    throw new CommandError(`${what} must hold no password: a token comes from a file or a variable`);
  url.search = '';
  url.hash = '';
  return url.href.replace(/\/+$/, '');
}
