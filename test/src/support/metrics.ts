import { readFileSync } from 'node:fs';

/** One metric of a scrape, as Prometheus's text format has it. */
export interface MetricFamily {
  name: string;
  help: string;
  type: string;
  /** Names of labels, each once. */
  labels: string[];
  samples: number;
  values: number[];
}

/** Reads Prometheus's text format. @throws Error when a line belongs to no metric that was announced. */
export function familiesOf(text: string): MetricFamily[] {
  const families: MetricFamily[] = [];
  for (const line of text.split('\n')) {
    const help = /^# HELP (\S+) (.*)$/.exec(line);
    const type = /^# TYPE (\S+) (\S+)$/.exec(line);
    const sample = /^([a-zA-Z_:][\w:]*)(\{.*\})? (\S+)$/.exec(line);
    const last = families.at(-1);
    if (help) {
      families.push({
        name: help[1] ?? '',
        help: help[2] ?? '',
        type: '',
        labels: [],
        samples: 0,
        values: [],
      });
    } else if (type) {
      if (!last || last.name !== type[1]) throw new Error(`${type[1]} has a type and no help`);
      last.type = type[2] ?? '';
    } else if (sample) {
      const name = (sample[1] ?? '').replace(/_(bucket|sum|count)$/, '');
      if (!last || (last.name !== sample[1] && last.name !== name))
        throw new Error(`nothing announces: ${line}`);
      last.samples++;
      last.values.push(Number(sample[3]));
      for (const [, label = ''] of (sample[2] ?? '').matchAll(/[{,](\w+)="/g))
        if (!last.labels.includes(label)) last.labels.push(label);
    } else if (line !== '') throw new Error(`this is no line of the format: ${line}`);
  }
  return families;
}

const FOLDER = new URL('../../../deploy/monitoring/', import.meta.url);
const METRIC = /\b(?:rigel|nodejs|process)_[a-z0-9_]+/g;

/** Metrics that the dashboard and the alert rules use. */
export function documentedFamilies(): string[] {
  const dashboard = JSON.parse(readFileSync(new URL('dashboard.json', FOLDER), 'utf8')) as {
    panels: { targets?: { expr: string }[] }[];
  };
  const queries = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
  const rules = readFileSync(new URL('alerts.yaml', FOLDER), 'utf8').match(/^ +expr: .*$/gm) ?? [];
  const names = [...queries, ...rules].flatMap((text) => text.match(METRIC) ?? []);
  return [...new Set(names.map((name) => name.replace(/_(bucket|sum|count)$/, '')))];
}
