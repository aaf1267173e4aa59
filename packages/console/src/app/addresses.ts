/** Every page's address below the console's, as the router knows it. Links are made by `to`, never by hand. */
export const patterns = {
  overview: '/',
  signIn: '/signin',
  tasks: '/tasks',
  newTask: '/tasks/new',
  task: '/task/:id',
  fleet: '/fleet',
  pool: '/pool/:id',
  nodes: '/nodes',
  node: '/node/:id',
  schedules: '/schedules',
  catalog: '/catalog',
  template: '/catalog/template/:id',
  action: '/catalog/action/:id',
  machines: '/machines',
  audit: '/audit',
  access: '/access',
  system: '/system',
  settings: '/settings',
  help: '/help',
} as const;

export type PageName = keyof typeof patterns;

type Query = Readonly<Record<string, string | number | undefined>>;

/** An address with a query; undefined values are left out. */
function withQuery(address: string, query: Query): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  const text = new URLSearchParams(pairs.map(([name, value]) => [name, String(value)])).toString();
  return text === '' ? address : `${address}?${text}`;
}

export const to = {
  overview: (): string => patterns.overview,
  signIn: (): string => patterns.signIn,
  tasks: (query: Query = {}): string => withQuery(patterns.tasks, query),
  newTask: (query: Query = {}): string => withQuery(patterns.newTask, query),
  task: (id: number, query: Query = {}): string => withQuery(`/task/${id}`, query),
  fleet: (query: Query = {}): string => withQuery(patterns.fleet, query),
  pool: (id: number, query: Query = {}): string => withQuery(`/pool/${id}`, query),
  nodes: (query: Query = {}): string => withQuery(patterns.nodes, query),
  node: (id: number, query: Query = {}): string => withQuery(`/node/${id}`, query),
  schedules: (query: Query = {}): string => withQuery(patterns.schedules, query),
  catalog: (query: Query = {}): string => withQuery(patterns.catalog, query),
  template: (id: number, query: Query = {}): string => withQuery(`/catalog/template/${id}`, query),
  action: (id: number, query: Query = {}): string => withQuery(`/catalog/action/${id}`, query),
  machines: (): string => patterns.machines,
  audit: (query: Query = {}): string => withQuery(patterns.audit, query),
  access: (): string => patterns.access,
  system: (): string => patterns.system,
  settings: (): string => patterns.settings,
  help: (): string => patterns.help,
};
