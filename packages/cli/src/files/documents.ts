import { plainLines } from '@rigel/command-template';
import type { Place } from './mistakes.js';
import type { Kind } from './schema.js';
import type { Written } from './written.js';

/*
 * A document in one form, whatever way it was spelled. What a system has is brought to the same form (`present.ts`), so
 * that a plan compares field by field, and an export is the way back.
 */

/** The fields that a document names. The fields of a pool's templates are `templates.expand` and so on. */
export type Fields = Record<string, unknown>;

export interface Document {
  kind: Kind;
  /** Its identity; of a schedule the pool and the type, with a blank between. */
  name: string;
  fields: Fields;
  place: Place;
  /** The line of a field. */
  lineOf(path: string): number;
}

export const keyOf = ({ kind, name }: { kind: Kind; name: string }): string => `${kind} ${name}`;

/** A node of a pool as a document names it; null: it does not have the label. */
export interface Node {
  address: string;
  /** Absent: the document does not manage them. */
  labels?: Record<string, string | null>;
}

/** A step of a template, with everything that is not given. */
export interface TemplateStep {
  step: string;
  params: Record<string, unknown>;
  retries: number;
  ignore_error: boolean;
  timeout?: number;
  stop_grace?: number;
  reboot?: true;
  ready_wait?: number;
  allowed_secrets?: Record<string, string[]>;
}

export interface ScheduleItem {
  at: string;
  day: string;
  nodes: number;
  percent: number;
  at_once: number;
  ignore: boolean;
}

export interface TakenAlong {
  pool: string;
  ratio: number;
  spare: number;
  after_step: string;
  ignore: boolean;
}

/** Week days by the numbers of the API. */
export const DAYS = [
  'every',
  'sunday',
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
] as const;

/** What is left out has these values. */
export const ITEM: Omit<ScheduleItem, 'at'> = {
  day: 'every',
  nodes: 0,
  percent: 100,
  at_once: 0,
  ignore: false,
};
export const TAKEN_ALONG: Omit<TakenAlong, 'pool' | 'after_step'> = { ratio: 1, spare: 0, ignore: false };

export const POOL_TEMPLATES = ['expand', 'deploy', 'shrink'] as const;

/** What a schedule is that does not say it. */
export const execTypeOf = (items: readonly unknown[]): 'crontab' | 'depend' =>
  items.length > 0 ? 'crontab' : 'depend';

/** A step of a template in its one form. */
export function templateStep(given: string | (Partial<TemplateStep> & { step: string })): TemplateStep {
  const {
    step,
    params = {},
    retries = 0,
    ignore_error = false,
    reboot,
    allowed_secrets,
    ...limits
  } = typeof given === 'string' ? { step: given } : given;
  const allowed = Object.entries(allowed_secrets ?? {}).filter(([, names]) => names.length > 0);
  return {
    step,
    params,
    retries,
    ignore_error,
    ...(limits.timeout === undefined ? {} : { timeout: limits.timeout }),
    ...(limits.stop_grace === undefined ? {} : { stop_grace: limits.stop_grace }),
    ...(reboot ? { reboot } : {}),
    ...(limits.ready_wait === undefined ? {} : { ready_wait: limits.ready_wait }),
    ...(allowed.length === 0
      ? {}
      : { allowed_secrets: Object.fromEntries(allowed.map(([name, names]) => [name, [...new Set(names)]])) }),
  };
}

/** The document of checked data. Reports what it cannot read. */
export function documentOf(written: Written): Document {
  const { kind, data, place, lineOf } = written;
  const { rigel: _, kind: __, name, ...rest } = data;
  const fields: Fields = { ...rest };
  let title = String(name);
  switch (kind) {
    case 'Action':
      readCommand(fields, written);
      break;
    case 'Template':
      if (fields.steps)
        fields.steps = (fields.steps as Parameters<typeof templateStep>[0][]).map(templateStep);
      break;
    case 'Pool':
      for (const [use, template] of Object.entries((fields.templates as object | undefined) ?? {}))
        fields[`templates.${use}`] = template;
      delete fields.templates;
      if (fields.nodes)
        fields.nodes = (fields.nodes as (string | Node)[]).map((node) =>
          typeof node === 'string' ? { address: node } : node,
        );
      break;
    case 'Schedule': {
      title = `${String(fields.pool)} ${String(fields.type)}`;
      delete fields.pool;
      delete fields.type;
      const items = fields.items as ScheduleItem[] | undefined;
      if (items) {
        fields.items = items.map((item) => ({ ...ITEM, ...item }));
        fields.exec_type ??= execTypeOf(items);
      }
      const pools = fields.takes_along as TakenAlong[] | undefined;
      if (pools) fields.takes_along = pools.map((item) => ({ ...TAKEN_ALONG, ...item }));
      break;
    }
  }
  return { kind, name: title, fields, place, lineOf };
}

/** `shell`, `script` and `script_file` are one field in three spellings: the command of the action. */
function readCommand(fields: Fields, { report, script }: Written): undefined {
  const given = ['shell', 'script', 'script_file'].filter((name) => fields[name] !== undefined);
  if (given.length > 1)
    return report(given[1] as string, `and ${given[0]} exclude each other: an action has one command`);
  if (given.length === 0) return;
  const file = fields.script_file as string | undefined;
  delete fields.script_file;
  if (file !== undefined) {
    try {
      fields.script = script(file);
    } catch (error) {
      return report('script_file', `${JSON.stringify(file)} cannot be read: ${(error as Error).message}`);
    }
  }
  const text = (value: unknown): string | null => (value === undefined ? null : plainLines(String(value)));
  Object.assign(fields, { shell: text(fields.shell), script: text(fields.script) });
}
