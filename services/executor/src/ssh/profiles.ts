import { readFileSync } from 'node:fs';
import { type ClusterRef, nearestName } from '@rigel/contracts';
import {
  type AlgorithmSet,
  attemptsFolderProblem,
  type ConnectionSettings,
  type FallbackFolders,
  type PrivateKeyText,
} from '@rigel/remote-attempt';
import { type ProfileSecrets, readSecret, SecretReference } from '@rigel/secrets';
import { Ajv, type ErrorObject } from 'ajv';
import type { Logger } from 'pino';
import { type Static, Type } from 'typebox';
import { JumpHost } from './jump-host.js';
import { type KeyPermissions, keyInFile, knownHostsIn, problemWithKey } from './key-files.js';
import type { SshSettings } from './node-access.js';

/** The profiles file is wrong; the message is one line with the file, the place in it and the value. */
export class SshProfilesError extends Error {
  override readonly name = 'SshProfilesError';
}

/** A file, a variable of the executor's environment, or a secret of the profiles' name space. */
const KeyReference = Type.Union([
  SecretReference,
  Type.Object({ secret: Type.String({ minLength: 1 }) }, { additionalProperties: false }),
]);
type KeyReference = Static<typeof KeyReference>;

const User = Type.String({ pattern: '^[^\\s@:]+$' });
const Port = Type.Integer({ minimum: 1, maximum: 65_535 });

const JumpSettings = Type.Object({
  host: Type.String({ pattern: '^[^\\s:@/]+$|^[0-9A-Fa-f:]+$' }),
  port: Type.Optional(Port),
  user: Type.Optional(User),
  key: Type.Optional(KeyReference),
  certificate: Type.Optional(KeyReference),
  /** As in known_hosts, without the name. */
  host_key: Type.Optional(Type.String({ pattern: '^[a-z0-9@.-]+ [A-Za-z0-9+/=]+$' })),
});

const profileKeys = {
  user: Type.Optional(User),
  /** The port of nodes whose address names none. */
  port: Type.Optional(Port),
  key: Type.Optional(KeyReference),
  /** A certificate of the key. For a key in a file, the default is the file beside it that ends with -cert.pub. */
  certificate: Type.Optional(KeyReference),
  /** null: no jump host, even if the default profile has one. */
  jump: Type.Optional(Type.Union([JumpSettings, Type.Null()])),
  host_keys: Type.Optional(Type.Enum(['accept-new', 'strict'])),
  algorithms: Type.Optional(Type.Enum(['modern', 'legacy'])),
  known_hosts: Type.Optional(Type.String({ minLength: 1 })),
  /** Seconds. */
  connect_timeout: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 600 })),
  /** Seconds between two probes of an idle connection, and how many may stay unanswered. */
  keepalive_interval: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 3_600 })),
  keepalive_count: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
  /** Where attempts begin if the home folder cannot take them: a folder of the node, and its memory. */
  attempts_folder: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  attempts_in_memory: Type.Optional(Type.Boolean()),
};
const Profile = Type.Object(profileKeys);
type Profile = Static<typeof Profile>;
const ClusterProfile = Type.Object({
  /** The cluster's name, or its id. */
  cluster: Type.Union([Type.String({ minLength: 1 }), Type.Integer({ minimum: 1 })]),
  ...profileKeys,
});
type ClusterProfile = Static<typeof ClusterProfile>;

const ajv = new Ajv({ verbose: true });
const checkProfile = ajv.compile(Profile);
const checkCluster = ajv.compile(ClusterProfile);
const checkJump = ajv.compile(JumpSettings);

interface ProfileContext {
  /** The values of keys that a profile leaves out. */
  base: SshSettings;
  secrets: Pick<ProfileSecrets, 'read'>;
  /** Which users may read files with keys. Default: `strict`. */
  permissions?: KeyPermissions;
  log: Logger;
}

/** The SSH settings of nodes, by cluster. */
export class SshProfiles {
  private readonly jumpHosts: JumpHost[] = [];
  private readonly byId = new Map<number, SshSettings>();
  private readonly byName = new Map<string, SshSettings>();

  constructor(private fallback: SshSettings) {}

  /**
   * The settings of a cluster's nodes: the same object for all nodes of a profile, because nodes with the same object
   * share connections.
   */
  of(cluster: ClusterRef | undefined): SshSettings {
    if (cluster === undefined) return this.fallback;
    return this.byId.get(cluster.id) ?? this.byName.get(cluster.name) ?? this.fallback;
  }

  close(): void {
    for (const host of this.jumpHosts) host.close();
  }

  /**
   * Reads the profiles file, `{"default": {…}, "clusters": [{"cluster": "lab", …}]}`. Makes no connection.
   * @throws SshProfilesError
   */
  static async read(file: string, context: ProfileContext): Promise<SshProfiles> {
    const fail = (what: string): never => {
      throw new SshProfilesError(`${file}: ${what}`);
    };
    const content = readJson(file, fail);
    if (!isObject(content)) return fail('must be an object with the keys default and clusters');
    for (const key of Object.keys(content)) refuseUnknown('', key, ['default', 'clusters'], fail);
    const standard: unknown = content.default ?? {};
    checkEntry<Profile>('default', standard, checkProfile, Object.keys(profileKeys), fail);
    const profiles = new SshProfiles(context.base);
    profiles.fallback = await profiles.settings('default', standard, context, fail);

    const clusters: unknown = content.clusters ?? [];
    if (!Array.isArray(clusters)) return fail(`clusters = ${show(clusters)} must be a list`);
    for (const [index, entry] of clusters.entries()) {
      const path = `clusters[${index}]`;
      checkEntry<ClusterProfile>(path, entry, checkCluster, ['cluster', ...Object.keys(profileKeys)], fail);
      const { cluster, ...profile } = entry;
      const known: Map<string | number, SshSettings> =
        typeof cluster === 'number' ? profiles.byId : profiles.byName;
      if (known.has(cluster)) fail(`${path}.cluster = ${show(cluster)} already has a profile`);
      const all: Profile = { ...standard, ...profile };
      // A certificate belongs to the key of the same profile.
      if (profile.key && !profile.certificate) delete all.certificate;
      known.set(cluster, await profiles.settings(path, all, context, fail));
    }
    return profiles;
  }

  private async settings(
    path: string,
    profile: Profile,
    context: ProfileContext,
    fail: (what: string) => never,
  ): Promise<SshSettings> {
    const { base, log } = context;
    const { connection } = base;
    const knownHosts = profile.known_hosts && readKnownHosts(profile.known_hosts, path, log, fail);
    const algorithms = profile.algorithms ?? connection.algorithms ?? 'modern';
    const key = await keyOf(path, profile, algorithms, context, fail);
    const settings: ConnectionSettings = {
      ...connection,
      user: profile.user ?? connection.user,
      privateKey: key ?? connection.privateKey,
      hostKeyPolicy: profile.host_keys ?? connection.hostKeyPolicy,
      ...(knownHosts ? { knownHosts } : {}),
      algorithms,
      connectTimeoutMs: inMs(profile.connect_timeout) ?? connection.connectTimeoutMs,
      keepaliveIntervalMs: inMs(profile.keepalive_interval) ?? connection.keepaliveIntervalMs,
      keepaliveCountMax: profile.keepalive_count ?? connection.keepaliveCountMax,
      attemptFolders: attemptFolders(profile, connection.attemptFolders, path, fail),
    };
    if (profile.jump) {
      const { host, port = 22, user, host_key } = profile.jump;
      const ownKey = await keyOf(`${path}.jump`, profile.jump, algorithms, context, fail);
      // No service records the key of a jump host, so it cannot be learned: it has to be known.
      const jumpSettings = {
        ...settings,
        user: user ?? settings.user,
        privateKey: ownKey ?? settings.privateKey,
        hostKeyPolicy: 'strict' as const,
      };
      const jump = new JumpHost(
        { host, port, ...(host_key ? { hostKey: host_key } : {}) },
        jumpSettings,
        log,
      );
      this.jumpHosts.push(jump);
      settings.dial = (target, signal) => jump.dial(target, signal);
    }
    return { ...base, connection: settings, defaultPort: profile.port ?? base.defaultPort };
  }
}

/**
 * @returns reads key and certificate, for each connection again. They are also read once now, so that a wrong one
 *   ends the start.
 */
async function keyOf(
  path: string,
  { key, certificate }: Pick<Profile, 'key' | 'certificate'>,
  algorithms: AlgorithmSet,
  { secrets, permissions }: ProfileContext,
  fail: (what: string) => never,
): Promise<(() => Promise<PrivateKeyText>) | undefined> {
  if (key === undefined) {
    if (certificate !== undefined) fail(`${path}.certificate is given without ${path}.key`);
    return undefined;
  }
  const text = (reference: KeyReference): Promise<string> =>
    'secret' in reference ? secrets.read(reference.secret) : readSecret(reference);
  const read = async (): Promise<PrivateKeyText> => {
    if (certificate !== undefined) return { key: await text(key), certificate: await text(certificate) };
    return 'file' in key ? keyInFile(key.file, permissions)() : text(key);
  };
  try {
    const problem = problemWithKey(await read(), algorithms);
    if (problem !== undefined) fail(`${path}.key = ${show(key)} is not a usable private key (${problem})`);
  } catch (error) {
    if (error instanceof SshProfilesError) throw error;
    fail(`${path}.key: ${(error as Error).message}`);
  }
  return read;
}

function attemptFolders(
  { attempts_folder, attempts_in_memory }: Profile,
  base: FallbackFolders = { memory: false },
  path: string,
  fail: (what: string) => never,
): FallbackFolders {
  const problem = attempts_folder ? attemptsFolderProblem(attempts_folder) : undefined;
  if (problem !== undefined) fail(`${path}.attempts_folder = ${show(attempts_folder)} ${problem}`);
  return {
    folder: attempts_folder === undefined ? base.folder : (attempts_folder ?? undefined),
    memory: attempts_in_memory ?? base.memory,
  };
}

function readKnownHosts(file: string, path: string, log: Logger, fail: (what: string) => never) {
  try {
    return knownHostsIn(file, log);
  } catch (error) {
    return fail(
      `${path}.known_hosts = ${show(file)} cannot be read (${(error as NodeJS.ErrnoException).code})`,
    );
  }
}

function readJson(file: string, fail: (what: string) => never): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return fail(code === undefined ? `is not JSON: ${message}` : `cannot be read (${code})`);
  }
}

function checkEntry<T>(
  path: string,
  entry: unknown,
  check: typeof checkProfile | typeof checkCluster | typeof checkJump,
  known: string[],
  fail: (what: string) => never,
): asserts entry is T {
  if (!isObject(entry)) return fail(`${path} = ${show(entry)} must be an object`);
  // The keys first: otherwise the message about a mistyped key would be that another key is missing.
  for (const key of Object.keys(entry)) refuseUnknown(`${path}.`, key, known, fail);
  // A jump host separately: a message about the choice between it and null would say little.
  const { jump } = entry;
  if (jump !== undefined && jump !== null && check !== checkJump)
    checkEntry(`${path}.jump`, jump, checkJump, Object.keys(JumpSettings.properties), fail);
  if (!check(entry)) fail(describe(check.errors?.[0], path));
}

function refuseUnknown(path: string, key: string, known: string[], fail: (what: string) => never): void {
  if (known.includes(key)) return;
  fail(`${path}${key} is not a known key; the nearest known one is ${nearestName(key, known)}`);
}

function describe(error: ErrorObject | undefined, path: string): string {
  if (!error) return `${path} is wrong`;
  const place = `${path}${error.instancePath.replaceAll('/', '.')}`;
  if (error.keyword === 'required') return `${place}.${String(error.params.missingProperty)} is missing`;
  // The value may be a key that was written down instead of referred to, so the message does not show it.
  const secret = /^\/(key|certificate)(\/|$)/.exec(error.instancePath)?.[1];
  if (secret !== undefined) {
    const allowed = '{"file": "/path"}, {"env": "NAME"} or {"secret": "name"}';
    return `${path}.${secret} must be ${allowed} (its value is not shown)`;
  }
  const allowed = error.keyword === 'enum' ? `: ${(error.params.allowedValues as string[]).join(', ')}` : '';
  return `${place} = ${show(error.data)} is wrong: ${error.message ?? 'not allowed'}${allowed}`;
}

function inMs(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : Math.ceil(seconds * 1000);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
