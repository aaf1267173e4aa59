import { mkdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type SshServer, startSshServer } from './ssh-server.js';
import { StateFolder } from './state-folder.js';

/*
 * The process of local machines: it serves SSH for every machine of its folder. The first process that needs it starts
 * it without being its parent, so that machines outlive executors. It listens on the address of its network, which
 * keeps a second host from running.
 */

/** The host ends after this time without a machine. */
const IDLE_MS = 60_000;
const IDLE_CHECK_MS = 5_000;

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: machine-host <folder>');
await serve(new StateFolder(folder));

async function serve(state: StateFolder): Promise<void> {
  const log = (text: string) => process.stdout.write(`${new Date().toISOString()} ${text}\n`);
  const servers = new Map<string, SshServer>();
  let lastUse = Date.now();

  const start = async (vmId: string): Promise<void> => {
    const machine = await state.read(vmId);
    if (!machine) return;
    const colon = machine.address.lastIndexOf(':');
    const home = state.homeOf(vmId);
    await mkdir(home, { recursive: true });
    const host = machine.address.slice(0, colon);
    const server = await startSshServer({
      host,
      port: Number(machine.address.slice(colon + 1)),
      hostKey: await readFile(state.hostKeyFile(vmId), 'utf8'),
      authorizedKey: machine.authorizedKey,
      env: { HOME: home, RIGEL_MACHINE: vmId, RIGEL_MACHINE_IP: host },
    });
    servers.set(vmId, server);
    log(`${vmId} answers at ${machine.address}`);
  };

  /** Serves the machines that are in the folder, and no others. @returns the machines that it cannot serve, and why. */
  const lookOnce = async (): Promise<Record<string, string>> => {
    const problems: Record<string, string> = {};
    const there = new Set((await state.list()).map(({ vmId }) => vmId));
    for (const [vmId, server] of servers) {
      if (there.has(vmId)) continue;
      server.close();
      servers.delete(vmId);
      log(`${vmId} is gone`);
    }
    for (const vmId of there) {
      if (servers.has(vmId)) continue;
      await start(vmId).catch((error: Error) => {
        problems[vmId] = error.message;
        log(`${vmId} cannot be served: ${error.message}`);
      });
    }
    if (servers.size > 0) lastUse = Date.now();
    return problems;
  };

  // One look at a time; all requests during a look share the next one.
  let looking: Promise<Record<string, string>> | undefined;
  let next: Promise<Record<string, string>> | undefined;
  const look = (): Promise<Record<string, string>> => {
    if (!looking) {
      looking = lookOnce().finally(() => {
        looking = undefined;
      });
      return looking;
    }
    next ??= looking
      .catch(() => undefined)
      .then(() => {
        next = undefined;
        return look();
      });
    return next;
  };

  const { host, port, id } = await state.hostAddress();
  const control = createServer((request, response) => {
    lastUse = Date.now();
    const answer = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    if (request.method !== 'POST' || request.url !== `/${id}/look`) {
      answer(404, {});
      return;
    }
    look().then(
      (problems) => answer(200, { pid: process.pid, problems }),
      (error: Error) => answer(500, { error: error.message }),
    );
  });
  control.on('error', (error: NodeJS.ErrnoException) => {
    // Another host of this folder already runs, so this one is not needed.
    if (error.code === 'EADDRINUSE') process.exit(0);
    throw error;
  });
  control.listen(port, host, () => {
    log(`the host of ${state.folder} runs as process ${process.pid}`);
    look().catch((error: Error) => log(error.message));
  });
  setInterval(() => {
    if (servers.size === 0 && Date.now() - lastUse > IDLE_MS) process.exit(0);
  }, IDLE_CHECK_MS);
}
