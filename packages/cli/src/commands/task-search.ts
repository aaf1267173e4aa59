import { command } from '../command/command.js';
import { EXIT } from '../command/exit.js';
import type { Invocation } from '../command/invocation.js';
import { patiently } from '../follow/wait.js';
import { plain } from '../output/screen.js';
import { getData } from './change-things.js';
import { numberOf, taskId } from './task-id.js';

/** So many distinct lines are kept at most. */
const MOST_LINES = 10_000;
/** As many nodes of a line are named. */
const SOME = 5;

interface Place {
  nsid: number;
  ip: string;
  step: number;
  attempt: number;
  line: number;
}

interface Match {
  line: string;
  matches: number;
  nodes: number;
  on: Place[];
}

interface Found {
  rows: Match[];
  searched_nodes: number;
  nodes: number;
  next: string | null;
}

/** Each part of the answer: a part looks through as many nodes as the server can in two seconds. */
async function* search(invocation: Invocation, id: number, query: object): AsyncGenerator<Found> {
  let cursor: string | null = null;
  do {
    const found: Found = await patiently(invocation, invocation.io.now() + 60_000, () =>
      getData<Found>(invocation, '/task/{id}/output/search', {
        path: { id },
        query: { ...query, ...(cursor === null ? {} : { cursor }) },
      }),
    );
    yield found;
    cursor = found.next;
  } while (cursor !== null);
}

/** Adds the matches of one part to those of the parts before it. */
function gather(all: Map<string, Match>, rows: readonly Match[]): boolean {
  for (const row of rows) {
    const known = all.get(row.line);
    if (known) {
      known.matches += row.matches;
      known.nodes += row.nodes;
      if (known.on.length < SOME) known.on.push(...row.on.slice(0, SOME - known.on.length));
    } else if (all.size < MOST_LINES) all.set(row.line, { ...row, on: row.on.slice(0, SOME) });
    else return false;
  }
  return true;
}

/** Commands that look for text in what nodes printed. */
export const taskSearch = [
  command({
    name: 'task grep',
    help: {
      en: 'Find lines in what all nodes of a task printed',
      zh: '在任务全部节点的输出中查找行',
    },
    args: [...taskId, { name: 'pattern' }],
    flags: {
      group: {
        type: 'switch',
        help: { en: 'equal lines once, with the number of nodes', zh: '相同的行合并并统计节点数' },
      },
      regex: {
        type: 'switch',
        short: 'E',
        help: { en: 'the pattern is a regular expression', zh: '模式为正则表达式' },
      },
      case: {
        type: 'switch',
        help: { en: 'small and capital letters differ', zh: '区分大小写' },
      },
    },
    run: async (invocation, args, flags) => {
      const { print, note } = invocation;
      const query = { q: args[1], regex: flags.regex, ignore_case: !flags.case };
      const all = new Map<string, Match>();
      let isWhole = true;
      let matches = 0;
      let looked = 0;
      for await (const { rows, searched_nodes } of search(invocation, numberOf(args), query)) {
        looked += searched_nodes;
        for (const row of rows) matches += row.matches;
        if (flags.group) {
          isWhole = gather(all, rows) && isWhole;
          continue;
        }
        for (const { line, matches: count, on } of rows) {
          for (const { nsid, ip, step, attempt, line: at } of on)
            print.item(
              { run: nsid, ip, step, attempt, line: at, text: line },
              `${plain(ip)} ${step}.${attempt}:${at}  ${plain(line)}`,
            );
          if (count > on.length) note(`and ${count - on.length} times more the same line (--group counts)`);
        }
      }
      if (flags.group) {
        const rows = [...all.values()].sort((one, other) => other.nodes - one.nodes);
        print.rows('line', rows, [
          { field: 'nodes', title: 'nodes', align: 'end' },
          { field: 'matches', title: 'times', align: 'end' },
          { field: 'line', title: 'line' },
          {
            field: 'on',
            title: 'on',
            text: ({ on, nodes }) => {
              const ips = [...new Set(on.map(({ ip }) => ip))];
              return `${ips.slice(0, 3).join(' ')}${nodes > Math.min(3, ips.length) ? ' …' : ''}`;
            },
          },
        ]);
        if (!isWhole) note(`only the first ${MOST_LINES.toLocaleString('en')} distinct lines are shown`);
      }
      note(`${matches} matches in the output of ${looked} nodes`);
      return matches > 0 ? EXIT.done : EXIT.notGood;
    },
  }),
];
