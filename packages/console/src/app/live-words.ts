import { words } from '../text/words.js';

/** The words for how live a page is. */
export const liveWords = words(
  {
    'state.connecting': 'connecting',
    'what.connecting': 'The live connection is being made.',
    'state.live': 'live',
    'what.live': 'What is shown is what is. The number says how long ago the gateway was heard of last.',
    'state.catching_up': 'catching up',
    'what.catching_up': 'The connection is there, and what has changed meanwhile is on its way.',
    'state.reconnecting': 'reconnecting',
    'what.reconnecting':
      'The connection was lost. The number says how long ago the gateway was heard of last; until it is back, the page asks every 5 s.',
    'state.polling': 'polling',
    'what.polling': 'There is no live connection through here: the page asks every 5 s.',
    seconds: '{seconds} s',
  },
  {
    'state.connecting': '正在连接',
    'what.connecting': '正在建立实时连接。',
    'state.live': '实时',
    'what.live': '显示的就是当前状态。数字是最近一次收到网关消息至今的时间。',
    'state.catching_up': '正在追赶',
    'what.catching_up': '连接已建立，期间的变化正在传来。',
    'state.reconnecting': '正在重连',
    'what.reconnecting': '连接已断开。数字是最近一次收到网关消息至今的时间；恢复之前，页面每 5 秒读取一次。',
    'state.polling': '轮询',
    'what.polling': '此处无法建立实时连接：页面每 5 秒读取一次。',
    seconds: '{seconds} 秒',
  },
);
