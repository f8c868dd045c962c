import assert from 'node:assert/strict';
import { test } from 'node:test';
import { found } from './test-kit.ts';

/** Text, and what in it is an address. */
const addresses: [string, ...string[]][] = [
  ['Write to bob@example.com.', 'bob@example.com'],
  ['bob@example.com', 'bob@example.com'],
  [
    'bob@example.com, alice@example.org; carol@example.net',
    'bob@example.com',
    'alice@example.org',
    'carol@example.net',
  ],
  ['<bob@example.com>', 'bob@example.com'],
  ['(bob@example.com)', 'bob@example.com'],
  ['"bob@example.com"', 'bob@example.com'],
  ["'bob@example.com'", 'bob@example.com'],
  ['`bob@example.com`', 'bob@example.com'],
  ['**bob@example.com**', 'bob@example.com'],
  ['[bob@example.com](mailto:bob@example.com)', 'bob@example.com', 'bob@example.com'],
  ['{"email":"bob@example.com"}', 'bob@example.com'],
  ['mailto:bob@example.com?subject=hi', 'bob@example.com'],
  ['https://x.test/?email=bob@example.com&a=b', 'bob@example.com'],
  ['https://bob:secret@example.com/path', 'secret@example.com'],
  ['bob+newsletter@example.com', 'bob+newsletter@example.com'],
  ['first.last@sub.domain.example.co.uk', 'first.last@sub.domain.example.co.uk'],
  ["o'brien@example.ie", "o'brien@example.ie"],
  ['b_o-b%x@example-site.com', 'b_o-b%x@example-site.com'],
  ['BOB@EXAMPLE.COM', 'BOB@EXAMPLE.COM'],
  ['1234567890@example.com', '1234567890@example.com'],
  ['a..b.@example.jp', 'a..b.@example.jp'],
  ['"john doe"@example.com', '"john doe"@example.com'],
  ['"a@b"@example.com', '"a@b"@example.com'],
  ['bob@[192.0.2.1]', 'bob@[192.0.2.1]'],
  ['bob@[IPv6:2001:db8::1]', 'bob@[IPv6:2001:db8::1]'],
  ['bob@163.com', 'bob@163.com'],
  ['bob@xn--mller-kva.de', 'bob@xn--mller-kva.de'],
  ['bob@example.xn--p1ai', 'bob@example.xn--p1ai'],
  ['jörg@müller.de', 'jörg@müller.de'],
  ['иван.петров1@пример.рф', 'иван.петров1@пример.рф'],
  ['用户@例子.广告', '用户@例子.广告'],
  ['请联系bob@example.com谢谢', 'bob@example.com'],
  ['อีเมลbob@example.comครับ', 'bob@example.com'],
  ['bounce+bob=example.com@lists.example.org', 'bounce+bob=example.com@lists.example.org'],
  ['SRS0=hash=tt=example.com=bob@forward.example', 'SRS0=hash=tt=example.com=bob@forward.example'],
  ['name=bob@example.com', 'bob@example.com'],
  ['see bob@example.com/folder', 'bob@example.com'],
  ['bob@example.com.2', 'bob@example.com'],
  ['bob@example.com-', 'bob@example.com'],
  ['@bob@mastodon.example', 'bob@mastodon.example'],
  ['a@b@example.com', 'b@example.com'],
  ['x\nbob@example.com\ny', 'bob@example.com'],
  ['bob@example.com\u200b', 'bob@example.com'],
];

const others = [
  '@bob',
  'bob@',
  'a @ b.com',
  'bob@localhost',
  'root@web1 ~ %',
  '@app.route("/")',
  'npm i lodash@4.17.21',
  'react@18.2.0-beta.1',
  'lodash@4.17.21.tgz',
  'icon@2x.png',
  'git clone git@github.com:owner/name.git',
  'ssh://git@github.com/owner/name',
  'price @ $3.50',
  'user@.com',
  'user@-example',
  'x = a@b',
  '"unfinished@',
  '"" @example.com',
  `${'a'.repeat(300)}@example.com`,
];

test('addresses are found whole, without what stands around them', () => {
  for (const [text, ...expected] of addresses) assert.deepEqual(found(text, ['email']), expected, text);
});

test('what only looks like an address is left alone', () => {
  for (const text of others) assert.deepEqual(found(text, ['email']), [], text);
});
