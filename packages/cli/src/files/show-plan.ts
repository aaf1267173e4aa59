import { plain } from '../output/screen.js';
import { unifiedDiff } from './diff.js';
import type { Change, FieldChange, Plan } from './plan.js';
import { writtenValue, yamlOf } from './write.js';

/** A plan as people read it, and as data. */

/** Addresses that are named. */
const SOME_NODES = 10;
/** Things that are named. */
const SOME_THINGS = 20;

const MARKS = { create: '+', change: '~', delete: '-' } as const;

const count = (number: number, one: string, many = `${one}s`): string =>
  `${number.toLocaleString('en')} ${number === 1 ? one : many}`;

/** A value as text: of one line, or of several. */
function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  if (typeof value !== 'object') return String(value);
  return Object.keys(value).length === 0 ? '' : yamlOf(value);
}

const isLong = (value: unknown): boolean =>
  (typeof value === 'string' && value.includes('\n')) ||
  (typeof value === 'object' && value !== null && Object.keys(value).length > 0);

const short = (value: unknown): string =>
  value === undefined || value === null ? 'none' : JSON.stringify(value);

function fieldLines({ field, before, after }: FieldChange, isNew: boolean): string[] {
  if (!isLong(before) && !isLong(after))
    return [
      isNew
        ? `    ${field}: ${plain(short(after))}`
        : `    ${field}: ${plain(short(before))} → ${plain(short(after))}`,
    ];
  const diff = unifiedDiff(textOf(before), textOf(after));
  // All of a new text is new: its lines say more without marks.
  const lines = isNew ? diff.slice(1).map((line) => `  ${line.slice(1)}`) : diff;
  return [`    ${field}:`, ...lines.map((line) => `      ${plain(line)}`)];
}

/** `10.0.0.7: zone=b, without canary` */
function labelLines(address: string, labels: Record<string, string | null>): string[] {
  const words = Object.entries(labels).map(([key, value]) =>
    value === null ? `without ${key}` : `${key}=${value}`,
  );
  return words.length === 0 ? [] : [`    labels of ${plain(address)}: ${plain(words.join(', '))}`];
}

function nodeLines({ nodes }: Change): string[] {
  if (!nodes) return [];
  const some = (addresses: readonly string[]) =>
    `${addresses.slice(0, SOME_NODES).map(plain).join(', ')}${addresses.length > SOME_NODES ? ` and ${addresses.length - SOME_NODES} more` : ''}`;
  return [
    ...(nodes.enter.length > 0
      ? [
          `    nodes: ${count(nodes.enter.length, 'node')} entered (${some(nodes.enter.map(({ address }) => address))})`,
        ]
      : []),
    ...nodes.enter.flatMap(({ address, labels }) => labelLines(address, labels ?? {})).slice(0, SOME_NODES),
    ...nodes.label
      .slice(0, SOME_NODES)
      .flatMap(({ address, set, remove }) =>
        labelLines(address, { ...set, ...Object.fromEntries(remove.map((key) => [key, null])) }),
      ),
    ...(nodes.label.length > SOME_NODES
      ? [`    labels of ${nodes.label.length - SOME_NODES} more nodes`]
      : []),
    ...(nodes.remove.length > 0
      ? [`    nodes: ${count(nodes.remove.length, 'node')} removed (${some(nodes.remove)})`]
      : []),
  ];
}

export function changeTitle({ do: what, kind, name }: Change): string {
  return `${MARKS[what]} ${kind} ${plain(name)}`;
}

function changeLines(change: Change): string[] {
  const { thing } = change;
  const now = thing
    ? `    (version ${thing.version}${thing.by === '' ? '' : `, by ${plain(thing.by)}`})`
    : '';
  return [
    `${changeTitle(change)}${now}`,
    ...change.fields.flatMap(({ field, before, after }) =>
      fieldLines(
        { field, before: writtenValue(change, field, before), after: writtenValue(change, field, after) },
        change.do === 'create',
      ),
    ),
    ...nodeLines(change),
  ];
}

/** `2 to create, 1 to change, 1 to delete, 12 as they are` */
export function summaryOf({ changes, unchanged }: Plan): string {
  const of = (what: Change['do']) => changes.filter((change) => change.do === what).length;
  if (changes.length === 0) return `nothing to do: ${count(unchanged, 'document')} as the system is`;
  const parts = [
    [of('create'), 'to create'],
    [of('change'), 'to change'],
    [of('delete'), 'to delete'],
    [unchanged, 'as they are'],
  ] as const;
  return parts
    .filter(([number]) => number > 0)
    .map(([number, words]) => `${number.toLocaleString('en')} ${words}`)
    .join(', ');
}

/** A plan as lines for people. */
export function planLines(plan: Plan): string[] {
  const { changes, kept, leftAlone, notes, refusals } = plan;
  const some = leftAlone.slice(0, SOME_THINGS).map(({ kind, name }) => `${kind} ${plain(name)}`);
  const more = leftAlone.length > some.length ? ` and ${leftAlone.length - some.length} more` : '';
  return [
    ...changes.flatMap(changeLines),
    ...kept.map(({ thing, why }) => `= ${thing.kind} ${plain(thing.name)} stays: ${plain(why)}`),
    ...(some.length > 0 ? [`left alone, because no file has them: ${some.join(', ')}${more}`] : []),
    ...notes.map((note) => `! ${plain(note)}`),
    ...refusals.map((refusal) => `✗ ${plain(refusal)}`),
    summaryOf(plan),
  ];
}

/** A plan for a comment on a change of the files. */
export function planMarkdown(plan: Plan): string {
  const { changes, hash, kept, notes, refusals } = plan;
  const safe = (text: string): string => plain(text).replaceAll(/[\\`*_{}[\]<>()#|@]/g, '\\$&');
  // A fence is longer than any in the text.
  const fenced = (lines: readonly string[]): string => {
    const longest = Math.max(
      2,
      ...lines.flatMap((line) => (line.match(/`+/g) ?? []).map(({ length }) => length)),
    );
    const fence = '`'.repeat(longest + 1);
    return [`${fence}diff`, ...lines, fence].join('\n');
  };
  const blocks = changes.map((change) => {
    const lines = changeLines(change)
      .slice(1)
      .map((line) => line.replace(/^ {4,6}/, ''));
    const title = `${MARKS[change.do]} ${change.kind} ${safe(change.name)}`;
    if (lines.length === 0) return `- **${title}**`;
    return `<details><summary><b>${title.replaceAll('\\', '')}</b></summary>\n\n${fenced(lines)}\n\n</details>`;
  });
  return [
    `### Rigel: ${summaryOf(plan)}`,
    ...refusals.map((text) => `- ✗ ${safe(text)}`),
    ...notes.map((text) => `- ${safe(text)}`),
    ...kept.map(({ thing, why }) => `- ${thing.kind} ${safe(thing.name)} stays: ${safe(why)}`),
    ...blocks,
    ...(changes.length > 0 ? [`Plan \`${hash.slice(0, 8)}\``] : []),
  ].join('\n\n');
}

/** A plan as data, for `-o json`. */
export function planData({ changes, hash, kept, leftAlone, notes, refusals, unchanged }: Plan): object {
  return {
    plan: hash,
    changes: changes.map(({ do: what, kind, name, fields, nodes, thing }) => ({
      do: what,
      kind,
      name,
      ...(thing ? { id: thing.id, version: thing.version } : {}),
      fields: fields.map(({ field, before, after }) => ({
        field,
        before: before ?? null,
        after: after ?? null,
      })),
      ...(nodes ? { nodes } : {}),
    })),
    unchanged,
    left_alone: leftAlone.map(({ kind, name }) => ({ kind, name })),
    kept: kept.map(({ thing, why }) => ({ kind: thing.kind, name: thing.name, why })),
    notes,
    refusals,
  };
}
