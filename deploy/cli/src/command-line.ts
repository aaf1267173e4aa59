import { parseArgs } from 'node:util';
import { type EventOwner, nearestName, ROLES, type Role } from '@rigel/contracts';
import { UsageError } from './usage-error.js';

/** A command with its arguments. */
export type Command =
  | { do: 'help' }
  | { do: 'verify'; services: EventOwner[]; json: boolean }
  | { do: 'rebuild'; services: EventOwner[] }
  | { do: 'task show'; id: number; at: string | undefined; json: boolean }
  | { do: 'orphans'; json: boolean }
  | { do: 'check-catalog'; json: boolean }
  | { do: 'record'; service: EventOwner; file: string }
  | {
      do: 'token create';
      name: string;
      role: Role;
      mayRun: boolean;
      expiresInMs: number | null;
      json: boolean;
    }
  | { do: 'token list'; json: boolean }
  | { do: 'token revoke'; id: number }
  | { do: 'database prepare'; services: EventOwner[]; passwords: string }
  | { do: 'database migrate'; services: EventOwner[]; passwords: string | undefined };

export const HELP = `rigel: checks and rebuilds the tables of a running system, and shows its history

  rigel verify [--service <name>] [--json]
      Folds all events and compares the result with the read tables. Status 0: no difference, 1: differences,
      2: it could not check.
  rigel rebuild [--service <name>]
      Makes the read tables again from the events, while the system runs.
  rigel task show <id> [--at <version|time>] [--json]
      Shows the task as it was after a version of its stream, or at a time (2026-03-01T12:00:00Z, or milliseconds
      since 1970). Default: now.
  rigel orphans [--json]
      Lists machines that exist at a provider and that no node has, and creations whose outcome is unknown. Deletes
      nothing. Status 0: none, 1: some, 2: it could not check.
  rigel check-catalog [--json]
      Lists templates whose tasks this release refuses, why, and which pools and scheduled tasks use them. Also lists
      templates whose calls by operators named secrets that the template does not allow. Changes nothing. Status 0:
      none, 1: some, 2: it could not check.
  rigel token create --name <name> --role <viewer|operator|admin> [--may-run]
                     [--expires <30d>] [--json]
      Makes an API token and prints it. It cannot be shown again: Rigel keeps only its hash. --may-run lets it run one-off
      commands (rigel run), which else only the role admin may. --expires takes a number
      of minutes, hours, days or weeks (90m, 12h, 30d, 4w); without it the token is valid until it is revoked.
  rigel token list [--json]
      Lists the tokens, newest first, with their roles and the time of their last use.
  rigel token revoke <id>
      Revokes a token: every gateway refuses it within a second.
  rigel database prepare --passwords <folder> [--service <name>]
      As an administrator (DATABASE_URL): makes for each service its schema, a role that owns the schema, and a role
      that the service runs as. Their passwords are in <folder>/<role>; it makes those that are missing.
  rigel database migrate [--passwords <folder>] [--service <name>]
      Brings the schemas up to date and lets the services' roles use them. With --passwords: as the owner of each
      schema, at the server and database of DATABASE_URL.
  rigel record <service> <file>
      Writes a service's events to <file>.jsonl, and the tables and states that follow from them to
      <file>.expected.json.

Services: inventory, catalog, scheduler, access. Their databases: the one that DATABASE_URL names (or, if a service has a
database of its own, INVENTORY_DATABASE_URL, CATALOG_DATABASE_URL, SCHEDULER_DATABASE_URL, ACCESS_DATABASE_URL); otherwise
the database of the system that pnpm start runs on this machine in RIGEL_DATA_DIR. The providers file: the one that
RIGEL_PROVIDERS_FILE names, otherwise the one of that system.
`;

export const SERVICES: readonly EventOwner[] = ['inventory', 'catalog', 'scheduler', 'access'];

const COMMANDS = [
  'verify',
  'rebuild',
  'task show',
  'orphans',
  'check-catalog',
  'token create',
  'token list',
  'token revoke',
  'database prepare',
  'database migrate',
  'record',
  'help',
];
/** The options of each command: whether they take a value. */
const OPTIONS: Record<string, Record<string, 'string' | 'boolean'>> = {
  verify: { service: 'string', json: 'boolean' },
  rebuild: { service: 'string' },
  'task show': { at: 'string', json: 'boolean' },
  orphans: { json: 'boolean' },
  'check-catalog': { json: 'boolean' },
  'token create': {
    name: 'string',
    role: 'string',
    'may-run': 'boolean',
    expires: 'string',
    json: 'boolean',
  },
  'token list': { json: 'boolean' },
  'token revoke': {},
  'database prepare': { service: 'string', passwords: 'string' },
  'database migrate': { service: 'string', passwords: 'string' },
  record: {},
  help: {},
};

/** @throws UsageError that names the part that is wrong, and the nearest known one. */
export function readCommandLine(args: readonly string[]): Command {
  if (args.length === 0 || args.some((arg) => arg === '--help' || arg === '-h')) return { do: 'help' };
  const words = COMMANDS.includes(args.slice(0, 2).join(' ')) ? 2 : 1;
  const name = args.slice(0, words).join(' ');
  const known = OPTIONS[name];
  if (!known)
    throw new UsageError(`there is no command ${name}; the nearest one is ${nearestName(name, COMMANDS)}`);
  const { values, positionals } = readOptions(name, args.slice(words), known);
  const json = values.json === true;
  switch (name) {
    case 'verify':
      takesNothing(name, positionals);
      return { do: 'verify', services: servicesOf(values.service), json };
    case 'rebuild':
      takesNothing(name, positionals);
      return { do: 'rebuild', services: servicesOf(values.service) };
    case 'task show': {
      const [id, ...rest] = positionals;
      takesNothing(`${name} ${id}`, rest);
      return { do: 'task show', id: idOf('task', id), at: values.at as string | undefined, json };
    }
    case 'orphans':
      takesNothing(name, positionals);
      return { do: 'orphans', json };
    case 'check-catalog':
      takesNothing(name, positionals);
      return { do: 'check-catalog', json };
    case 'token create':
      takesNothing(name, positionals);
      return {
        do: 'token create',
        name: needed(name, 'name', values.name),
        role: roleOf(needed(name, 'role', values.role)),
        mayRun: values['may-run'] === true,
        expiresInMs: durationOf(values.expires),
        json,
      };
    case 'token list':
      takesNothing(name, positionals);
      return { do: 'token list', json };
    case 'token revoke': {
      const [id, ...rest] = positionals;
      takesNothing(`${name} ${id}`, rest);
      return { do: 'token revoke', id: idOf('token', id) };
    }
    case 'database prepare':
      takesNothing(name, positionals);
      if (values.passwords === undefined) throw new UsageError('database prepare needs --passwords <folder>');
      return { do: name, services: servicesOf(values.service), passwords: values.passwords as string };
    case 'database migrate':
      takesNothing(name, positionals);
      return {
        do: name,
        services: servicesOf(values.service),
        passwords: values.passwords as string | undefined,
      };
    case 'record': {
      const [service, file, ...rest] = positionals;
      takesNothing(name, rest);
      if (service === undefined || file === undefined)
        throw new UsageError('record takes a service and a file');
      return { do: 'record', service: serviceOf(service), file };
    }
    default:
      return { do: 'help' };
  }
}

function readOptions(command: string, args: string[], known: Record<string, 'string' | 'boolean'>) {
  const options = Object.fromEntries(Object.entries(known).map(([name, type]) => [name, { type }]));
  const { values, positionals, tokens } = parseArgs({ args, options, strict: false, tokens: true });
  const seen = new Set<string>();
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const type = known[token.name];
    if (!type) {
      const nearest = nearestName(token.name, Object.keys(known));
      const hint = nearest === undefined ? 'it has none' : `the nearest one is --${nearest}`;
      throw new UsageError(`${command} has no option ${token.rawName}; ${hint}`);
    }
    if (seen.has(token.name)) throw new UsageError(`${token.rawName} is given twice`);
    seen.add(token.name);
    if (type === 'string' && (token.value === undefined || token.value === '')) {
      throw new UsageError(`${token.rawName} needs a value`);
    }
    if (type === 'boolean' && token.value !== undefined)
      throw new UsageError(`${token.rawName} takes no value`);
  }
  return { values, positionals };
}

function takesNothing(command: string, rest: readonly string[]): void {
  if (rest.length > 0) throw new UsageError(`${command} takes no argument ${rest[0]}`);
}

function serviceOf(name: string): EventOwner {
  const service = SERVICES.find((known) => known === name);
  if (service) return service;
  throw new UsageError(
    `${name} is not a service with events; the nearest one is ${nearestName(name, SERVICES)} (there are ${SERVICES.join(', ')})`,
  );
}

function servicesOf(name: unknown): EventOwner[] {
  return typeof name === 'string' ? [serviceOf(name)] : [...SERVICES];
}

const TAKES = { task: 'task show', token: 'token revoke' };

function idOf(kind: 'task' | 'token', text: string | undefined): number {
  if (text === undefined) throw new UsageError(`${TAKES[kind]} takes the id of a ${kind}`);
  const id = Number(text);
  if (/^\d+$/.test(text) && id > 0 && Number.isSafeInteger(id)) return id;
  throw new UsageError(`${text} is not a ${kind} id: expected a whole number from 1`);
}

function needed(command: string, option: string, value: unknown): string {
  if (typeof value === 'string') return value;
  throw new UsageError(`${command} needs --${option}`);
}

function roleOf(text: string): Role {
  const role = ROLES.find((known) => known === text);
  if (role) return role;
  throw new UsageError(
    `--role ${text} is not a role; the nearest one is ${nearestName(text, ROLES)} (there are ${ROLES.join(', ')})`,
  );
}

const UNITS_MS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const MAX_DURATION_MS = 3_650 * 86_400_000;

/** How long a token is valid, in milliseconds; null = until it is revoked. */
function durationOf(text: unknown): number | null {
  if (typeof text !== 'string') return null;
  const [, number, unit] = /^(\d{1,9})([mhdw])$/.exec(text) ?? [];
  const ms = Number(number) * (UNITS_MS[unit ?? ''] ?? Number.NaN);
  if (ms > 0 && ms <= MAX_DURATION_MS) return ms;
  throw new UsageError(
    `--expires ${text} is wrong: expected a time of at most ten years, like 90m, 12h, 30d or 4w`,
  );
}
