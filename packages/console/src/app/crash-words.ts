import { words } from '../text/words.js';

/** The words for a failure of the console itself, and for a page whose files do not come. */
export const crashWords = words(
  {
    title: 'The console has failed',
    what: 'Nothing was sent anywhere. Reload the page, and report the text below if it happens again.',
    copy: 'Copy the report',
    notLoaded: 'This page could not be loaded',
    'notLoaded.unknown': 'One of its files did not come.',
    'notLoaded.away': 'The gateway does not answer. The page is loaded as soon as it does.',
    'notLoaded.replaced':
      'The gateway has another release now, and the files of this page belong to the one before.',
    'notLoaded.other': 'The gateway answers, but one of the files of this page did not come.',
    replaced: 'There is a new version of the console',
    reload: 'New version: reload',
    again: 'Try again',
  },
  {
    title: '控制台出错',
    what: '没有向任何地方发送信息。请重新加载页面；如果再次发生，请报告下面的内容。',
    copy: '复制报告',
    notLoaded: '无法加载此页面',
    'notLoaded.unknown': '页面的一个文件没有收到。',
    'notLoaded.away': '网关没有响应。网关恢复后会自动加载此页面。',
    'notLoaded.replaced': '网关已更换版本，此页面的文件属于之前的版本。',
    'notLoaded.other': '网关有响应，但没有收到此页面的一个文件。',
    replaced: '控制台有新版本',
    reload: '新版本：重新加载',
    again: '重试',
  },
);
