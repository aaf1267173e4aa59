import t from 'tap';
import { ansibleInventory } from './ansible-inventory.js';

t.equal(
  ansibleInventory([
    { ip: '10.0.0.7', pool_name: 'shop-pool' },
    { ip: '-', pool_name: 'shop-pool' },
    { ip: '10.0.0.8:2222', pool_name: 'shop-pool' },
    { ip: 'fe80::1', pool_name: '2nd' },
    { ip: '[fe80::2]:22', pool_name: '2nd' },
    { ip: 'db.example', pool_name: '2nd' },
  ]),
  `[shop_pool]
10.0.0.7
10.0.0.8_2222 ansible_host=10.0.0.8 ansible_port=2222

[_2nd]
fe80__1 ansible_host=fe80::1
fe80__2_22 ansible_host=fe80::2 ansible_port=22
db.example
`,
);
