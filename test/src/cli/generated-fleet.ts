import { stringify } from 'yaml';

/*
 * A fleet of any size as documents, always the same for a seed: with names in several scripts, texts that look like
 * numbers, scripts of all forms, and references across the kinds.
 */

/** Texts that a careless reader or writer of YAML changes. */
const TRICKY = [
  'plain',
  'yes',
  'null',
  '08:00',
  '1e3',
  '0x10',
  '~',
  '- dash',
  'a: b',
  '# no comment',
  "it's",
  '"quoted"',
  ' with blanks ',
  '多字节',
  'tab\there',
  'line\nbreak',
  '{{tag}}',
  '',
];

/** Numbers that follow from a seed (mulberry32). */
function numbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const SCRIPTS = [
  'echo {{tag}}\n',
  '#!/bin/sh\nset -eu\n\n  echo "{{tag}}"\n\necho done\n',
  '  first line is indented\necho b\necho c\necho d\n',
  'echo no line end\necho at the end\necho of it\necho {{tag}}',
  'a\n\n\n\n',
  '#!/bin/bash\nfor i in 1 2 3; do\n\techo "$i"  \ndone\n# 注释\nexit 0\n\n',
];

/**
 * Documents of about so many things.
 * @param prefix of all names.
 * @returns YAML of all of them.
 */
export function generatedFleet(things: number, seed = 1, prefix = ''): string {
  const next = numbers(seed);
  const pick = <T>(from: readonly T[]): T => from[next(from.length)] as T;
  const documents: object[] = [];
  const add = (kind: string, fields: object) => documents.push({ rigel: 'v1', kind, ...fields });
  const each = Math.max(2, Math.floor(things / 8));
  const names = (kind: string, count: number) =>
    Array.from(
      { length: count },
      (_, at) => `${prefix}${kind}-${at}${pick(['', ' é', '/x', '.sh', ' "q"', '池', '#'])}`,
    );
  const actions = names('act', each);
  const steps = names('step', each);
  const templates = names('tpl', each);
  const clusters = names('cl', Math.max(1, Math.floor(each / 4)));
  const services = names('svc', Math.max(1, Math.floor(each / 2)));
  const pools = names('pool', each * 2);
  const desc = () => (next(2) === 0 ? {} : { desc: pick(TRICKY) });
  for (const name of actions)
    add('Action', {
      name,
      ...desc(),
      params: { tag: 'string', ...(next(2) === 0 ? { port: 'integer', 'odd name': 'string' } : {}) },
      ...(next(3) === 0 ? { shell: `docker run -p {{port}}:80 "r/{{tag}}"` } : { script: pick(SCRIPTS) }),
    });
  for (const name of steps)
    add('Step', { name, ...desc(), actions: Array.from({ length: 1 + next(3) }, () => pick(actions)) });
  for (const [at, name] of templates.entries())
    add('Template', {
      name,
      ...desc(),
      steps: [
        'unregister',
        ...(at % 2 === 0 ? ['create_vm'] : []),
        steps[0],
        {
          step: pick(steps),
          params: { tag: pick(TRICKY), n: next(100), deep: { b: [1, null, true, pick(TRICKY)], a: {} } },
          retries: next(4),
          ...(next(2) === 0 ? { ignore_error: true, timeout: 60 + next(100) } : {}),
          ...(next(3) === 0 ? { reboot: true, ready_wait: 30 } : {}),
          ...(next(3) === 0 ? { allowed_secrets: { tag: ['b-key', 'a-key'] } } : {}),
        },
      ],
    });
  for (const name of clusters) add('Cluster', { name, ...desc(), biz: pick(['', '1', '007']) });
  for (const name of services)
    add('Service', {
      name,
      ...desc(),
      cluster: pick(clusters),
      type: pick(['Java', 'no']),
      image: pick(['-', 'shop:8']),
    });
  for (const [at, name] of pools.entries())
    add('Pool', {
      name,
      ...desc(),
      service: pick(services),
      vm_type: next(3),
      sd: next(3),
      templates: { expand: templates[0], ...(next(2) === 0 ? { deploy: pick(templates) } : {}) },
      ...(next(4) === 0 ? { protected: true } : {}),
      ...(next(3) === 0 ? { labels: { zone: 'a', 'example.org/role': '' } } : {}),
      ...(next(2) === 0
        ? {
            nodes: Array.from({ length: 1 + next(4) }, (_, n) => {
              const address = `10.${Math.floor(at / 250)}.${at % 250}.${n + 1}${pick(['', ':2222'])}`;
              return pick([address, { address, labels: { zone: pick(['a', 'b', null]), canary: 'yes' } }]);
            }),
          }
        : {}),
    });
  for (const [at, pool] of pools.entries()) {
    if (at % 4 !== 0) continue;
    // Its items never fire: the fleet of a test stays as it is.
    add('Schedule', {
      pool,
      type: 'expand',
      ...(next(2) === 0 ? { time_zone: 'Europe/Berlin' } : {}),
      items: [
        { at: '08:00', nodes: next(20), ignore: true },
        { at: '20:00:30', day: 'friday', nodes: 2, ignore: true },
      ],
      ...(at + 1 < pools.length && next(2) === 0
        ? { takes_along: [{ pool: pools[at + 1], ratio: 0.5, spare: next(3), after_step: steps[0] }] }
        : {}),
    });
  }
  return documents.map((document) => stringify(document, { aliasDuplicateObjects: false })).join('---\n');
}
