import { run } from '@rigel/database-cli';

/** Makes a token as an administrator does, with `rigel token create` on the system's database. */
export async function createToken(
  databaseUrl: string,
  name: string,
  role: string,
  ...more: string[]
): Promise<{ id: number; token: string }> {
  const out: string[] = [];
  const args = ['token', 'create', '--name', name, '--role', role, ...more, '--json'];
  const output = { out: (line: string) => out.push(line), note: () => undefined };
  const status = await run(args, { DATABASE_URL: databaseUrl }, output);
  if (status !== 0) throw new Error(`rigel token create ended with ${status}`);
  return JSON.parse(out[0] ?? '') as { id: number; token: string };
}
