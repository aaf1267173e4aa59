/** Values that would do harm where a value could become code, and the words that name them. */
export const EXAMPLES = {
  'values.quote': `'; rm -rf / #`,
  'values.substitution': '$(id) `id` $HOME',
  'values.lines': 'first\nsecond; reboot',
  'values.option': '-rf',
  'values.empty': '',
  'values.unicode': '中文 — \u202eabc',
  'values.long': 'x'.repeat(10 * 1024),
} as const;

export type Example = keyof typeof EXAMPLES;
