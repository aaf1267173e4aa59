import { words } from '../../text/words.js';

/** The words of signing in. */
export const signInWords = words(
  {
    title: 'Sign in',
    token: 'API token',
    'token.hint': 'It is exchanged for a session of 12 hours, and kept nowhere.',
    'token.missing': 'Enter a token first',
    refused: 'The token or code is not valid (any more).',
    tooMany: 'Too many failed attempts from this address. Try again in a minute.',
  },
  {
    title: '登录',
    token: 'API 令牌',
    'token.hint': '令牌用于换取 12 小时的会话，不会保存在任何地方。',
    'token.missing': '请先输入令牌',
    refused: '令牌或一次性代码无效或已失效。',
    tooMany: '此地址的失败次数过多，请一分钟后重试。',
  },
);
