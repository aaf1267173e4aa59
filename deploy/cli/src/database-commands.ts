import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type EventOwner, ownerRole } from '@rigel/contracts';
import { createPool, grantRuntime, migrateSchema, prepareRoles } from '@rigel/runtime/database';
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { pino } from 'pino';
import { databaseUrl, HISTORIES } from './databases.js';
import type { Output } from './output.js';
import { UsageError } from './usage-error.js';

const log = pino({ level: 'silent' });
const CONNECT_TIMEOUT_MS = 10_000;

/** Makes roles and schemas as an administrator. @returns the exit status. */
export async function prepareDatabase(
  command: { services: readonly EventOwner[]; passwords: string },
  env: NodeJS.ProcessEnv,
  output: Output,
): Promise<number> {
  const [first] = command.services;
  if (first === undefined) return 0;
  const notes = await withClient(databaseUrl(first, env), (client) =>
    prepareRoles(client, command.services, (role) => passwordIn(command.passwords, role, output)),
  );
  for (const note of notes) output.note(note);
  for (const service of command.services) output.out(`${service}: schema and roles are ready`);
  return 0;
}

/** Applies migrations and grants. @returns the exit status. */
export async function migrateDatabase(
  command: { services: readonly EventOwner[]; passwords: string | undefined },
  env: NodeJS.ProcessEnv,
  output: Output,
): Promise<number> {
  for (const service of command.services) {
    const url = asOwner(databaseUrl(service, env), service, command.passwords);
    const applied: string[] = [];
    const db = new Kysely<unknown>({
      dialect: new PostgresDialect({ pool: createPool(url, service, log, 1) }),
    });
    try {
      const tell = { info: ({ migration }: { migration: string }) => void applied.push(migration) };
      await migrateSchema(db, {
        schema: service,
        migrations: HISTORIES[service].migrations,
        log: Object.assign(Object.create(log), tell),
      });
    } finally {
      await db.destroy();
    }
    await withClient(url, (client) => grantRuntime(client, service));
    output.out(`${service}: ${applied.length === 0 ? 'up to date' : `applied ${applied.join(', ')}`}`);
  }
  return 0;
}

function asOwner(url: string, service: EventOwner, passwords: string | undefined): string {
  if (passwords === undefined) return url;
  if (!URL.canParse(url)) throw new UsageError('DATABASE_URL is not an address (its value is not shown)');
  const address = new URL(url);
  const role = ownerRole(service);
  address.username = role;
  address.password = encodeURIComponent(readPassword(passwords, role));
  return address.href;
}

function readPassword(folder: string, role: string): string {
  try {
    return readFileSync(join(folder, role), 'utf8').trim();
  } catch (error) {
    throw new UsageError(`the password of ${role} cannot be read: ${(error as Error).message}`);
  }
}

/** The password that the folder holds, or a new one, which it holds from now on. */
function passwordIn(folder: string, role: string, output: Output): string {
  const file = join(folder, role);
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      throw new UsageError(`the password of ${role} cannot be read: ${(error as Error).message}`);
  }
  const password = randomBytes(24).toString('hex');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(file, password, { mode: 0o600, flag: 'wx' });
  output.note(`made a password for ${role}: ${file}`);
  return password;
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
