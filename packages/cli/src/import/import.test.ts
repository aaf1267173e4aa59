import t from 'tap';
import type { Node } from '../files/documents.js';
import { hostsOf } from './inventory.js';
import { poolsOf } from './pools.js';
import { readInventory } from './read-inventory.js';
import { poolOfSshConfig } from './ssh-config.js';

/* Pools from inventories of Ansible and from configurations of ssh, and what cannot be said is said. */

const pools = (text: string, ...wanted: string[]) => {
  const { pools, notes } = poolsOf(readInventory(text, 'inventory'), wanted);
  const addresses = (nodes: readonly Node[]) => nodes.map(({ address }) => address);
  const labels = [...pools.values()]
    .flat()
    .flatMap(({ address, labels }) => (labels ? [[address, Object.keys(labels)]] : []));
  return {
    pools: Object.fromEntries([...pools].map(([name, nodes]) => [name, addresses(nodes)])),
    labels: Object.fromEntries(labels),
    notes,
  };
};

const INI = `
; one of every form
bastion ansible_host=192.0.2.1 # the way in

[web]
web[01:03].example.org ansible_port=2222
10.0.0.9:2200  http_port=80 note="a b"
[2001:db8::1]

[db]
db-[a:b]
localhost ansible_connection=local
10.0.0.9

[db:vars]
ansible_port = 2022

[prod:children]
web
db

[prod:vars]
ansible_user = deploy
ansible_password=hidden-value
`;

t.test('an inventory in INI form', async (t) => {
  const read = pools(INI.replace('[2001:db8::1]\n', ''));
  t.strictSame(read.pools, {
    ungrouped: ['192.0.2.1'],
    web: ['web01.example.org:2222', 'web02.example.org:2222', 'web03.example.org:2222', '10.0.0.9:2200'],
    db: ['db-a:2022', 'db-b:2022'],
  });
  const notes = read.notes.join('\n');
  t.match(notes, /localhost is this machine \(ansible_connection=local\): it is left out/);
  t.strictSame(read.labels['10.0.0.9:2200'], ['group/db', 'group/prod']);
  t.strictSame(read.labels['db-a:2022'], ['group/prod']);
  t.equal(read.labels['192.0.2.1'], undefined);
  t.match(notes, /the variable http_port of 1 hosts or groups is left out$/m);
  t.match(notes, /the variable ansible_password of 1 .*docs\/ssh.md/);
  t.notMatch(notes, 'hidden-value', 'a value may be a password');
  t.strictSame(Object.keys(pools(INI.replace('[2001:db8::1]\n', ''), 'prod').pools).sort(), [
    'prod',
    'ungrouped',
  ]);
  t.match(pools('[a]\nx\n', 'b').notes, ['there is no group b']);
});

t.test('an inventory in YAML form, and as it is listed', async (t) => {
  const yaml = `
# the fleet
all:
  hosts:
    mail.example.org:
  vars: { ansible_port: 2022 }
  children:
    web:
      hosts:
        "w[1:2].example.org": { ansible_port: 22 }
        w9: { ansible_host: "2001:db8::9" }
    prod: { children: { web: {} } }
`;
  t.strictSame(pools(yaml).pools, {
    ungrouped: ['mail.example.org:2022'],
    web: ['w1.example.org', 'w2.example.org', '[2001:db8::9]:2022'],
  });
  const list = JSON.stringify({
    _meta: { hostvars: { a: { ansible_host: '10.0.0.1', tags: { x: 1 } } } },
    all: { children: ['web', 'ungrouped'] },
    web: { hosts: ['a', 'b.example.org', 'not a host'] },
    old: ['c.example.org'],
  });
  const read = pools(list);
  t.strictSame(read.pools, { web: ['10.0.0.1', 'b.example.org'], old: ['c.example.org'] });
  t.match(read.notes.join('\n'), /the address of not a host is none of a node: it is left out/);
});

t.test('what cannot be read', async (t) => {
  t.strictSame(hostsOf('a[1:10:3]-[b:c]'), [
    'a1-b',
    'a1-c',
    'a4-b',
    'a4-c',
    'a7-b',
    'a7-c',
    'a10-b',
    'a10-c',
  ]);
  t.strictSame(hostsOf('n[098:101]'), ['n098', 'n099', 'n100', 'n101']);
  for (const [text, message] of [
    ['[web]\na[1:99999]\n', /more than 10000 hosts/],
    ['[web]\na[1:b]\n', /from a number to a number/],
    ['[web:other]\na\n', /line 1: \[web:other\] is no section/],
    ['[web]\na b\n', /line 2: "b" is no name=value/],
    ['{"web": ', /cannot be read as an inventory/],
    ['all:\n  hosts: &a {x: }\nb: *a\n', /cannot be read as an inventory/],
  ] as const)
    t.throws(() => readInventory(text, 'inventory'), message, text);
});

t.test('a configuration of ssh', async (t) => {
  const { pools, notes } = poolOfSshConfig(
    `
Port 2200
Host web-* !web-9
  User deploy
  port=2222
Host web-1 "web-2" web-9
  HostName %h.example.org
  HostName ignored
Host db
  HostName 10.0.0.5
  Port 22
Host same
  HostName 10.0.0.5
Include other
Match host db
  HostName wrong
Host *
  IdentityFile ~/.ssh/id
`,
    'lab',
  );
  t.strictSame(
    Object.fromEntries([...pools].map(([name, nodes]) => [name, nodes.map(({ address }) => address)])),
    {
      lab: ['web-1.example.org:2200', 'web-2.example.org:2200', 'web-9.example.org:2200', '10.0.0.5:2200'],
    },
  );
  const said = notes.join('\n');
  t.match(said, /Include other is not followed/);
  t.match(said, /Match host db is left out/);
  t.match(said, /same has the address of db \(10.0.0.5:2200\): it is left out/);
  t.match(said, /the option user of 2 hosts is left out.*docs\/ssh.md/);
});
