import type { common } from '../text/common.js';
import type { KeyOf } from '../text/words.js';
import type { PageName } from './addresses.js';

/** Pages with a place in the rail, in its order, and the words for them. */
export const RAIL: readonly { name: PageName; key: KeyOf<typeof common> }[] = [
  { name: 'overview', key: 'page.overview' },
  { name: 'tasks', key: 'page.tasks' },
  { name: 'fleet', key: 'page.fleet' },
  { name: 'schedules', key: 'page.schedules' },
  { name: 'catalog', key: 'page.catalog' },
  { name: 'machines', key: 'page.machines' },
  { name: 'audit', key: 'page.audit' },
  { name: 'access', key: 'page.access' },
  { name: 'system', key: 'page.system' },
  { name: 'settings', key: 'page.settings' },
  { name: 'help', key: 'page.help' },
];

/** The letter after `g` that leads to a page. */
export const PAGE_KEYS: Readonly<Record<string, PageName>> = {
  o: 'overview',
  t: 'tasks',
  f: 'fleet',
  s: 'schedules',
  c: 'catalog',
  m: 'machines',
  a: 'audit',
};
