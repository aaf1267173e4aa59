import { natsSettings } from '@rigel/contracts';
import { CommonConfig } from '@rigel/runtime';
import { type TObject, Type } from 'typebox';
import { LOCAL_SETTINGS, REPOSITORY_DIR } from './config.js';

/** The parts of a setting's schema that the reference shows. */
interface Setting {
  type?: string;
  enum?: unknown[];
  default?: unknown;
  minimum?: number;
  maximum?: number;
  pattern?: string;
  description?: string;
}

/** Where each service's settings are, beside those that every process has. */
const SERVICES: { title: string; module: string; name: string }[] = [
  { title: 'Gateway', module: 'gateway/dist/gateway.js', name: 'GatewayConfig' },
  { title: 'Scheduler', module: 'scheduler/dist/scheduler.js', name: 'SchedulerConfig' },
  { title: 'Executor', module: 'executor/dist/executor.js', name: 'ExecutorConfig' },
  { title: 'Inventory', module: 'inventory/dist/inventory.js', name: 'InventoryConfig' },
  { title: 'Catalog', module: 'catalog/dist/catalog.js', name: 'CatalogConfig' },
  { title: 'Access', module: 'access/dist/access.js', name: 'AccessConfig' },
];

/** The configuration reference, made from the schemas by which the processes check their settings. */
export async function configurationReference(): Promise<string> {
  const parts = [
    '# Configuration',
    '',
    '<!-- Made from the schemas of the settings by `pnpm configuration`; edit those. -->',
    '',
    'This page is for people who configure Rigel: every setting, with its default and its meaning. Every process reads its settings from',
    'the environment once, at its start. An empty variable counts as absent. If a value is wrong, the process prints one line that names the',
    'variable, and ends with status 1. It never prints the value of a variable that may hold a secret.',
    '',
    ...section('Every process', Type.Object({ ...CommonConfig.properties, ...natsSettings })),
  ];
  for (const { title, module, name } of SERVICES) {
    // Services are programs, not packages: the built files are read.
    const built = (await import(`file://${REPOSITORY_DIR}services/${module}`)) as Record<string, TObject>;
    const config = built[name];
    if (!config) throw new Error(`${module} has no ${name}`);
    parts.push(...section(title, config));
  }
  parts.push(
    '## Everything on one machine (`pnpm start`)',
    '',
    '`pnpm start` also takes the settings of gateway, scheduler, executor and access above, and gives each process the ones that it needs.',
    '',
    ...table(
      LOCAL_SETTINGS.map(({ name, default: value, expected, meaning }) => [
        code(name),
        // The folder on the machine that made this page means nothing to others.
        name === 'RIGEL_DATA_DIR' ? '`.rigel` in the repository' : shown(value),
        expected,
        meaning,
      ]),
      ['variable', 'default', 'expected', 'meaning'],
    ),
  );
  return `${parts.join('\n').trimEnd()}\n`;
}

function section(title: string, { properties, required }: TObject): string[] {
  const needed = new Set<string>(required);
  const rows = Object.entries(properties as Record<string, Setting>).map(([name, setting]) => [
    code(name),
    needed.has(name) && setting.default === undefined ? 'required' : shown(setting.default),
    allowed(setting),
    (setting.description ?? '').replaceAll('|', '\\|'),
  ]);
  return [`## ${title}`, '', ...table(rows, ['variable', 'default', 'values', 'meaning']), ''];
}

function allowed({ type, enum: values, minimum, maximum, pattern }: Setting): string {
  if (values) return values.map((value) => code(String(value))).join(', ');
  const kind = { integer: 'whole number', number: 'number', boolean: 'true, false' }[type ?? ''] ?? 'text';
  if (minimum !== undefined && maximum !== undefined) return `${kind}, ${minimum} to ${maximum}`;
  return pattern === undefined ? kind : `${kind} like ${code(pattern.replaceAll('|', '\\|'))}`;
}

const code = (text: string): string => `\`${text}\``;

function shown(value: unknown): string {
  return value === undefined || value === '' ? '' : code(String(value));
}

function table(rows: string[][], head: string[]): string[] {
  const line = (cells: string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}
