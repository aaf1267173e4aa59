import { Scalar, visit, Document as Yaml } from 'yaml';
import { linesOf } from './diff.js';
import {
  execTypeOf,
  type Fields,
  ITEM,
  type Node,
  POOL_TEMPLATES,
  type ScheduleItem,
  TAKEN_ALONG,
  type TakenAlong,
  type TemplateStep,
} from './documents.js';
import { sorted } from './plan.js';
import type { Thing } from './present.js';
import type { Kind } from './schema.js';

/*
 * Things as documents, in one way: the same things are the same bytes. What has its default value is left out.
 */

/** A script of more lines becomes a file of its own. */
const MOST_LINES = 3;

/** Folders of the kinds, in `export -d`. */
export const FOLDERS: Record<Kind, string> = {
  Action: 'actions',
  Step: 'steps',
  Template: 'templates',
  Cluster: 'clusters',
  Service: 'services',
  Pool: 'pools',
  Schedule: 'schedules',
};

/** What a new thing has that its document does not name. */
const SERVICE = { type: '', image: '-' };
const POOL = { vm_type: 0, sd: 0 };

/** The data of a document, with its fields in one order. */
export function dataOf({ kind, name, fields }: Pick<Thing, 'kind' | 'name' | 'fields'>): Fields {
  const head = { rigel: 'v1', kind };
  const desc = fields.desc === '' || fields.desc === undefined ? {} : { desc: fields.desc };
  const own = { ...head, name, ...desc };
  switch (kind) {
    case 'Action': {
      const { params, shell, script } = fields;
      return {
        ...own,
        ...(Object.keys((params as object | undefined) ?? {}).length > 0 ? { params: sorted(params) } : {}),
        ...(typeof shell === 'string' ? { shell } : {}),
        ...(typeof script === 'string' ? { script } : {}),
      };
    }
    case 'Step':
      return { ...own, actions: fields.actions };
    case 'Template':
      return { ...own, steps: (fields.steps as TemplateStep[]).map(shortStep) };
    case 'Cluster':
      return { ...own, ...(fields.biz === '' ? {} : { biz: fields.biz }) };
    case 'Service':
      return {
        ...own,
        cluster: fields.cluster,
        ...without({ type: fields.type, image: fields.image }, SERVICE),
      };
    case 'Pool': {
      const uses = POOL_TEMPLATES.flatMap((use) => {
        const template = fields[`templates.${use}`];
        return typeof template === 'string' ? [[use, template] as const] : [];
      });
      const labels = (fields.labels as Record<string, string> | undefined) ?? {};
      const nodes = ((fields.nodes as Node[] | undefined) ?? []).map((node) => shortNode(node, labels));
      return {
        ...own,
        service: fields.service,
        ...without({ vm_type: fields.vm_type, sd: fields.sd }, POOL),
        ...(uses.length > 0 ? { templates: Object.fromEntries(uses) } : {}),
        ...(fields.protected === true ? { protected: true } : {}),
        ...(Object.keys(labels).length > 0 ? { labels: sorted(labels) } : {}),
        ...(nodes.length > 0 ? { nodes } : {}),
      };
    }
    case 'Schedule': {
      const at = name.lastIndexOf(' ');
      const type = name.slice(at + 1);
      const items = fields.items as ScheduleItem[];
      const along = fields.takes_along as TakenAlong[];
      return {
        ...head,
        pool: name.slice(0, at),
        type,
        ...(fields.time_zone === '' ? {} : { time_zone: fields.time_zone }),
        ...(fields.exec_type === execTypeOf(items) ? {} : { exec_type: fields.exec_type }),
        items: items.map((item) => shortItem(item, type)),
        ...(along.length === 0 ? {} : { takes_along: along.map(shortAlong) }),
      };
    }
  }
}

/** The labels of a node that are not those that its pool gives. */
function shortNode({ address, labels = {} }: Node, given: Record<string, string>): string | Node {
  const own = Object.entries(labels).filter(([key, value]) => given[key] !== value);
  const without = Object.keys(given).filter((key) => labels[key] === undefined);
  if (own.length + without.length === 0) return address;
  const all = Object.fromEntries([...own, ...without.map((key) => [key, null] as const)]);
  return { address, labels: sorted(all) as Record<string, string | null> };
}

const shortItem = ({ at, nodes, ...item }: ScheduleItem, type: string): object => ({
  at,
  ...(type === 'expand' ? { nodes } : {}),
  ...without(item, ITEM),
});

const shortAlong = ({ pool, ...item }: TakenAlong): object => ({ pool, ...without(item, TAKEN_ALONG) });

/** A field as a document has it, for people. */
export function writtenValue(
  { kind, name }: Pick<Thing, 'kind' | 'name'>,
  field: string,
  value: unknown,
): unknown {
  if (!Array.isArray(value)) return sorted(value);
  const type = name.slice(name.lastIndexOf(' ') + 1);
  if (kind === 'Template' && field === 'steps') return (value as TemplateStep[]).map(shortStep);
  if (field === 'items') return (value as ScheduleItem[]).map((item) => shortItem(item, type));
  if (field === 'takes_along') return (value as TakenAlong[]).map(shortAlong);
  return value;
}

/** The fields that do not have their default values. */
function without(fields: object, defaults: object): object {
  const usual = defaults as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(fields).filter(([name, value]) => !(Object.hasOwn(usual, name) && usual[name] === value)),
  );
}

function shortStep({ step, params, retries, ignore_error, allowed_secrets, ...limits }: TemplateStep) {
  const options = {
    ...(Object.keys(params).length > 0 ? { params: sorted(params) } : {}),
    ...(retries > 0 ? { retries } : {}),
    ...(ignore_error ? { ignore_error } : {}),
    ...limits,
    ...(allowed_secrets ? { allowed_secrets: sorted(allowed_secrets) } : {}),
  };
  return Object.keys(options).length === 0 ? step : { step, ...options };
}

/** One document as YAML. */
export function yamlOf(data: object): string {
  const document = new Yaml(data, { version: '1.2', aliasDuplicateObjects: false });
  visit(document, {
    Scalar(key, node) {
      if (typeof node.value !== 'string' || key === 'key') return;
      // Earlier versions of YAML read these as numbers and switches.
      if (/^\d\d:\d\d(:\d\d)?$|^(y|n|yes|no|on|off)$/i.test(node.value)) node.type = Scalar.QUOTE_DOUBLE;
      // A text of several lines reads best as one; a form that a block cannot hold is quoted.
      else if (node.value.includes('\n')) {
        // The first line says how far a block is indented, so it must not be blank.
        const canBlock =
          /^[^\n]*[^\s]/.test(node.value) &&
          !/[^\n\t\u0020-\u007e\u00a0-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]/u.test(
            node.value,
          );
        node.type = canBlock ? Scalar.BLOCK_LITERAL : Scalar.QUOTE_DOUBLE;
      }
    },
    Seq(_, node) {
      if (node.items.length === 0) node.flow = true;
    },
    Map(_, node) {
      if (node.items.length === 0) node.flow = true;
    },
  });
  return document.toString({ lineWidth: 0, indentSeq: true });
}

/** A file of an export. */
export interface Written {
  /** From the folder on. */
  path: string;
  text: string;
}

/** The files of things, one for each, and one for each long script. */
export function filesOf(things: readonly Thing[]): Written[] {
  const taken = new Set<string>();
  return things.flatMap((thing) => {
    const folder = FOLDERS[thing.kind];
    const own = thing.kind === 'Schedule' ? thing.name.replace(/ (?=\w+$)/, '-') : thing.name;
    const name = freeName(folder, fileName(own), taken);
    const data = dataOf(thing);
    const { script } = data;
    if (typeof script !== 'string' || linesOf(script).length <= MOST_LINES)
      return [{ path: `${folder}/${name}.yaml`, text: yamlOf(data) }];
    const { script: _, ...rest } = data;
    return [
      { path: `${folder}/${name}.yaml`, text: yamlOf({ ...rest, script_file: `${name}.sh` }) },
      { path: `${folder}/${name}.sh`, text: script },
    ];
  });
}

/** A name that every file system takes; other characters are written as their UTF-8 bytes. */
const fileName = (name: string): string =>
  [...name]
    .map((character, at) =>
      /[\p{L}\p{N}_-]/u.test(character) || (character === '.' && at > 0)
        ? character
        : [...Buffer.from(character)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
    )
    .join('');

/** Some file systems do not tell capital letters from small ones. */
function freeName(folder: string, name: string, taken: Set<string>): string {
  for (let number = 1; ; number++) {
    const free = number === 1 ? name : `${name}~${number}`;
    const key = `${folder}/${free}`.normalize('NFC').toLowerCase();
    if (taken.has(key)) continue;
    taken.add(key);
    return free;
  }
}
