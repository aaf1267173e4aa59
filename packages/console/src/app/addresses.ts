/** Every page's address below the console's, as the router knows it. Links are made by these functions, never by hand. */
export const patterns = {
  overview: '/',
  tasks: '/tasks',
  task: '/task/:id',
  settings: '/settings',
} as const;

export const to = {
  overview: (): string => '/',
  tasks: (): string => '/tasks',
  task: (id: number): string => `/task/${id}`,
  settings: (): string => '/settings',
};
