import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findFreePort } from '@rigel/local-servers';
import { generateSshKey, type SshServer, startSshServer } from '@rigel/providers/local-machines';

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
  const clientKey = generateSshKey();
  const servers: SshServer[] = [];
  const nodes: DemoNode[] = [];
  for (let index = 1; index <= count; index++) {
    const name = `node-${String(index).padStart(2, '0')}`;
    const home = join(folder, name);
    await mkdir(home, { recursive: true });
    const servicePort = await findFreePort();
    const server = await startSshServer({
      host: HOST,
      port: 0,
      hostKey: generateSshKey().private,
      authorizedKey: clientKey.public,
      user: USER,
      env: { HOME: home, DEMO_NODE: name, DEMO_PORT: String(servicePort) },
    });
    servers.push(server);
    nodes.push({ name, address: `${HOST}:${server.port}`, servicePort, folder: home });
  }
  return {
    nodes,
    privateKey: clientKey.private,
    user: USER,
    stop: async () => {
      for (const server of servers) server.close();
      for (const node of nodes) await endService(node);
    },
  };
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
