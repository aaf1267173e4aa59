import { words } from '../text/words.js';

/** The words of the last verification in the frame. */
export const verifiedWords = words(
  {
    verified: 'Verified to event {events}, {age} ago',
    verifies: 'Verifying',
    never: 'Not verified yet',
    differs: '{count, plural, one {# difference} other {# differences}} between tables and events',
  },
  {
    verified: '已校验至事件 {events}，{age} 前',
    verifies: '正在校验',
    never: '尚未校验',
    differs: '表与事件有{count, plural, other { # 处不一致}}',
  },
);
