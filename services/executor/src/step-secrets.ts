import { TemplateError } from '@rigel/command-template';
import type { TaskPlan } from '@rigel/contracts';
import type { AttemptAction } from '@rigel/remote-attempt';
import {
  HiddenOutput,
  Masker,
  type NamedSecrets,
  type OutputMask,
  PlainOutput,
  SecretError,
} from '@rigel/secrets';
import { commandsOf, secretsOf } from './commands.js';
import type { OnOutput } from './step-runner.js';

/** What a step's attempt runs, and what its output and its reasons go through before anybody sees them. */
export interface PreparedStep {
  actions: AttemptAction[];
  /** Why its secrets cannot be had. Its actions then only fail; what an earlier executor began may still be collected. */
  missing?: string;
  /** @param from the byte of the output that is wanted first. */
  output(from: number, onOutput: OnOutput): OutputMask;
  reason(text: string): string;
}

const asItIs = (text: string): string => text;

/** Puts the values of secrets into a step's commands, as late as can be. */
export class StepSecrets {
  constructor(private readonly secrets: Pick<NamedSecrets, 'read'>) {}

  async prepare(step: TaskPlan['steps'][number]): Promise<PreparedStep> {
    const references = secretsOf(step);
    if (references === undefined) {
      return {
        actions: commandsOf(step),
        output: (_, onOutput) => new PlainOutput(onOutput),
        reason: asItIs,
      };
    }
    const values = new Map<string, string>();
    try {
      for (const [param, name] of references) values.set(param, await this.secrets.read(name));
      const actions = commandsOf(step, values);
      const masker = new Masker([...values.values()]);
      return {
        actions,
        output: (from, onOutput) => masker.output(from, onOutput),
        reason: (text) => masker.text(text),
      };
    } catch (error) {
      if (!(error instanceof SecretError || error instanceof TemplateError)) throw error;
      return {
        actions: step.actions.map(({ name }) => ({ kind: 'command', text: 'exit 1', name })),
        missing: error.message,
        output: (_, onOutput) => new HiddenOutput(onOutput),
        reason: asItIs,
      };
    }
  }
}
