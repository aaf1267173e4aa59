import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureAuthority, issueLoopbackCertificate, prepareSecured } from '@rigel/local';
import { findFreePort } from '@rigel/local-servers';
import { waitFor } from '@rigel/testing';
import { environmentOf, expand, type Namespace, type Variable } from '../manifests/as-manifested.js';
import { findManifest, type Manifest } from '../manifests/render.js';

/** What the manifests give to monitoring. */
const MONITOR_PORT = 8222;
const READY_MS = 60_000;
const STOP_MS = 10_000;
const ASK_MS = 5_000;

interface Volume {
  name: string;
  configMap?: { name: string } | null;
  projected?: { sources: { configMap: { name: string } }[] };
  secret?: { secretName: string };
}

interface Probe {
  httpGet: { path: string };
}

interface Container {
  args: string[];
  env: Variable[];
  volumeMounts: { name: string; mountPath: string }[];
  readinessProbe: Probe;
}

interface StatefulSet {
  replicas: number;
  template: { spec: { containers: [Container]; volumes: Volume[] } };
}

/** One server of the cluster, a process. */
export interface NatsMember {
  /** As its pod is called: `nats-0`. */
  name: string;
  /** Loopback address of its own. */
  host: string;
  /** Where the other servers reach it, on 127.0.0.1. */
  routePort: number;
  /** Returns when it is ready by the manifest's readiness probe. */
  start(): Promise<void>;
  /** Ends it at once (SIGKILL) or as the kubelet does (SIGTERM); returns when it is gone. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** Removes all that it has stored. It must not run. */
  emptyStore(): Promise<void>;
}

/** The NATS servers of an overlay. */
export interface NatsCluster {
  members: NatsMember[];
  /** The servers for clients, as the overlay lists them. */
  url: string;
  /** Servers that keep each offer, as the overlay says. */
  workReplicas: string;
  caFile: string;
  /** A request to the monitoring by the address that it has in Kubernetes: `http://nats.rigel.svc.cluster.local:8222/varz`. */
  monitor(url: string): Promise<unknown>;
  stop(): Promise<void>;
}

/**
 * Starts the servers of a rendered overlay with the files, arguments and environment of its StatefulSet. What differs is where
 * things are: each server has a loopback address of its own in place of its name, and a folder in place of its pod's mounts.
 * Users, passwords and authority are those of the secured data folder, where the logs go as well.
 */
export async function startNatsCluster(
  manifests: readonly Manifest[],
  binary: string,
  dataDir: string,
): Promise<NatsCluster> {
  const { replicas, template } = findManifest(manifests, 'StatefulSet', 'nats').spec as StatefulSet;
  const [container] = template.spec.containers;
  const hosts = Array.from({ length: replicas }, (_, index) => `127.0.1.${index + 1}`);
  const namespace = await namespaceOf(manifests, dataDir, hosts);
  const clientPort = await findFreePort(hosts[0]);
  const monitorPort = await findFreePort(hosts[0]);
  const routePorts: number[] = [];
  for (const _ of hosts) routePorts.push(await findFreePort());

  const members = hosts.map((host, index): NatsMember => {
    const name = `nats-${index}`;
    const folder = join(dataDir, 'cluster', name);
    const mounts = container.volumeMounts.map(({ mountPath }) => mountPath);
    const local = (text: string): string =>
      text
        .replaceAll(new RegExp(`(?<![\\w./-])(${mounts.join('|')})(?=[/\\s"]|$)`, 'gm'), `${folder}$1`)
        .replaceAll('0.0.0.0:6222', `127.0.0.1:${routePorts[index]}`)
        .replaceAll(/nats-(\d)\.nats:6222/g, (_, other: string) => `localhost:${routePorts[Number(other)]}`);
    const env = environmentOf(container, name, namespace);
    for (const [variable, value] of Object.entries(env)) env[variable] = local(value);
    const args = container.args.map((arg) =>
      arg === String(MONITOR_PORT) ? String(monitorPort) : local(expand(arg, env)),
    );
    // Pods have an address each; here it is said.
    args.push('-a', host, '-p', String(clientPort));
    /** Waits for a probe as the kubelet does. @throws Error with what the server said last. */
    const succeeds = async (probe: Probe, what: string): Promise<void> => {
      let said = 'nothing';
      const check = async (): Promise<boolean> => {
        const response = await fetch(`http://${host}:${monitorPort}${probe.httpGet.path}`, {
          signal: AbortSignal.timeout(ASK_MS),
        });
        said = await response.text();
        return response.ok;
      };
      await waitFor(check, { what, timeoutMs: READY_MS, intervalMs: 100 }).catch((error: Error) => {
        throw new Error(`${error.message}; it said ${said}`, { cause: error.cause });
      });
    };
    let child: ChildProcess | undefined;
    return {
      name,
      host,
      routePort: routePorts[index] as number,
      start: async () => {
        await mountAll(template.spec.volumes, container, namespace, folder, local);
        await mkdir(join(dataDir, 'logs'), { recursive: true });
        const log = await open(join(dataDir, 'logs', `${name}.log`), 'a');
        child = spawn(binary, args, { env, stdio: ['ignore', log.fd, log.fd] });
        await once(child, 'spawn');
        await log.close();
        await succeeds(container.readinessProbe, `${name} is ready`);
      },
      end: async (signal) => {
        if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
        const exited = once(child, 'exit');
        child.kill(signal);
        const late = new AbortController();
        const deadline = sleep(STOP_MS, undefined, { signal: late.signal }).then(
          () => child?.kill('SIGKILL'),
          () => undefined,
        );
        await exited;
        late.abort();
        await deadline;
      },
      emptyStore: () => rm(join(folder, 'data'), { recursive: true, force: true }),
    };
  });

  const settings = manifests.find(({ kind, data }) => kind === 'ConfigMap' && has(data, 'nats-url'))
    ?.data as Record<string, string>;
  const stop = async (): Promise<void> => {
    await Promise.all(members.map((member) => member.end('SIGTERM')));
  };
  try {
    // All at once, as `podManagementPolicy: Parallel` does it: none is ready without another one.
    await Promise.all(members.map((member) => member.start()));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    members,
    url: (settings['nats-url'] ?? '').replaceAll(
      /nats-(\d)\.nats:4222/g,
      (_, index: string) => `${hosts[Number(index)]}:${clientPort}`,
    ),
    workReplicas: settings['work-replicas'] ?? '',
    caFile: join(dataDir, 'secured', 'ca.crt'),
    monitor: (url) => askMonitoring(url, hosts, monitorPort),
    stop,
  };
}

const has = (data: unknown, key: string): boolean => typeof data === 'object' && data !== null && key in data;

/** The config maps of the overlay, and what docs/deploy.md says is to be there beside them. */
async function namespaceOf(
  manifests: readonly Manifest[],
  dataDir: string,
  hosts: readonly string[],
): Promise<Namespace> {
  const secured = await prepareSecured(dataDir);
  const authority = await ensureAuthority(join(dataDir, 'secured'));
  const { cert, key } = await issueLoopbackCertificate(authority, { addresses: hosts, client: true });
  const passwords = Object.entries(secured.nats.env)
    .filter(([variable]) => variable.startsWith('RIGEL_NATS_PASSWORD_'))
    .map(([variable, value]) => [variable.slice('RIGEL_NATS_PASSWORD_'.length).toLowerCase(), value]);
  return {
    configMaps: new Map([
      ...manifests
        .filter(({ kind }) => kind === 'ConfigMap')
        .map(({ metadata, data }) => [metadata.name, data as Record<string, string>] as const),
      ['rigel-nats-ca', { 'ca.crt': authority.cert }] as const,
    ]),
    secrets: new Map([
      ['rigel-nats', Object.fromEntries(passwords) as Record<string, string>],
      ['rigel-nats-tls', { 'tls.crt': cert, 'tls.key': key }],
    ]),
  };
}

/** Puts into the folder what Kubernetes mounts into the container; a volume of its own is an empty folder at first. */
async function mountAll(
  volumes: readonly Volume[],
  container: Container,
  { configMaps, secrets }: Namespace,
  folder: string,
  local: (text: string) => string,
): Promise<void> {
  for (const { name, mountPath } of container.volumeMounts) {
    const volume = volumes.find((each) => each.name === name);
    const maps = [
      ...(volume?.configMap ? [volume.configMap.name] : []),
      ...(volume?.projected?.sources.map(({ configMap }) => configMap.name) ?? []),
    ];
    const contents = [
      ...maps.map((map) => configMaps.get(map)),
      ...(volume?.secret ? [secrets?.get(volume.secret.secretName)] : []),
    ];
    await mkdir(join(folder, mountPath), { recursive: true });
    for (const content of contents) {
      if (content === undefined) throw new Error(`what is to be mounted at ${mountPath} is not there`);
      for (const [file, text] of Object.entries(content))
        await writeFile(join(folder, mountPath, file), file.endsWith('.conf') ? local(text) : text);
    }
  }
}

/** As a pod asks: the service's name stands for all servers, of which the first that can be reached answers. */
async function askMonitoring(url: string, hosts: readonly string[], port: number): Promise<unknown> {
  const { hostname, pathname, search } = new URL(url);
  const addresses = hostname.startsWith('nats.') ? hosts : [hostname];
  for (const [index, address] of addresses.entries()) {
    try {
      const response = await fetch(`http://${address}:${port}${pathname}${search}`, {
        signal: AbortSignal.timeout(ASK_MS),
      });
      return await response.json();
    } catch (error) {
      if (index === addresses.length - 1) throw error;
    }
  }
  throw new Error(`${url} stands for no server`);
}
