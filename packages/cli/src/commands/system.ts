import { unwrap } from '@rigel/api-client';
import { command } from '../command/command.js';
import { EXIT } from '../command/exit.js';
import type { Invocation } from '../command/invocation.js';
import { plain } from '../output/screen.js';
import { localTime } from '../output/times.js';

async function get<Data>({ api }: Invocation, path: string, query: object = {}): Promise<Data> {
  return (await unwrap((api().GET as CallableFunction)(path, { params: { query } }))) as Data;
}

export const systemCommands = [
  command({
    name: 'system status',
    help: { en: 'Show the processes of the system, and how far each follows', zh: '显示系统各进程及其进度' },
    run: async (invocation) => {
      const { print } = invocation;
      const system = await get<{
        release: string;
        parts: Record<string, unknown>[];
        missing: { part: string; reason: string }[];
      }>(invocation, '/system');
      if (!print.isForPeople) print.one('system', system, []);
      else {
        print.line(`release ${plain(system.release)}`);
        print.rows('part', system.parts, [
          { field: 'part', title: 'part' },
          { field: 'state', title: 'state' },
          { field: 'since_at', title: 'since', text: ({ since_at }) => localTime(String(since_at)) },
        ]);
        for (const { part, reason } of system.missing)
          print.line(`${plain(part)} is missing: ${plain(reason)}`);
      }
      return system.missing.length === 0 ? EXIT.done : EXIT.notGood;
    },
  }),
  command({
    name: 'system executors',
    help: { en: 'List the executors', zh: '列出执行器' },
    run: async (invocation) => {
      const { executors } = await get<{ executors: Record<string, unknown>[] | null }>(invocation, '/system');
      invocation.print.rows('executor', executors ?? [], [
        { field: 'name', title: 'name' },
        { field: 'present', title: 'state', text: ({ present }) => (present ? 'present' : 'away') },
        { field: 'taken', title: 'taken', align: 'end', text: ({ taken, slots }) => `${taken}/${slots}` },
        {
          field: 'capabilities',
          title: 'can',
          text: ({ capabilities }) => (capabilities as string[]).join(' '),
        },
        { field: 'heard_at', title: 'heard of', text: ({ heard_at }) => localTime(String(heard_at)) },
      ]);
    },
  }),
  command({
    name: 'system verification',
    help: { en: 'Say whether the tables say what the events say', zh: '显示数据表与事件是否一致' },
    run: async (invocation) => {
      const found = await get<Record<string, unknown>>(invocation, '/verification');
      invocation.print.one('verification', found, Object.entries(found));
    },
  }),
  command({
    name: 'search',
    help: { en: 'Find objects by id, name, address or machine', zh: '按编号、名称、地址或机器查找' },
    args: [{ name: 'words', many: true }],
    run: async (invocation, words) => {
      const { rows } = await get<{ rows: Record<string, unknown>[] }>(invocation, '/search', {
        q: words.join(' '),
      });
      invocation.print.rows('found', rows, [
        { field: 'kind', title: 'kind' },
        { field: 'id', title: 'id', align: 'end' },
        { field: 'name', title: 'name' },
        { field: 'detail', title: 'detail' },
      ]);
      return rows.length > 0 ? EXIT.done : EXIT.notGood;
    },
  }),
];
