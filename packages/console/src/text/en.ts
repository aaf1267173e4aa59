/**
 * All words of the console, in ICU message format. A key says where its text stands. Other languages have the same keys
 * (the compiler demands it), and a test refuses a key that nothing uses.
 */
export const en = {
  'frame.skip': 'Skip to the content',
  'frame.pages': 'Pages',
  'frame.menu': 'Menu',
  'frame.accessOff': 'Access is off: everybody who reaches this address can run commands.',
  'frame.newVersion': 'A newer version of the console is there.',
  'frame.reload': 'Reload',
  'page.overview': 'Overview',
  'page.tasks': 'Tasks',
  'page.fleet': 'Fleet',
  'page.schedules': 'Schedules',
  'page.catalog': 'Catalog',
  'page.machines': 'Machines',
  'page.audit': 'Audit',
  'page.system': 'System',
  'page.settings': 'Settings',
  'page.help': 'Help',
  'page.missing': 'There is no such page',
  'page.missing.what': 'The address {address} leads nowhere.',

  'state.initial': 'waiting',
  'state.running': 'running',
  'state.success': 'succeeded',
  'state.failed': 'failed',
  'state.stopped': 'stopped',

  'region.loading': 'Loading {what}',
  'region.failed': '{what} could not be read',
  'region.correlation': 'correlation id',
  'region.retry': 'Try again',
  'region.copy': 'Copy',
  'region.copied': 'Copied',
  'region.details': 'Details',
  'region.stale': 'As of {time}. Reading again failed: {reason}',
  'region.forbidden': 'This needs the role {role}; you are {mine}.',

  'crash.title': 'The console has failed',
  'crash.what': 'Nothing was sent anywhere. Reload the page, and report the text below if it happens again.',
  'crash.copy': 'Copy the report',

  'settings.theme': 'Theme',
  'settings.theme.system': 'As the system',
  'settings.theme.light': 'Light',
  'settings.theme.dark': 'Dark',
  'settings.theme.contrast': 'High contrast',
  'settings.density': 'Density',
  'settings.density.dense': 'Dense',
  'settings.density.comfortable': 'Comfortable',
  'settings.zone': 'Time zone',
  'settings.zone.mine': 'Mine ({zone})',
  'settings.zone.utc': 'UTC',
  'settings.language': 'Language',
  'settings.language.system': 'As the browser',
  'settings.keys': 'Single-letter keys',
  'settings.keys.what':
    'Keys like j, k and / act without a modifier. Keys never stop, delete or run anything.',
  'settings.kept': 'These settings are kept in this browser.',
} as const;

export type TextKey = keyof typeof en;
export type Catalogue = Readonly<Record<TextKey, string>>;
