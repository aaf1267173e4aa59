import { parse } from 'yaml';
import { command, type Flags } from '../command/command.js';
import { CommandError } from '../command/exit.js';
import type { Invocation } from '../command/invocation.js';
import { createThing, DESC_FLAG, NAME_FLAG, type Thing, thingNamed, updateThing } from './change-things.js';
import { readParams, readValue } from './values.js';

/** A step of a template, as the API takes it. */
type Step = Record<string, unknown> & { name: string; param_values?: Record<string, unknown> };

const ACTION_FLAG = {
  type: 'texts',
  value: '<action>',
  help: { en: 'an action, in running order', zh: '动作，按执行顺序' },
} as const;

/** Options of a step, and the field of each. */
const OPTIONS: Record<string, 'number' | 'switch'> = {
  retries: 'number',
  timeout: 'number',
  stop_grace: 'number',
  ready_wait: 'number',
  ignore_error: 'switch',
  reboot: 'switch',
};

const STEP_FLAGS = {
  step: {
    type: 'texts',
    value: '<step[:retries=2,timeout=60,ignore_error]>',
    help: { en: 'a step, in running order, with its options', zh: '步骤及其选项，按执行顺序' },
  },
  steps: {
    type: 'text',
    value: '<@file|->',
    help: { en: 'all steps, as JSON or YAML of the API', zh: '全部步骤（API 的 JSON 或 YAML）' },
  },
  param: {
    type: 'texts',
    value: '<step.name=value>',
    help: {
      en: 'a value of a step; =@file reads it, =secret:<name> names a secret',
      zh: '步骤的参数值；=@文件 读取，=secret:<名称> 指定机密',
    },
  },
} as const satisfies Flags;

/** `start_service:retries=2,ignore_error` */
function readStep(text: string): Step {
  const [name = '', options = ''] = text.split(/:(.*)/s);
  if (name === '')
    throw new CommandError(`--step must begin with the name of a step (got ${JSON.stringify(text)})`);
  const step: Step = { name };
  for (const option of options.split(',').filter((word) => word !== '')) {
    const [key = '', value] = option.split(/=(.*)/s);
    const type = OPTIONS[key];
    const isRight = type === 'number' ? /^\d{1,6}$/.test(value ?? '') : value === undefined;
    if (type === undefined || !isRight)
      throw new CommandError(
        `--step ${name}: ${JSON.stringify(option)} is no option: retries=2, timeout=60, stop_grace=10, ready_wait=300, ignore_error, reboot`,
      );
    step[key === 'retries' ? 'retry_times' : key] = type === 'number' ? Number(value) : true;
  }
  return step;
}

/** A list of steps that stands in a file. @throws CommandError */
async function readSteps(invocation: Invocation, text: string): Promise<Step[]> {
  if (text !== '-' && !text.startsWith('@'))
    throw new CommandError(`--steps must be @file or - (got ${JSON.stringify(text.slice(0, 40))})`);
  let value: unknown;
  try {
    value = parse(await readValue(invocation, text), { maxAliasCount: 0 });
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(`--steps must be JSON or YAML: ${(error as Error).message.split('\n')[0]}`);
  }
  const steps = Array.isArray(value) ? value : (value as { steps?: unknown } | null)?.steps;
  if (!Array.isArray(steps) || steps.length === 0)
    throw new CommandError('--steps must hold a list of steps, or an object with steps');
  return steps.map((step: unknown, at): Step => {
    if (typeof step === 'string') return { name: step };
    if (typeof step === 'object' && step !== null && typeof (step as Step).name === 'string')
      return step as Step;
    throw new CommandError(`--steps: step ${at + 1} must be a name, or an object with a name`);
  });
}

/** Steps with the values that the flags give them. @throws CommandError if no step has the name. */
async function withValues(
  invocation: Invocation,
  steps: readonly Step[],
  given: readonly string[],
): Promise<Step[]> {
  const values = await readParams(invocation, given);
  const result = steps.map((step) => ({ ...step }));
  for (const [path, value] of Object.entries(values)) {
    const of = result.filter(({ name }) => path.startsWith(`${name}.`) && path.length > name.length + 1);
    if (of.length === 0)
      throw new CommandError(
        `--param ${path}: it must be step.name=value, and the template has the steps ${steps.map(({ name }) => name).join(', ')}`,
      );
    for (const step of of)
      step.param_values = { ...step.param_values, [path.slice(step.name.length + 1)]: value };
  }
  return result;
}

/** The steps that the flags name; undefined: none. @throws CommandError */
async function stepsOf(
  invocation: Invocation,
  flags: { step: string[]; steps: string | undefined; param: string[] },
  before: Step[] | undefined,
): Promise<Step[] | undefined> {
  if (flags.steps !== undefined && flags.step.length > 0)
    throw new CommandError('--step and --steps exclude each other');
  const steps =
    flags.steps !== undefined
      ? await readSteps(invocation, flags.steps)
      : flags.step.length > 0
        ? flags.step.map(readStep)
        : flags.param.length > 0
          ? before
          : undefined;
  return steps === undefined ? undefined : withValues(invocation, steps, flags.param);
}

/** Steps as people read them: a line each. */
const shownSteps = (steps: readonly Step[]): string =>
  steps
    .map(({ name, param_values = {}, retry, ...options }) => {
      const { retry_times = 0, ignore_error = false } = { ...(retry as object), ...options } as {
        retry_times?: number;
        ignore_error?: boolean;
      };
      const values = Object.entries(param_values).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
      const more = ['timeout', 'stop_grace', 'ready_wait', 'reboot', 'allowed_secrets']
        .filter((key) => options[key] !== undefined && options[key] !== false)
        .map((key) => `${key}=${JSON.stringify(options[key])}`);
      return [
        name,
        ...values,
        ...(retry_times > 0 ? [`retries=${retry_times}`] : []),
        ...(ignore_error ? ['ignore_error'] : []),
        ...more,
      ].join('  ');
    })
    .join('\n');

const descOf = async (invocation: Invocation, desc: string | undefined): Promise<Record<string, string>> =>
  desc === undefined ? {} : { desc: await readValue(invocation, desc) };

const named = [{ name: 'name' }] as const;

/** Commands that make and change remote steps and templates. */
export const templateChanges = [
  command({
    name: 'step create',
    help: { en: 'Make a remote step of actions', zh: '由动作创建远程步骤' },
    args: named,
    flags: { desc: DESC_FLAG, action: ACTION_FLAG },
    run: async (invocation, [name = ''], flags) => {
      if (flags.action.length === 0) throw new CommandError('step create needs --action <action>');
      const body = { desc: '', ...(await descOf(invocation, flags.desc)), actions: flags.action };
      await createThing(invocation, 'step', name, { body });
    },
  }),
  command({
    name: 'step update',
    help: { en: 'Change a remote step', zh: '修改远程步骤' },
    args: [{ name: 'step', kind: 'step' }],
    flags: { name: NAME_FLAG, desc: DESC_FLAG, action: ACTION_FLAG },
    run: async (invocation, [text = ''], flags) => {
      const thing = await thingNamed(invocation, 'step', text);
      const body = {
        ...(flags.name === undefined ? {} : { name: flags.name }),
        ...(await descOf(invocation, flags.desc)),
        ...(flags.action.length === 0 ? {} : { actions: flags.action }),
      };
      await updateThing(invocation, 'step', thing, { body });
    },
  }),
  command({
    name: 'template create',
    help: { en: 'Make a template of steps', zh: '由步骤创建模板' },
    args: named,
    flags: { desc: DESC_FLAG, ...STEP_FLAGS },
    run: async (invocation, [name = ''], flags) => {
      const steps = await stepsOf(invocation, flags, undefined);
      if (!steps) throw new CommandError('template create needs --step <step> or --steps <@file|->');
      const body = { desc: '', ...(await descOf(invocation, flags.desc)), steps };
      const shown = [{ field: 'steps', after: `${shownSteps(steps)}\n` }];
      await createThing(invocation, 'template', name, { body, shown, hidden: ['steps'] });
    },
  }),
  command({
    name: 'template update',
    help: { en: 'Change a template; tasks keep their own copy', zh: '修改模板；任务保留自己的副本' },
    args: [{ name: 'template', kind: 'template' }],
    flags: { name: NAME_FLAG, desc: DESC_FLAG, ...STEP_FLAGS },
    run: async (invocation, [text = ''], flags) => {
      const thing: Thing = await thingNamed(invocation, 'template', text);
      const before = thing.steps as Step[];
      const steps = await stepsOf(invocation, flags, before);
      const [was, is] = [shownSteps(before), steps && shownSteps(steps)];
      const shown =
        is === undefined || is === was ? [] : [{ field: 'steps', before: `${was}\n`, after: `${is}\n` }];
      const body = {
        ...(flags.name === undefined ? {} : { name: flags.name }),
        ...(await descOf(invocation, flags.desc)),
        ...(steps === undefined ? {} : { steps: is === was ? before : steps }),
      };
      await updateThing(invocation, 'template', thing, { body, shown, hidden: ['steps'] });
    },
  }),
];
