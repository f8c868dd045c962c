import assert from 'node:assert/strict';
import { test } from 'node:test';
import { downloadSettings } from './apt.ts';
import { packagesFor } from './dependencies.ts';
import { distributionOf } from './distribution.ts';
import { mirrorOf } from './mirror.ts';
import { parsePrintedUris } from './print-uris.ts';

const bookworm = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_CODENAME=bookworm\n';
const mint = 'ID=linuxmint\nID_LIKE="ubuntu debian"\nVERSION_CODENAME=wilma\nUBUNTU_CODENAME=noble\n';

test('the distribution decides the releases to look in', () => {
  assert.deepEqual(distributionOf(bookworm)?.suites, ['trixie', 'bookworm']);
  assert.deepEqual(distributionOf(bookworm.replaceAll('bookworm', 'trixie'))?.suites, ['trixie']);
  const derived = distributionOf(mint);
  assert.equal(derived?.family, 'ubuntu');
  assert.deepEqual(derived?.suites, ['resolute', 'noble']);
  assert.equal(distributionOf('ID=alpine\n'), undefined);
});

test('the mirror is the system’s own, not a maker’s repository or the security one', () => {
  const debian = distributionOf(bookworm);
  assert.ok(debian);
  const targets = [
    'Packages|https://packages.example.org/tool|bookworm|main|https://packages.example.org/tool',
    'DEP-11|http://mirror.example.net/debian/|bookworm|main|http://mirror.example.net/debian',
    'Packages|http://mirror.example.net/debian-security/|bookworm-security|main|http://mirror.example.net/debian-security',
    'Packages|http://mirror.example.net/debian/|bookworm|main|http://mirror.example.net/debian',
  ].join('\n');
  assert.equal(mirrorOf(targets, debian), 'http://mirror.example.net/debian/');
  assert.equal(
    mirrorOf('Packages|mirror+file:/etc/apt/mirrors/debian.list|bookworm|main|', debian),
    'mirror+file:/etc/apt/mirrors/debian.list',
  );
  assert.equal(mirrorOf('', debian), undefined);
  const ubuntu = distributionOf(mint);
  assert.ok(ubuntu);
  assert.equal(
    mirrorOf('Packages|http://ports.example.net/ubuntu-ports/|noble|main|x', ubuntu),
    'http://ports.example.net/ubuntu-ports/',
  );
});

test('of the dependencies only libraries are unpacked', () => {
  const printed = [
    'redis-server',
    '  PreDepends: init-system-helpers',
    '  Depends: redis-tools',
    'redis-tools',
    '  Depends: adduser',
    ' |Depends: libssl3t64',
    '  Depends: <libvirtual>',
    'adduser',
    '  Depends: passwd',
    'passwd',
    '  Depends: libpam0g',
    'libssl3t64',
    '  Depends: zlib1g',
    '  Depends: libc6:amd64',
  ].join('\n');
  assert.deepEqual(packagesFor(['redis-server'], printed, /^(lib|zlib1g$|redis-)/), [
    'libc6',
    'libssl3t64',
    'redis-server',
    'redis-tools',
    'zlib1g',
  ]);
});

test('sizes and checksums come from what apt says before the download', () => {
  const line =
    "'http://mirror.example.net/debian/pool/main/n/nats-server_2.10.27_amd64.deb' nats-server_2.10.27_amd64.deb 4502708 SHA256:ab12\n";
  assert.deepEqual(parsePrintedUris(line), [
    { file: 'nats-server_2.10.27_amd64.deb', bytes: 4_502_708, checksum: 'SHA256:ab12' },
  ]);
  assert.deepEqual(parsePrintedUris(''), []);
});

test('only settings for downloads are taken over from the system', () => {
  const dumped =
    'Acquire::http::Proxy "http://proxy.example.net:3128";\nAPT::Update::Post-Invoke:: "rm -f x";\nAcquire::Languages:: "en";';
  assert.equal(downloadSettings(dumped), 'Acquire::http::Proxy "http://proxy.example.net:3128";');
});
