import { TemplateError } from '@rigel/command-template';
import type { TaskPlan } from '@rigel/contracts';
import type { AttemptAction } from '@rigel/remote-attempt';
import {
  HiddenOutput,
  Masker,
  type OutputMask,
  type ParameterSecrets,
  PlainOutput,
  SecretError,
} from '@rigel/secrets';
import { commandsOf, secretsOf } from '../ssh/commands.js';
import type { OnOutput } from '../step-runner.js';

/** The actions of a step's attempt, and the masks for its output and its reasons. */
export interface PreparedStep {
  actions: AttemptAction[];
  /**
   * Why the secrets cannot be read. The actions then only fail, but an attempt that an earlier executor began can be
   * collected.
   */
  missing?: string;
  /** @param from the offset of the first byte of the output that is wanted. */
  output(from: number, onOutput: OnOutput): OutputMask;
  reason(text: string): string;
}

/** Making a mask takes milliseconds, and all nodes of a task have the same secrets. */
const MASKS_KEPT = 20;

const asItIs = (text: string): string => text;

/** Puts the values of secrets into a step's commands, as late as possible. */
export class StepSecrets {
  private readonly masks = new Map<string, Masker>();

  constructor(private readonly secrets: Pick<ParameterSecrets, 'read'>) {}

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
      const masker = this.maskFor([...values.values()]);
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

  private maskFor(values: string[]): Masker {
    const key = values.join('\0');
    const masker = this.masks.get(key) ?? new Masker(values);
    // The least recently used mask is removed first.
    this.masks.delete(key);
    this.masks.set(key, masker);
    for (const oldest of this.masks.keys()) {
      if (this.masks.size <= MASKS_KEPT) break;
      this.masks.delete(oldest);
    }
    return masker;
  }
}
