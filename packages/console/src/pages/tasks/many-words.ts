import { words } from '../../text/words.js';

/** Words of what is done with several tasks at once. */
export const manyWords = words(
  {
    selected: '{count, plural, one {# task selected} other {# tasks selected}}',
    clear: 'Clear selection',
    compare: 'Compare',
    'open.pause': 'Pause…',
    'open.start': 'Start…',
    'open.stop': 'Stop…',
    'title.pause': 'Pause {count, plural, one {# task} other {# tasks}}?',
    'title.start': 'Start {count, plural, one {# task} other {# tasks}}?',
    'title.stop': 'Stop {count, plural, one {# task} other {# tasks}} for good?',
    'action.pause':
      'Pause {tasks, plural, one {# task} other {# tasks}} with {count, plural, one {# running node} other {# running nodes}}',
    'action.start':
      'Start {count, plural, one {# node} other {# nodes}} of {tasks, plural, one {# task} other {# tasks}}',
    'action.stop':
      'Stop {count, plural, one {# running node} other {# running nodes}} of {tasks, plural, one {# task} other {# tasks}}',
    'line.pause':
      '{count, plural, one {# node finishes its step} other {# nodes finish their steps}}, {waiting} wait',
    'line.start':
      '{count, plural, one {# node goes} other {# nodes go}} on; of the task {failed} failed, {waiting} wait or were halted',
    'line.stop':
      '{count, plural, one {the command of # node is} other {the commands of # nodes are}} ended, {waiting} do not begin',
    'done.pause': 'paused',
    'done.start': 'started',
    'done.stop': 'stopped',
    'not.running': 'it does not run',
    'not.open': 'it is over',
    'not.startable': 'it runs already, or has nothing left to do',
    nothing: 'There is nothing to do for any of these tasks.',
    reading: 'is being read…',
    plan: 'What will happen',
    final: 'A stopped task cannot be started again.',
    result: 'Done for {done, number} of {count, number} tasks.',
    close: 'Close',
  },
  {
    selected: '已选择 {count} 个任务',
    clear: '清除选择',
    compare: '对比',
    'open.pause': '暂停…',
    'open.start': '开始…',
    'open.stop': '终止…',
    'title.pause': '暂停 {count} 个任务？',
    'title.start': '开始 {count} 个任务？',
    'title.stop': '彻底终止 {count} 个任务？',
    'action.pause': '暂停 {tasks} 个任务（{count, number} 个运行中的节点）',
    'action.start': '开始 {tasks} 个任务的 {count, number} 个节点',
    'action.stop': '终止 {tasks} 个任务的 {count, number} 个运行中的节点',
    'line.pause': '{count} 个节点完成当前步骤，{waiting} 个等待',
    'line.start': '{count} 个节点继续；任务中失败 {failed} 个，等待或被暂停 {waiting} 个',
    'line.stop': '结束 {count} 个节点的命令，{waiting} 个不再开始',
    'done.pause': '已暂停',
    'done.start': '已开始',
    'done.stop': '已终止',
    'not.running': '没有在运行',
    'not.open': '已经结束',
    'not.startable': '正在运行，或没有剩余的工作',
    nothing: '对这些任务没有可做的操作。',
    reading: '正在读取…',
    plan: '将会发生什么',
    final: '任务终止后不能再次开始。',
    result: '{count, number} 个任务中已完成 {done, number} 个。',
    close: '关闭',
  },
);
