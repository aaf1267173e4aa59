import {
  checkAllowedSecrets,
  checkDesc,
  checkName,
  managedFromNow,
  managedFromStart,
  noSuch,
  ServiceError,
  type Stamp,
  type StepOption,
  show,
  stepLimitsOf,
  type Template,
} from '@rigel/contracts';
import type { Decider, EventVersions, NewEvent } from '@rigel/event-store';
import { changesOf, ifGiven, type Wanted } from '@rigel/event-store';
import { isBuiltIn } from '../built-in-steps.js';
import { checkJson } from '../json.js';

/** Without the fields that follow from the stream itself. */
type Recorded = Omit<Template, keyof Stamp>;
type Fields = Omit<Recorded, 'id'>;

export type TemplateEvent =
  | NewEvent<'TemplateCreated', Recorded>
  /** Carries only what changed; `steps` is whole. */
  | NewEvent<'TemplateChanged', { id: number } & Partial<Fields>>
  | NewEvent<'TemplateDeleted', { id: number }>;

export const templateEvents: EventVersions<TemplateEvent> = {
  TemplateCreated: [],
  TemplateChanged: [],
  TemplateDeleted: [],
};

export type TemplateCommand =
  | ({ do: 'create'; id: number } & Fields)
  | ({ do: 'change'; id: number } & Wanted<Fields>)
  | { do: 'delete'; id: number };

/** Undefined before it is created and after it is deleted. */
export type TemplateState = Recorded | undefined;

function checkSteps(steps: StepOption[]): StepOption[] {
  return steps.map((step, index) => {
    const { param_values, retry } = step;
    const field = `steps.${index}`;
    checkJson('steps', param_values);
    const name = checkName(step.name, 'steps');
    checkLimits(name, step, field);
    const allowed_secrets = step.allowed_secrets && checkAllowedSecrets(name, step.allowed_secrets, field);
    if (allowed_secrets && isBuiltIn(name)) {
      const why = 'allowed_secrets is an option of remote steps only: leave it out';
      throw new ServiceError(
        'template_rule',
        `steps: step ${show(name)}: ${why}`,
        `${field}.allowed_secrets`,
        {
          data: { step: name },
        },
      );
    }
    return {
      name,
      param_values,
      retry: { retry_times: retry.retry_times, ignore_error: retry.ignore_error },
      ...stepLimitsOf(step),
      ...(allowed_secrets ? { allowed_secrets } : {}),
    };
  });
}

/** Refuses options that have no effect on this step, so that operators do not rely on them. */
function checkLimits(name: string, step: StepOption, field: string): void {
  const { timeout, reboot, ready_wait } = step;
  const refuse = (message: string): never => {
    throw new ServiceError('template_rule', `steps: step ${show(name)}: ${message}`, field, {
      data: { step: name },
    });
  };
  if (isBuiltIn(name)) {
    for (const option of ['stop_grace', 'reboot', 'ready_wait'] as const) {
      if (step[option] !== undefined && step[option] !== false) {
        refuse(`${option} is an option of remote steps only: leave it out (got ${show(step[option])})`);
      }
    }
  }
  if (ready_wait === undefined) return;
  if (!reboot) refuse(`ready_wait (${ready_wait}) needs reboot: true`);
  if (timeout !== undefined && ready_wait > timeout) {
    refuse(`ready_wait (${ready_wait}) must not be longer than timeout (${timeout})`);
  }
}

/**
 * Rules of one template. That names are unique the read tables see to; that its steps exist is checked when it is
 * recorded. A deleted template is gone for good: tasks carry their own copy.
 */
export const templateDecider: Decider<TemplateState, TemplateCommand, TemplateEvent> = {
  initial: undefined,

  decide(command, state) {
    if (command.do === 'create') {
      if (state) throw new Error(`template ${command.id} exists already`);
      const { id, name, desc, steps, managed_by } = command;
      return [
        {
          type: 'TemplateCreated',
          data: {
            id,
            name: checkName(name),
            desc: checkDesc(desc),
            steps: checkSteps(steps),
            ...managedFromStart(managed_by),
          },
        },
      ];
    }
    if (!state) throw noSuch('template', command.id, `template ${command.id} does not exist`);
    const { id } = state;
    if (command.do === 'delete') return [{ type: 'TemplateDeleted', data: { id } }];
    const changes = changesOf<Fields>(state, {
      name: ifGiven(command.name, checkName),
      desc: ifGiven(command.desc, checkDesc),
      steps: ifGiven(command.steps, checkSteps),
      managed_by: managedFromNow(state, command.managed_by),
    });
    return changes ? [{ type: 'TemplateChanged', data: { id, ...changes } }] : [];
  },

  evolve(state, event) {
    switch (event.type) {
      case 'TemplateCreated':
        return event.data;
      case 'TemplateChanged':
        return state && { ...state, ...event.data };
      case 'TemplateDeleted':
        return undefined;
    }
  },
};
