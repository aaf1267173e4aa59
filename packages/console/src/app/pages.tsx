import type { ComponentType } from 'react';
import { OverviewPage } from '../pages/overview/overview-page.js';
import { TasksPage } from '../pages/tasks/tasks-page.js';
import type { PageName } from './addresses.js';
import { later } from './later.js';

/** The pages with an address of their own: signing in stands before all of them. */
export type RoutedPage = Exclude<PageName, 'signIn'>;

/** The pages. The entry has those that are opened first; the others are loaded when they are opened. */
export const PAGES: { readonly [Name in RoutedPage]: ComponentType } = {
  overview: OverviewPage,
  tasks: TasksPage,
  catalog: later(async () => (await import('../pages/catalog/catalog-page.js')).CatalogPage),
  action: later(async () => (await import('../pages/catalog/action/action-page.js')).ActionPage),
  template: later(async () => (await import('../pages/catalog/template/template-page.js')).TemplatePage),
  newTask: later(async () => (await import('../pages/new-task/new-task-page.js')).NewTaskPage),
  task: later(async () => (await import('../pages/task/task-page.js')).TaskPage),
  system: later(async () => (await import('../pages/system/system-page.js')).SystemPage),
  fleet: later(async () => (await import('../pages/fleet/fleet-page.js')).FleetPage),
  pool: later(async () => (await import('../pages/pool/pool-page.js')).PoolPage),
  nodes: later(async () => (await import('../pages/nodes/nodes-page.js')).NodesPage),
  node: later(async () => (await import('../pages/node/node-page.js')).NodePage),
  schedules: later(async () => (await import('../pages/schedules/schedules-page.js')).SchedulesPage),
  machines: later(async () => (await import('../pages/machines/machines-page.js')).MachinesPage),
  audit: later(async () => (await import('../pages/audit/audit-page.js')).AuditPage),
  access: later(async () => (await import('../pages/access/access-page.js')).AccessPage),
  settings: later(async () => (await import('../pages/settings/settings-page.js')).SettingsPage),
  help: later(async () => (await import('../pages/help/help-page.js')).HelpPage),
};
