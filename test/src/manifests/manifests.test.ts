import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Capability, PARTICIPANTS, WORK_STREAM } from '@rigel/contracts';
import { natsPermissionsFile, REPOSITORY_DIR } from '@rigel/local';
import { findInstalledProgram } from '@rigel/local-servers';
import t from 'tap';
import { findManifest, type Manifest, OVERLAYS, overlayFolder, readManifests, render } from './render.js';
import { problemsOf } from './validate.js';

const run = promisify(execFile);

interface PodSpec {
  automountServiceAccountToken?: boolean;
  serviceAccountName?: string;
  terminationGracePeriodSeconds?: number;
  securityContext?: { runAsNonRoot?: boolean; runAsUser?: number };
  containers: {
    name: string;
    env?: { name: string; value?: string }[];
    envFrom?: { configMapRef: { name: string } }[];
    resources?: { requests?: { cpu?: string; memory?: string }; limits?: { memory?: string } };
    securityContext?: {
      readOnlyRootFilesystem?: boolean;
      allowPrivilegeEscalation?: boolean;
      capabilities?: { drop?: string[] };
    };
    volumeMounts?: { name: string; mountPath: string; readOnly?: boolean }[];
  }[];
  volumes?: { name: string; emptyDir?: object }[];
}

const WORKLOADS = ['Deployment', 'StatefulSet', 'Job'];
const podOf = (manifest: Manifest): PodSpec =>
  (manifest.spec as { template: { spec: PodSpec } }).template.spec;

/** What a deployment has of the settings that all services read. */
function sshPortOf(manifests: readonly Manifest[], name: string): string | undefined {
  const workload = manifests.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === name);
  const [container] = workload ? podOf(workload).containers : [];
  const maps = (container?.envFrom ?? []).map(({ configMapRef }) => configMapRef.name);
  const map = manifests.find(({ kind, metadata }) => kind === 'ConfigMap' && maps.includes(metadata.name));
  return (map?.data as Record<string, string> | undefined)?.RIGEL_SSH_PORT;
}

t.test('the users of NATS are what the contracts say', async (t) => {
  const kept = await readFile(join(REPOSITORY_DIR, 'deploy', 'nats', 'permissions.conf'), 'utf8');
  t.equal(kept, natsPermissionsFile(), 'pnpm nats-permissions writes it anew');
});

for (const overlay of OVERLAYS) {
  t.test(`the overlay ${overlay}`, async (t) => {
    const manifests = await render(overlayFolder(overlay));
    t.same(await problemsOf(manifests), [], 'follows the schemas of Kubernetes');

    const kubectl = await findInstalledProgram('kubectl');
    if (kubectl !== undefined) {
      const { stdout } = await run(kubectl, ['kustomize', overlayFolder(overlay)], { maxBuffer: 16_777_216 });
      t.same(readManifests(stdout), manifests, 'kubectl renders the same');
    }

    const workloads = manifests.filter(({ kind }) => WORKLOADS.includes(kind));
    const sshPorts = ['inventory', 'executor'].map((name) => sshPortOf(manifests, name));
    t.strictSame(sshPorts, ['22', '22'], 'inventory and executors have one SSH port');
    for (const participant of PARTICIPANTS) {
      t.ok(
        workloads.some(({ kind, metadata }) => kind === 'Deployment' && metadata.name === participant),
        `${participant} is deployed`,
      );
    }
    for (const workload of workloads) {
      const { name } = workload.metadata;
      const pod = podOf(workload);
      t.equal(pod.automountServiceAccountToken, false, `${name} has no token`);
      t.equal(pod.serviceAccountName, name, `${name} has an account of its own`);
      t.equal(pod.securityContext?.runAsNonRoot, true, `${name} is not root`);
      t.ok((pod.securityContext?.runAsUser ?? 0) > 0, `${name} says as whom it runs`);
      const writable = new Set(
        (pod.volumes ?? []).flatMap((volume) => (volume.emptyDir === undefined ? [] : [volume.name])),
      );
      for (const container of pod.containers) {
        t.match(container.securityContext, {
          readOnlyRootFilesystem: true,
          allowPrivilegeEscalation: false,
          capabilities: { drop: ['ALL'] },
        });
        t.ok(container.resources?.requests?.cpu && container.resources.requests.memory, `${name} requests`);
        t.ok(container.resources?.limits?.memory, `${name} has a limit`);
        for (const mount of container.volumeMounts ?? []) {
          if (mount.readOnly || mount.name === 'data') continue;
          t.ok(writable.has(mount.name), `${name} may write to ${mount.mountPath} only where nothing lasts`);
        }
        for (const { name: variable, value } of container.env ?? []) {
          if (value !== undefined)
            t.notMatch(variable, /PASSWORD_(?!.*FILE)|SECRET|TOKEN/, `${variable} is no value`);
        }
      }
    }

    const named = (kind: string) => manifests.filter((m) => m.kind === kind).map((m) => m.metadata.name);
    t.ok(named('NetworkPolicy').includes('nothing-by-default'));
    for (const participant of PARTICIPANTS) t.ok(named('PodDisruptionBudget').includes(participant));
    const reaching = manifests.filter(
      (m) => WORKLOADS.includes(m.kind) && labelsOfPod(m)['rigel.dev/reaches-database'] === 'true',
    );
    t.same(
      reaching.map((m) => m.metadata.name).sort(),
      // The overlay that brings its own database also has its roles made from within.
      [
        'access',
        'catalog',
        'inventory',
        'migrations',
        ...(overlay === 'dev' ? ['prepare-database'] : []),
        'scheduler',
      ],
      'nobody else reaches the database',
    );
  });
}

function labelsOfPod(manifest: Manifest): Record<string, string> {
  return (manifest.spec as { template: { metadata: { labels: Record<string, string> } } }).template.metadata
    .labels;
}

/** The settings that an overlay makes its config maps from; their names end in a hash. */
function settingsOf(manifests: readonly Manifest[]): Record<string, string> {
  const found = manifests.find(
    ({ kind, data }) => kind === 'ConfigMap' && (data as Record<string, string>)['nats-url'] !== undefined,
  );
  return found?.data as Record<string, string>;
}

for (const overlay of OVERLAYS) {
  t.test(
    `${overlay}: all know the servers of NATS that there are, and each offer is kept by all of them`,
    async (t) => {
      const manifests = await render(overlayFolder(overlay));
      const { replicas } = findManifest(manifests, 'StatefulSet', 'nats').spec as { replicas: number };
      const settings = settingsOf(manifests);
      const expected =
        replicas === 1
          ? ['nats://nats:4222']
          : Array.from({ length: replicas }, (_, index) => `nats://nats-${index}.nats:4222`);
      t.same(settings['nats-url']?.split(','), expected);
      t.equal(settings['work-replicas'], String(replicas));
      const files = manifests.flatMap(({ kind, data }) =>
        kind === 'ConfigMap' ? Object.entries(data as Record<string, string>) : [],
      );
      const cluster = files.find(([name]) => name === 'cluster.conf')?.[1] ?? '';
      const routes = replicas === 1 ? [] : expected.map((url) => url.replace('4222', '6222'));
      t.same(cluster.match(/nats:\/\/\S+/g) ?? [], routes, 'the servers know each other');
    },
  );
}

interface Policy {
  podSelector: { matchLabels?: Record<string, string> };
  ingress?: { from?: object[]; ports?: { port: number }[] }[];
}

t.test('the monitoring of NATS, which asks for no user, is for KEDA alone', async (t) => {
  for (const overlay of OVERLAYS) {
    const manifests = await render(overlayFolder(overlay));
    const rules = manifests
      .filter(({ kind }) => kind === 'NetworkPolicy')
      .map(({ spec }) => spec as Policy)
      .filter(({ podSelector }) => podSelector.matchLabels?.['app.kubernetes.io/component'] === 'nats')
      .flatMap(({ ingress }) => ingress ?? []);
    t.ok(rules.length > 0, 'others reach NATS');
    const open = rules.filter(({ ports }) => ports === undefined || ports.some(({ port }) => port === 8222));
    const keda = {
      namespaceSelector: { matchLabels: { 'rigel.dev/collects-metrics': 'true' } },
      podSelector: { matchLabels: { app: 'keda-operator' } },
    };
    t.strictSame(
      open.flatMap(({ from }) => from),
      overlay === 'production' ? [keda] : [],
      overlay,
    );
  }
  for (const file of ['nats/nats.conf', 'nats/permissions.conf', 'compose/compose.yaml']) {
    const text = await readFile(join(REPOSITORY_DIR, 'deploy', file), 'utf8');
    t.notMatch(text, /(?<![A-Z_])https?_port|monitor_port|^\s*http:|8222/m, `${file} opens none`);
  }
});

t.test('executors are scaled by every kind of work that tasks have', async (t) => {
  const manifests = await render(overlayFolder('production'));
  const { triggers } = findManifest(manifests, 'ScaledObject', 'executor').spec as {
    triggers: { name: string; metadata: Record<string, string> }[];
  };
  // `noop` is for measurements only.
  const kinds = Capability.anyOf.map((each) => each.const).filter((kind) => kind !== 'noop');
  t.same(
    triggers.map(({ name, metadata: { stream, consumer } }) => ({ name, stream, consumer })),
    kinds.map((kind) => ({ name: kind, stream: WORK_STREAM, consumer: kind })),
  );
});

t.test('nobody is believed about the address of a client unless an operator names them', async (t) => {
  for (const overlay of ['production', 'dev'])
    t.notMatch(JSON.stringify(await render(overlayFolder(overlay))), 'RIGEL_HTTP_TRUST_PROXY');
});

t.test('production has the replicas that it promises', async (t) => {
  const manifests = await render(overlayFolder('production'));
  const find = (kind: string, name: string) =>
    manifests.find((m) => m.kind === kind && m.metadata.name === name)?.spec as Record<string, unknown>;
  t.equal(find('HorizontalPodAutoscaler', 'gateway').minReplicas, 3);
  t.equal(find('Deployment', 'gateway').replicas, undefined);
  t.equal(find('ScaledObject', 'executor').minReplicaCount, 2);
  for (const name of ['scheduler', 'inventory', 'catalog', 'access'])
    t.equal(find('Deployment', name).replicas, 2);
  t.equal(find('StatefulSet', 'nats').replicas, 3);
  t.equal(find('PodDisruptionBudget', 'nats').maxUnavailable, 1, 'two of them go on');
  t.notOk(find('StatefulSet', 'postgres'), 'PostgreSQL is elsewhere');
});

t.test('what is wrong in a manifest is found', async (t) => {
  const manifests = await render(overlayFolder('production'));
  const broken = (kind: string, name: string, change: (spec: Record<string, unknown>) => void): Manifest => {
    const manifest = structuredClone(manifests.find((m) => m.kind === kind && m.metadata.name === name));
    if (!manifest) throw new Error(`${kind} ${name} is missing`);
    change(manifest.spec as Record<string, unknown>);
    return manifest;
  };
  const problems = (
    await problemsOf([
      broken('Deployment', 'gateway', ({ template }) => {
        Object.assign((template as { spec: object }).spec, { terminationGracePeriod: 30 });
      }),
      broken('Deployment', 'catalog', (spec) => {
        spec.replicas = 'three';
      }),
      broken('Deployment', 'inventory', (spec) => {
        delete spec.selector;
      }),
      broken('ScaledObject', 'executor', (spec) => {
        spec.minReplicas = 1;
      }),
    ])
  ).join('\n');
  t.match(problems, /terminationGracePeriod\W* does not exist/, 'an unknown field');
  t.match(problems, /catalog: .*replicas/, 'a wrong type');
  t.match(problems, /inventory: .*selector/, 'a missing field');
  t.match(problems, /minReplicas\W* does not exist/, 'an unknown field of KEDA');
});
