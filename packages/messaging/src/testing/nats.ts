import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureNatsServer, type ServerHandle, startNats } from '@rigel/local-servers';
import type { Test } from 'tap';

/**
 * A real nats-server on a free port, until the test ends. The testing package has one as well, but it builds on this package.
 */
export async function startTestNats(t: Pick<Test, 'teardown'>): Promise<ServerHandle> {
  const folder = await mkdtemp(join(tmpdir(), 'rigel-test-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const server = await startNats({
    binary: await ensureNatsServer({ cacheDir: join(tmpdir(), 'rigel-test-cache'), log: () => undefined }),
    storeDir: join(folder, 'nats'),
    logFile: join(folder, 'nats.log'),
  });
  t.teardown(() => server.stop());
  return server;
}
