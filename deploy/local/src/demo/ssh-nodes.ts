import { type ChildProcess, spawn } from 'node:child_process';
import { timingSafeEqual } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findFreePort } from '@rigel/local-servers';
import ssh2, { type AuthContext, type Connection, type ServerChannel, type Session } from 'ssh2';

/** A throwaway node: an SSH server on a loopback port, whose commands really run, in a folder of its own. */
export interface DemoNode {
  name: string;
  /** As the inventory knows it, with its SSH port. */
  address: string;
  /** Where the demo's service listens on this node. */
  servicePort: number;
  folder: string;
}

export interface DemoNodes {
  nodes: DemoNode[];
  /** Logs in to all of them. */
  privateKey: string;
  user: string;
  /** Ends the servers and what the demo's commands left running. */
  stop(): Promise<void>;
}

const USER = 'demo';
const HOST = '127.0.0.1';

export async function startDemoNodes(count: number, folder: string): Promise<DemoNodes> {
  const clientKey = ssh2.utils.generateKeyPairSync('ed25519');
  const allowed = ssh2.utils.parseKey(clientKey.public);
  if (allowed instanceof Error || Array.isArray(allowed)) throw new Error('the demo key cannot be read');
  const children = new Set<ChildProcess>();
  const servers: ssh2.Server[] = [];
  const nodes: DemoNode[] = [];
  for (let index = 1; index <= count; index++) {
    const name = `node-${String(index).padStart(2, '0')}`;
    const home = join(folder, name);
    await mkdir(home, { recursive: true });
    const servicePort = await findFreePort();
    const hostKey = ssh2.utils.generateKeyPairSync('ed25519').private;
    const env = { HOME: home, DEMO_NODE: name, DEMO_PORT: String(servicePort) };
    const server = new ssh2.Server({ hostKeys: [hostKey] }, (client) => {
      serveClient(client, allowed, env, children);
    });
    await new Promise<void>((resolve, reject) => {
      server.on('error', reject);
      server.listen(0, HOST, resolve);
    });
    servers.push(server);
    const { port } = server.address() as { port: number };
    nodes.push({ name, address: `${HOST}:${port}`, servicePort, folder: home });
  }
  return {
    nodes,
    privateKey: clientKey.private,
    user: USER,
    stop: async () => {
      for (const server of servers) server.close();
      for (const child of children) endGroup(child);
      for (const node of nodes) await endService(node);
    },
  };
}

function serveClient(
  client: Connection,
  allowed: ssh2.ParsedKey,
  env: Record<string, string>,
  children: Set<ChildProcess>,
): void {
  client.on('authentication', (context) => {
    if (isAllowed(context, allowed)) context.accept();
    else context.reject(['publickey']);
  });
  client.on('ready', () => client.on('session', (accept) => serveSession(accept(), env, children)));
  // A client that goes away is nothing to report; what it started goes on or ends as on any node.
  client.on('error', () => undefined);
}

function isAllowed(context: AuthContext, allowed: ssh2.ParsedKey): boolean {
  if (context.method !== 'publickey' || context.username !== USER) return false;
  const expected = allowed.getPublicSSH();
  if (context.key.data.length !== expected.length || !timingSafeEqual(context.key.data, expected))
    return false;
  // Without a signature the client only asks whether the key would do.
  if (!context.signature || !context.blob) return true;
  return allowed.verify(context.blob, context.signature, context.hashAlgo) === true;
}

function serveSession(session: Session, env: Record<string, string>, children: Set<ChildProcess>): void {
  session.on('exec', (accept, _reject, { command }) => {
    const channel: ServerChannel = accept();
    // As OpenSSH does: a session of its own, which goes on when the channel is closed.
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

/** A command still runs when the demo ends: it ends with it. */
function endGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}

/** The service that the demo's catalog starts writes its process id into its node's folder. */
async function endService(node: DemoNode): Promise<void> {
  const pid = Number(await readFile(join(node.folder, 'service.pid'), 'utf8').catch(() => '0'));
  if (!Number.isInteger(pid) || pid <= 1) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}
