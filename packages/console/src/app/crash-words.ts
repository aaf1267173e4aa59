import { words } from '../text/words.js';

/** The words for a failure of the console itself. */
export const crashWords = words(
  {
    title: 'The console has failed',
    what: 'Nothing was sent anywhere. Reload the page, and report the text below if it happens again.',
    copy: 'Copy the report',
  },
  {
    title: '控制台出错',
    what: '没有向任何地方发送信息。请重新加载页面；如果再次发生，请报告下面的内容。',
    copy: '复制报告',
  },
);
