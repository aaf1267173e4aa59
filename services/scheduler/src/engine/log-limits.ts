/** Log lines that executors can cause at will: their names and the numbers of tasks can be made up. */
export const ABOUT_EXECUTORS = { lines: 20, everyMs: 60_000 };
