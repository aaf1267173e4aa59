import { basename, dirname, join } from 'node:path';
import type { Participant } from '@rigel/contracts';
import type { CommandSpec } from '@rigel/local';

/** The variable by which the one process of all services learns what to start. */
export const SERVICES_IN_ONE = 'RIGEL_SERVICES_IN_ONE';

/** A service to be started in the process of all. */
export interface ServiceInOne {
  service: Participant;
  env: Record<string, string>;
  logFile: string;
  stopStage: number;
}

/** One process that does what the processes of all these services do; it is called `services`. */
export function inOneProcess(specs: readonly CommandSpec[], logDir: string): CommandSpec {
  const services = specs.map(({ name, env, args, stopStage }): ServiceInOne => {
    // services/<service>/dist/main.js
    const service = basename(dirname(dirname(args.at(-1) ?? ''))) as Participant;
    return { service, env, stopStage, logFile: join(logDir, `${name}.log`) };
  });
  const gateway = specs.find(({ readiness }) => readiness !== undefined);
  if (gateway === undefined) throw new Error('none of these services says when it is ready');
  return {
    ...gateway,
    name: 'services',
    args: [join(import.meta.dirname, 'services-in-one.js')],
    env: { ...systemVariables(gateway.env), [SERVICES_IN_ONE]: JSON.stringify(services) },
  };
}

/** What describes the system, and no service. */
function systemVariables(env: Record<string, string>): Record<string, string> {
  const entries = Object.entries(env).filter(([name]) => !/^RIGEL_|^NATS_|^DATABASE_/.test(name));
  return Object.fromEntries(entries);
}
