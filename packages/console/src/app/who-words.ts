import { words } from '../text/words.js';

/** Words about the person in front of the console. */
export const whoWords = words(
  {
    who: 'Who you are',
    over: 'You are signed out',
    'over.what': 'The session has ended. The page stays as it is; sign in to go on.',
    later: 'Later',
    title: 'You',
    name: 'Name',
    role: 'Role',
    expires: 'Signed in until',
    signOut: 'Sign out',
    close: 'Close',
    nameless: 'without a name',
    'off.short': 'access off',
    off: 'Access is off: everybody who reaches this address may run commands.',
    'name.hint': 'Recorded as the operator of what you do. It is kept in this browser.',
    'name.wrong': '1 to 50 ASCII letters, digits and signs; no credentials.',
  },
  {
    who: '当前用户',
    over: '您已退出登录',
    'over.what': '会话已结束。页面保持不变；请登录后继续。',
    later: '稍后',
    title: '当前用户',
    name: '名称',
    role: '角色',
    expires: '会话有效期至',
    signOut: '退出登录',
    close: '关闭',
    nameless: '未命名',
    'off.short': '无访问控制',
    off: '访问控制已关闭：能访问此地址的任何人都可以执行命令。',
    'name.hint': '作为操作人记录在您的操作中。保存在此浏览器中。',
    'name.wrong': '1 到 50 个 ASCII 字母、数字或符号；不能是凭据。',
  },
);
