import { checkText, TemplateError } from '@rigel/command-template';
import {
  BUILT_IN_STEPS,
  isAddress,
  isSecretName,
  isTimeZone,
  nodeIdentity,
  wrongKey,
  wrongValue,
} from '@rigel/contracts';
import { nearestName } from '@rigel/contracts/nearest-name';
import {
  type Document,
  type Node,
  POOL_TEMPLATES,
  type ScheduleItem,
  type TakenAlong,
  type TemplateStep,
} from './documents.js';
import { type Mistake, shown } from './mistakes.js';
import type { Kind } from './schema.js';
import type { Written } from './written.js';

/*
 * The rules that the services have for what they save, as far as a document alone, or all documents together, can break
 * them. What they refuse beyond these, `apply` says when it saves.
 */

/** Parameter names are printable ASCII: command templates and HTTP requests contain them. */
const PARAM_NAME = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/;

const isBuiltIn = (step: string): boolean => BUILT_IN_STEPS.some(({ name }) => name === step);

/** Checks the rules of one document. */
export function checkDocument(document: Document, written: Written): void {
  RULES[document.kind]?.(document, written);
}

const RULES: Partial<Record<Kind, (document: Document, written: Written) => void>> = {
  Action: checkAction,
  Step: ({ name }, { report }) => {
    if (isBuiltIn(name)) report('name', `must not be that of a built-in step (got ${shown(name)})`);
  },
  Template: ({ fields }, { report }) => {
    for (const [at, step] of ((fields.steps as TemplateStep[] | undefined) ?? []).entries())
      checkStep(step, (field, message) => report(`steps.${at}${field}`, message));
  },
  Pool: checkPool,
  Schedule: checkSchedule,
};

function checkAction({ fields }: Document, { data, report }: Written): void {
  const params = Object.keys((fields.params as object | undefined) ?? {});
  for (const name of params)
    if (!PARAM_NAME.test(name))
      report('params', `has the name ${shown(name)}: a name is printable ASCII without blanks around it`);
  for (const [field, language] of [
    ['shell', 'command'],
    ['script', 'script'],
  ] as const) {
    const text = fields[field];
    if (typeof text !== 'string') continue;
    try {
      checkText(text, language, new Set(params));
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      const where = field in data ? field : 'script_file';
      report(where, `cannot be saved: ${error.message}`, error.line);
    }
  }
}

/** Options that have no effect on a step are refused, so that people do not rely on them. */
function checkStep(step: TemplateStep, report: (field: string, message: string) => void): void {
  const { timeout, ready_wait: wait } = step;
  for (const [param, value] of Object.entries(step.params)) {
    if (!isReference(value)) continue;
    const { secret } = value;
    if (typeof secret !== 'string' || !isSecretName(secret) || Object.keys(value).length > 1)
      report(
        `.params.${param}`,
        `must be {secret: name}, with a name of 1 to 100 of A-Z a-z 0-9 . _ - (got ${shown(value)})`,
      );
  }
  if (isBuiltIn(step.step))
    for (const option of ['stop_grace', 'reboot', 'ready_wait', 'allowed_secrets'] as const)
      if (step[option] !== undefined)
        report(`.${option}`, `is an option of remote steps only: leave it out (got ${shown(step[option])})`);
  if (wait === undefined || isBuiltIn(step.step)) return;
  if (step.reboot !== true) report('.ready_wait', `needs reboot: true (got ${wait})`);
  else if (timeout !== undefined && wait > timeout)
    report('.ready_wait', `must not be longer than timeout, which is ${timeout} (got ${wait})`);
}

const isReference = (value: unknown): value is { secret: unknown } =>
  typeof value === 'object' && value !== null && 'secret' in value;

function checkPool({ fields }: Document, { report }: Written): void {
  checkLabelsOf(fields.labels as Node['labels'], 'labels', report);
  const seen = new Map<string, string>();
  for (const [at, { address, labels }] of ((fields.nodes as Node[] | undefined) ?? []).entries()) {
    checkLabelsOf(labels, `nodes.${at}.labels`, report);
    if (!isAddress(address)) {
      report(`nodes.${at}`, `is no address (got ${shown(address)}): 10.0.0.7, 10.0.0.7:2222 or a host name`);
      continue;
    }
    const identity = nodeIdentity(address);
    const first = seen.get(identity);
    if (first !== undefined)
      report(`nodes.${at}`, `is the machine of ${shown(first)} once more (got ${shown(address)})`);
    seen.set(identity, address);
  }
}

function checkLabelsOf(labels: Node['labels'], path: string, report: Written['report']): void {
  for (const [key, value] of Object.entries(labels ?? {})) {
    const wrong = wrongKey(key);
    if (wrong !== undefined) report(path, `has ${shown(key)}, which is no key of a label: ${wrong}`);
    const wrongly = value === null ? undefined : wrongValue(value);
    if (wrongly !== undefined)
      report(`${path}.${key}`, `is no value of a label: ${wrongly} (got ${shown(value)})`);
  }
}

function checkSchedule({ name, fields }: Document, { data, report }: Written): void {
  const zone = fields.time_zone as string | undefined;
  if (zone !== undefined && zone !== '' && !isTimeZone(zone))
    report('time_zone', `must be an IANA time zone, such as Europe/Berlin (got ${shown(zone)})`);
  const given = (data.items as Partial<ScheduleItem>[] | undefined) ?? [];
  const seen = new Map<string, number>();
  for (const [at, item] of ((fields.items as ScheduleItem[] | undefined) ?? []).entries()) {
    const time = `${item.day} ${item.at.length === 5 ? `${item.at}:00` : item.at}`;
    const first = seen.get(time);
    if (first !== undefined)
      report(`items.${at}.at`, `is that of items.${first} on the same day (got ${shown(item.at)})`);
    seen.set(time, at);
    const other = data.type === 'expand' ? (['percent', 'at_once'] as const) : (['nodes'] as const);
    if (data.type === 'expand' && given[at]?.nodes === undefined)
      report(`items.${at}`, 'has no nodes: how many the pool has from then on');
    for (const field of other)
      if (given[at]?.[field] !== undefined)
        report(
          `items.${at}.${field}`,
          `has no effect in a schedule of type ${String(data.type)}: leave it out`,
        );
  }
  const pools = new Set<string>();
  for (const [at, { pool }] of ((fields.takes_along as TakenAlong[] | undefined) ?? []).entries()) {
    if (pool === data.pool)
      report(`takes_along.${at}.pool`, `is the pool of ${name} itself (got ${shown(pool)})`);
    if (pools.has(pool)) report(`takes_along.${at}.pool`, `is named twice (got ${shown(pool)})`);
    pools.add(pool);
  }
}

/** The names of things of each kind that a document may name. */
export type Known = Record<
  'Action' | 'Step' | 'Template' | 'Cluster' | 'Service' | 'Pool',
  ReadonlySet<string>
>;

/** What a document names: kind and name, and the field that does so. */
export function referencesOf({
  kind,
  name,
  fields,
}: Pick<Document, 'kind' | 'name' | 'fields'>): { kind: keyof Known; name: string; path: string }[] {
  const names = (list: unknown): string[] => (list as string[] | undefined) ?? [];
  switch (kind) {
    case 'Step':
      return names(fields.actions).map((action, at) => ({
        kind: 'Action',
        name: action,
        path: `actions.${at}`,
      }));
    case 'Template':
      return ((fields.steps as TemplateStep[] | undefined) ?? []).flatMap(({ step }, at) =>
        isBuiltIn(step) ? [] : [{ kind: 'Step' as const, name: step, path: `steps.${at}` }],
      );
    case 'Service':
      return [{ kind: 'Cluster', name: String(fields.cluster), path: 'cluster' }];
    case 'Pool':
      return [
        { kind: 'Service', name: String(fields.service), path: 'service' },
        ...POOL_TEMPLATES.flatMap((use) => {
          const template = fields[`templates.${use}`];
          return typeof template === 'string'
            ? [{ kind: 'Template' as const, name: template, path: `templates.${use}` }]
            : [];
        }),
      ];
    case 'Schedule':
      return [
        { kind: 'Pool', name: name.slice(0, name.lastIndexOf(' ')), path: 'pool' },
        ...((fields.takes_along as TakenAlong[] | undefined) ?? []).map(({ pool }, at) => ({
          kind: 'Pool' as const,
          name: pool,
          path: `takes_along.${at}.pool`,
        })),
      ];
    default:
      return [];
  }
}

/** The names that the documents themselves bring. */
export function namesOf(documents: readonly Document[]): Known {
  const of = (kind: Kind) =>
    new Set(documents.filter((document) => document.kind === kind).map(({ name }) => name));
  return {
    Action: of('Action'),
    Step: of('Step'),
    Template: of('Template'),
    Cluster: of('Cluster'),
    Service: of('Service'),
    Pool: of('Pool'),
  };
}

/** @param where the names come from, for the message: `in these files`. */
export function checkReferences(documents: readonly Document[], known: Known, where: string): Mistake[] {
  const mistakes: Mistake[] = [];
  for (const document of documents) {
    for (const { kind, name, path } of referencesOf(document)) {
      if (known[kind].has(name)) continue;
      // A name that has nothing in common with it would be a guess.
      const alike = [...known[kind]].filter((other) => other[0]?.toLowerCase() === name[0]?.toLowerCase());
      const nearest = nearestName(name, alike);
      const advice = nearest === undefined ? '' : `; did you mean ${shown(nearest)}?`;
      mistakes.push({
        file: document.place.file,
        line: document.lineOf(path),
        what: `${document.kind} ${document.name}:`,
        message: `${path} names the ${kind.toLowerCase()} ${shown(name)}, which is not ${where}${advice}`,
      });
    }
  }
  return [...mistakes, ...checkTogether(documents)];
}

/** Rules about several documents: a node is in one pool, and the step that a pool waits for is in the template. */
function checkTogether(documents: readonly Document[]): Mistake[] {
  const mistakes: Mistake[] = [];
  const of = (kind: Kind) => documents.filter((document) => document.kind === kind);
  const say = ({ kind, name, place, lineOf }: Document, path: string, message: string) =>
    mistakes.push({
      file: place.file,
      line: lineOf(path),
      what: `${kind} ${name}:`,
      message: `${path} ${message}`,
    });
  const owners = new Map<string, string>();
  for (const pool of of('Pool')) {
    for (const [at, { address }] of ((pool.fields.nodes as Node[] | undefined) ?? []).entries()) {
      const owner = owners.get(nodeIdentity(address));
      if (owner !== undefined && owner !== pool.name)
        say(pool, `nodes.${at}`, `is a node of pool ${shown(owner)} too (got ${shown(address)})`);
      owners.set(nodeIdentity(address), pool.name);
    }
  }
  const pools = new Map(of('Pool').map((pool) => [pool.name, pool]));
  const templates = new Map(of('Template').map((template) => [template.name, template]));
  for (const schedule of of('Schedule')) {
    const use = schedule.name.endsWith(' expand') ? 'expand' : 'deploy';
    const along = (schedule.fields.takes_along as TakenAlong[] | undefined) ?? [];
    for (const [at, { pool, after_step }] of along.entries()) {
      const template = pools.get(pool)?.fields[`templates.${use}`];
      const path = `takes_along.${at}`;
      if (template === null)
        say(schedule, `${path}.pool`, `names pool ${shown(pool)}, which has no template to ${use}`);
      const steps = templates.get(String(template))?.fields.steps as TemplateStep[] | undefined;
      if (!steps || steps.some(({ step }) => step === after_step)) continue;
      say(
        schedule,
        `${path}.after_step`,
        `must be a step of template ${shown(template)}, which ${use}s pool ${shown(pool)} (got ${shown(after_step)})`,
      );
    }
  }
  return mistakes;
}
