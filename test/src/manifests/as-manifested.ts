import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { REPOSITORY_DIR } from '@rigel/local';
import type { Manifest } from './render.js';

/** What a Deployment or Job says of its only container, as far as a process without a container engine can be given it. */
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

/** A variable of a container's environment. */
export interface Variable {
  name: string;
  value?: string;
  valueFrom?: {
    fieldRef?: { fieldPath: string };
    configMapKeyRef?: { name: string; key: string };
    secretKeyRef?: { name: string; key: string };
  };
}

/** What a pod finds in its namespace: name to content. */
export interface Namespace {
  configMaps: ReadonlyMap<string, Record<string, string>>;
  secrets?: ReadonlyMap<string, Record<string, string>>;
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

/** The content of a config map or secret, or one value of it. @throws Error when it is not there. */
function lookUp(
  kind: string,
  objects: ReadonlyMap<string, Record<string, string>> | undefined,
  { name, key }: { name: string; key?: string },
): Record<string, string> | string {
  const data = objects?.get(name);
  const value = key === undefined ? data : data?.[key];
  if (value === undefined)
    throw new Error(`there is no ${kind} ${name}${key === undefined ? '' : ` with ${key}`}`);
  return value;
}

/** The environment of a container as Kubernetes makes it: values from elsewhere, and `$(NAME)` of earlier variables. */
export function environmentOf(
  container: { env?: Variable[]; envFrom?: { configMapRef: { name: string } }[] },
  podName: string,
  { configMaps, secrets }: Namespace,
): Record<string, string> {
  const env: Record<string, string> = {};
  for (const { configMapRef } of container.envFrom ?? [])
    Object.assign(env, lookUp('config map', configMaps, configMapRef));
  for (const { name, value, valueFrom } of container.env ?? []) {
    const { configMapKeyRef, secretKeyRef } = valueFrom ?? {};
    const text = configMapKeyRef
      ? (lookUp('config map', configMaps, configMapKeyRef) as string)
      : secretKeyRef
        ? (lookUp('secret', secrets, secretKeyRef) as string)
        : (value ?? podName);
    env[name] = expand(text, env);
  }
  return env;
}

/** `$(NAME)` in a value or an argument, where the environment has it. */
export function expand(text: string, env: Record<string, string>): string {
  return text.replaceAll(/\$\((\w+)\)/g, (whole, name: string) => env[name] ?? whole);
}

/** Reads a Deployment or Job as Kubernetes does. */
export function processOf(workload: Manifest, namespace: Namespace): ManifestedProcess {
  const pod = (workload.spec as { template: { spec: PodSpec } }).template.spec;
  const [container] = pod.containers;
  if (!container) throw new Error(`${workload.metadata.name} has no container`);
  const env = environmentOf(container, `${workload.metadata.name}-pod`, namespace);
  const empty = new Set(
    pod.volumes.flatMap((volume) => (volume.emptyDir === undefined ? [] : [volume.name])),
  );
  return {
    name: workload.metadata.name,
    args: container.args,
    env,
    uid: pod.securityContext.runAsUser,
    gid: pod.securityContext.runAsGroup,
    readOnlyRoot: container.securityContext.readOnlyRootFilesystem,
    writable: container.volumeMounts.filter(({ name }) => empty.has(name)).map(({ mountPath }) => mountPath),
    graceMs: pod.terminationGracePeriodSeconds * 1_000,
  };
}

/** Below it, Kubernetes mounts what a process is given: passwords, keys, certificates. */
const MOUNTED = '/etc/rigel';
/** The environment that the image itself has. */
const IMAGE_ENV = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  NODE_ENV: 'production',
};

/**
 * Starts the process with exactly that environment, user and file systems: in a mount namespace of its own, in which the
 * root is read-only and the folders that may be written to are in memory; without capabilities.
 * @param mounts the folder that stands for what is mounted below `/etc/rigel`
 * @param imageRoot the files of the image, unpacked into a folder, which is the root then. Default: this checkout on the root
 *   of this machine, where the process finds its mounts in the folder itself.
 */
export function startAsManifested(
  manifested: ManifestedProcess,
  mounts: string,
  imageRoot?: string,
): ChildProcess {
  const { uid, gid } = manifested;
  const privileges = `setpriv --reuid=${uid} --regid=${gid} --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all`;
  const run = (steps: string[], command: string[], env: Record<string, string>): ChildProcess =>
    spawn(
      'unshare',
      ['-m', 'sh', '-c', ['mount --make-rprivate /', ...steps].join(' && '), 'sh', ...command],
      {
        env,
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
  if (imageRoot !== undefined) {
    const steps = [
      ...rootOfImage(manifested, mounts, imageRoot),
      `exec chroot '${imageRoot}' ${privileges} -- "$@"`,
    ];
    const entry = ['node', '/opt/rigel/start.mjs', ...manifested.args];
    return run(steps, entry, { ...IMAGE_ENV, ...manifested.env });
  }
  const moved = (text: string): string => text.replaceAll(MOUNTED, mounts);
  const [part = '', ...args] = manifested.args.map(moved);
  const folder = part === 'rigel' ? join('deploy', 'cli') : join('services', part);
  const main = join(REPOSITORY_DIR, folder, 'dist', 'main.js');
  const env = Object.fromEntries(Object.entries(manifested.env).map(([name, value]) => [name, moved(value)]));
  const steps = [...rootOfMachine(manifested), `exec ${privileges} -- "$@"`];
  return run(steps, [process.execPath, main, ...args], env);
}

function rootOfMachine({ readOnlyRoot, writable }: ManifestedProcess): string[] {
  return [
    ...(readOnlyRoot ? ['mount -o remount,ro,bind /'] : []),
    ...writable.flatMap((folder) => {
      const mount = inMemory(folder);
      // A checkout below such a folder would be hidden by it.
      if (!REPOSITORY_DIR.startsWith(`${folder}/`)) return [mount];
      return [
        `mount --no-mtab --bind '${REPOSITORY_DIR}' /mnt`,
        mount,
        `mkdir -p '${REPOSITORY_DIR}'`,
        `mount --no-mtab --move /mnt '${REPOSITORY_DIR}'`,
      ];
    }),
  ];
}

/** As a container engine does it: the image's files, with what each container is given mounted into them. */
function rootOfImage(
  { readOnlyRoot, writable }: ManifestedProcess,
  mounts: string,
  imageRoot: string,
): string[] {
  return [
    `mkdir -p '${imageRoot}${MOUNTED}' '${imageRoot}/proc' '${imageRoot}/dev'`,
    `mount --bind '${imageRoot}' '${imageRoot}'`,
    ...(readOnlyRoot ? [`mount -o remount,ro,bind '${imageRoot}'`] : []),
    `mount --bind '${mounts}' '${imageRoot}${MOUNTED}'`,
    `mount --rbind /dev '${imageRoot}/dev'`,
    `mount -t proc none '${imageRoot}/proc'`,
    ...writable.map((folder) => inMemory(`${imageRoot}${folder}`)),
  ];
}

const inMemory = (folder: string): string => `mount -t tmpfs -o mode=1777,size=16m none '${folder}'`;

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
