import { type Static, Type } from 'typebox';

/** Options of a template's step besides `retry`; each is absent unless given. */
export const stepLimits = {
  timeout: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 86_400,
      description:
        'Seconds that one attempt of this step may take; absent: RIGEL_REMOTE_TIMEOUT, or RIGEL_PROVIDER_TIMEOUT for steps at a provider.',
    }),
  ),
  stop_grace: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 600,
      description: 'Seconds between TERM and KILL when the command of this step is ended. Remote steps only.',
    }),
  ),
  reboot: Type.Optional(
    Type.Boolean({
      description:
        'The command restarts its node: the step has succeeded when the node answers after the restart. Remote steps only.',
    }),
  ),
  ready_wait: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 86_400,
      description:
        'With reboot: seconds to wait until the node has restarted and answers; absent: as long as the attempt may take.',
    }),
  ),
};

const StepLimits = Type.Object(stepLimits);
export type StepLimits = Static<typeof StepLimits>;

/** The given limits of a step. `reboot: false` is left out. */
export function stepLimitsOf({ timeout, stop_grace, reboot, ready_wait }: StepLimits): StepLimits {
  return {
    ...(timeout === undefined ? {} : { timeout }),
    ...(stop_grace === undefined ? {} : { stop_grace }),
    ...(reboot ? { reboot } : {}),
    ...(ready_wait === undefined ? {} : { ready_wait }),
  };
}
