import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { REPOSITORY_DIR } from '@rigel/local';
import type { Manifest } from './render.js';

/** What a Deployment says of its only container, as far as a process without a container engine can be given it. */
export interface ManifestedProcess {
  name: string;
  args: string[];
  env: Record<string, string>;
  uid: number;
  gid: number;
  readOnlyRoot: boolean;
  /** Folders that may be written to. */
  writable: string[];
  graceMs: number;
}

interface Variable {
  name: string;
  value?: string;
  valueFrom?: { fieldRef?: { fieldPath: string }; configMapKeyRef?: { name: string; key: string } };
}

interface PodSpec {
  terminationGracePeriodSeconds: number;
  securityContext: { runAsUser: number; runAsGroup: number };
  containers: {
    args: string[];
    env: Variable[];
    envFrom?: { configMapRef: { name: string } }[];
    securityContext: { readOnlyRootFilesystem: boolean };
    volumeMounts: { name: string; mountPath: string }[];
  }[];
  volumes: { name: string; emptyDir?: object }[];
}

/** Reads a Deployment as Kubernetes does: values from config maps and fields, and `$(NAME)` of earlier variables. */
export function processOf(
  deployment: Manifest,
  configMaps: ReadonlyMap<string, Record<string, string>>,
): ManifestedProcess {
  const pod = (deployment.spec as { template: { spec: PodSpec } }).template.spec;
  const [container] = pod.containers;
  if (!container) throw new Error(`${deployment.metadata.name} has no container`);
  const lookUp = (map: string, key?: string): Record<string, string> | string => {
    const data = configMaps.get(map);
    const value = key === undefined ? data : data?.[key];
    if (value === undefined)
      throw new Error(`there is no config map ${map}${key === undefined ? '' : ` with ${key}`}`);
    return value;
  };
  const env: Record<string, string> = {};
  for (const { configMapRef } of container.envFrom ?? []) Object.assign(env, lookUp(configMapRef.name));
  for (const { name, value, valueFrom } of container.env) {
    const reference = valueFrom?.configMapKeyRef;
    const text = reference
      ? (lookUp(reference.name, reference.key) as string)
      : (value ?? `${deployment.metadata.name}-pod`);
    env[name] = text.replaceAll(/\$\((\w+)\)/g, (whole, other: string) => env[other] ?? whole);
  }
  const empty = new Set(
    pod.volumes.flatMap((volume) => (volume.emptyDir === undefined ? [] : [volume.name])),
  );
  return {
    name: deployment.metadata.name,
    args: container.args,
    env,
    uid: pod.securityContext.runAsUser,
    gid: pod.securityContext.runAsGroup,
    readOnlyRoot: container.securityContext.readOnlyRootFilesystem,
    writable: container.volumeMounts.filter(({ name }) => empty.has(name)).map(({ mountPath }) => mountPath),
    graceMs: pod.terminationGracePeriodSeconds * 1_000,
  };
}

/**
 * Starts the process with exactly that environment, user and file systems: in a mount namespace of its own, in which the
 * root is read-only and the folders that may be written to are in memory; without capabilities.
 */
export function startAsManifested(manifested: ManifestedProcess): ChildProcess {
  const { args, env, uid, gid, writable, readOnlyRoot } = manifested;
  const [service = ''] = args;
  const script = [
    'mount --make-rprivate /',
    ...(readOnlyRoot ? ['mount -o remount,ro,bind /'] : []),
    ...writable.flatMap((folder) => {
      const mount = `mount -t tmpfs -o mode=1777,size=16m none '${folder}'`;
      // A checkout below such a folder would be hidden by it.
      if (!REPOSITORY_DIR.startsWith(`${folder}/`)) return [mount];
      return [
        `mount --no-mtab --bind '${REPOSITORY_DIR}' /mnt`,
        mount,
        `mkdir -p '${REPOSITORY_DIR}'`,
        `mount --no-mtab --move /mnt '${REPOSITORY_DIR}'`,
      ];
    }),
    `exec setpriv --reuid=${uid} --regid=${gid} --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all -- "$@"`,
  ].join(' && ');
  const main = join(REPOSITORY_DIR, 'services', service, 'dist', 'main.js');
  return spawn('unshare', ['-m', 'sh', '-c', script, 'sh', process.execPath, main], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** SIGTERM, and SIGKILL when the grace period is over, as the kubelet does it. @returns how it ended. */
export async function stopAsManifested(
  child: ChildProcess,
  graceMs: number,
): Promise<number | string | null> {
  if (child.exitCode !== null) return child.exitCode;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = new AbortController();
  await Promise.race([exited, sleep(graceMs, undefined, { signal: timer.signal }).catch(() => undefined)]);
  timer.abort();
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  await exited;
  return child.exitCode ?? child.signalCode;
}
