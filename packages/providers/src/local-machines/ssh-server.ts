import { type ChildProcess, spawn } from 'node:child_process';
import { timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import ssh2, { type AuthContext, type Connection, type ServerChannel, type Session } from 'ssh2';

export interface SshServerOptions {
  host: string;
  /** 0: any free port. */
  port: number;
  /** Private key in PEM or OpenSSH format. */
  hostKey: string;
  /** The public key that may log in. */
  authorizedKey: string;
  /** The only user name that may log in. Default: any. */
  user?: string;
  /** Environment of the commands; HOME is the folder that they run in. */
  env: Record<string, string> & { HOME: string };
}

/** A listening SSH server. */
export interface SshServer {
  port: number;
  /** Ends the server, its connections and their commands. Processes that left their session go on. */
  close(): void;
}

/** Starts an SSH server whose commands really run, as the user of this process. */
export async function startSshServer(options: SshServerOptions): Promise<SshServer> {
  const allowed = ssh2.utils.parseKey(options.authorizedKey);
  if (allowed instanceof Error || Array.isArray(allowed))
    throw new Error('the authorized key cannot be read');
  const children = new Set<ChildProcess>();
  const clients = new Set<Connection>();
  const server = new ssh2.Server({ hostKeys: [options.hostKey] }, (client) => {
    clients.add(client);
    client.on('close', () => clients.delete(client));
    serveClient(client, allowed, options, children);
  });
  server.listen(options.port, options.host);
  await once(server, 'listening');
  // Later errors are of a connection, not of the server.
  server.on('error', () => undefined);
  return {
    port: (server.address() as { port: number }).port,
    close: () => {
      server.close();
      for (const client of clients) client.end();
      for (const child of children) endGroup(child);
    },
  };
}

function serveClient(
  client: Connection,
  allowed: ssh2.ParsedKey,
  { user, env }: SshServerOptions,
  children: Set<ChildProcess>,
): void {
  client.on('authentication', (context) => {
    if (isAllowed(context, allowed, user)) context.accept();
    else context.reject(['publickey']);
  });
  client.on('ready', () => client.on('session', (accept) => serveSession(accept(), env, children)));
  // A client may go away at any time; its commands go on or end as on any node.
  client.on('error', () => undefined);
}

function isAllowed(context: AuthContext, allowed: ssh2.ParsedKey, user: string | undefined): boolean {
  if (context.method !== 'publickey' || (user !== undefined && context.username !== user)) return false;
  const expected = allowed.getPublicSSH();
  if (context.key.data.length !== expected.length || !timingSafeEqual(context.key.data, expected))
    return false;
  // Without a signature the client only asks whether the server would accept the key.
  if (!context.signature || !context.blob) return true;
  return allowed.verify(context.blob, context.signature, context.hashAlgo) === true;
}

function serveSession(
  session: Session,
  env: Record<string, string> & { HOME: string },
  children: Set<ChildProcess>,
): void {
  session.on('exec', (accept, _reject, { command }) => {
    const channel: ServerChannel = accept();
    // As in OpenSSH: a new session, which goes on when the channel is closed.
    const child = spawn('/bin/sh', ['-c', command], {
      cwd: env.HOME,
      env: { PATH: process.env.PATH ?? '', LANG: process.env.LANG ?? 'C', ...env },
      detached: true,
    });
    children.add(child);
    channel.pipe(child.stdin);
    child.stdin.on('error', () => undefined);
    child.stdout.pipe(channel, { end: false });
    child.stderr.pipe(channel.stderr, { end: false });
    child.on('error', () => channel.close());
    child.on('close', (status) => {
      children.delete(child);
      channel.exit(status ?? 255);
      channel.end();
    });
  });
}

function endGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}
