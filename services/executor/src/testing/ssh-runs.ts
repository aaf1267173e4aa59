import type { TaskPlan } from '@rigel/contracts';
import type { ConnectionSettings } from '@rigel/remote-attempt';
import type { Sshd } from '@rigel/remote-attempt/testing';
import { StepSecrets } from '../secrets/step-secrets.js';
import type { SshSettings } from '../ssh/node-access.js';
import type { RunInstruction } from '../step-runner.js';

/** Secrets of an executor that has none: reading one is a fault. */
export const NO_SECRETS = new StepSecrets({ read: () => Promise.reject(new Error('there are no secrets')) });

/** Settings by which an executor reaches the nodes of an SSH server that a test has started. */
export function settingsFor(
  { user, privateKey, port }: Pick<Sshd, 'user' | 'privateKey' | 'port'>,
  {
    connection,
    ...more
  }: Partial<Omit<SshSettings, 'connection'>> & {
    connection?: Partial<ConnectionSettings>;
  } = {},
): SshSettings {
  return {
    connection: {
      user,
      privateKey,
      hostKeyPolicy: 'accept-new',
      connectTimeoutMs: 20_000,
      keepaliveIntervalMs: 10_000,
      keepaliveCountMax: 3,
      ...connection,
    },
    defaultPort: port,
    outputLimitBytes: 100_000,
    connectRetryMs: 0,
    ...more,
  };
}

/** The plan of a task whose one step runs a command. */
export function planOf(
  uuid: string,
  text: string,
  step: Partial<TaskPlan['steps'][number]> = {},
  more: Partial<TaskPlan> = {},
): TaskPlan {
  return {
    task_id: 1,
    uuid,
    correlation_id: 'test',
    steps: [
      {
        name: 'step',
        kind: 'remote',
        param_values: {},
        retry: { retry_times: 0, ignore_error: false },
        actions: [{ name: 'action', params: {}, module: 'shell', text }],
        capability: 'ssh',
        timeout_ms: 30_000,
        ...step,
      },
    ],
    ...more,
  };
}

/** The instruction to begin the first attempt of the first step, unless the test says otherwise. */
export function toRun(more: Partial<RunInstruction> = {}): RunInstruction {
  return {
    do: 'run',
    step: 0,
    attempt: 1,
    delay_ms: 0,
    timeout_ms: 30_000,
    begun: false,
    output_from: 0,
    ...more,
  };
}
