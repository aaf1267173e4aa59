import type { operations, ScheduleStanding } from '@rigel/api-client';

/*
 * A scheduled task while a person edits it: fields may be empty. Each item has a key of its own, so that it keeps its place
 * and focus when others come and go.
 */

export interface DraftItem {
  key: number;
  week_day: number;
  time: string;
  instance_num: number | undefined;
  concurr_ratio: number | undefined;
  concurr_num: number | undefined;
  ignore: boolean;
}

export interface DraftDepend {
  key: number;
  pool_id: number;
  step_name: string;
  ratio: string;
  elastic_count: number | undefined;
  ignore: boolean;
}

export interface Draft {
  /** 0: none is chosen. */
  pool: number;
  type: 'expand' | 'upload';
  exec: 'crontab' | 'depend';
  zone: string;
  items: DraftItem[];
  depends: DraftDepend[];
}

let lastKey = 0;
const nextKey = (): number => ++lastKey;

export function newItem(): DraftItem {
  return {
    key: nextKey(),
    week_day: 0,
    time: '',
    instance_num: undefined,
    concurr_ratio: 100,
    concurr_num: 0,
    ignore: false,
  };
}

/** What is saved, as a draft; a new one has an item to fill in. */
export function draftOf(schedule: ScheduleStanding | undefined): Draft {
  if (!schedule) {
    return { pool: 0, type: 'expand', exec: 'crontab', zone: '', items: [newItem()], depends: [] };
  }
  const { pool_id, type, exec_type, time_zone, cron_items, depend_items } = schedule;
  return {
    pool: pool_id,
    type,
    exec: exec_type,
    zone: time_zone,
    items: cron_items.map(({ id: _, ...item }) => ({ key: nextKey(), ...item })),
    depends: depend_items.map(({ id: _, ratio, ...item }) => ({
      key: nextKey(),
      ...item,
      ratio: String(ratio),
    })),
  };
}

type SaveBody = NonNullable<
  operations['task.save_task_preview']['requestBody']
>['content']['application/json'];

/** The request that saves a draft; undefined as long as a field is empty. The API checks everything else. */
export function requestOf(draft: Draft, id: number): SaveBody | undefined {
  const { pool, type, exec, zone, items, depends } = draft;
  const timed = exec === 'crontab' ? items : [];
  if (pool === 0) return undefined;
  const cron_itmes = timed.map(({ key: _, ...item }) => item);
  const isWhole = cron_itmes.every(
    ({ time, instance_num, concurr_ratio, concurr_num }) =>
      time.trim() !== '' &&
      (type === 'expand'
        ? instance_num !== undefined
        : concurr_ratio !== undefined && concurr_num !== undefined),
  );
  const followers = depends.map(({ key: _, ratio, ...item }) => ({ ...item, ratio: Number(ratio) }));
  const areWhole = followers.every(
    ({ pool_id, step_name, ratio, elastic_count }) =>
      pool_id !== 0 && step_name.trim() !== '' && !Number.isNaN(ratio) && elastic_count !== undefined,
  );
  if (!isWhole || !areWhole) return undefined;
  return {
    id,
    pool_id: pool,
    type,
    exec_type: exec,
    time_zone: zone.trim(),
    cron_itmes: cron_itmes.map((item) => ({
      ...item,
      instance_num: item.instance_num ?? 0,
      concurr_ratio: item.concurr_ratio ?? 100,
      concurr_num: item.concurr_num ?? 0,
    })),
    depend_itmes: followers.map((item) => ({ ...item, elastic_count: item.elastic_count ?? 0 })),
  };
}
