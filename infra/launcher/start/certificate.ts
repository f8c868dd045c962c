import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { writePrivateFile } from '@tollgate/engines';
import { generate } from 'selfsigned';

const daysValid = 825;
const renewBeforeMs = 30 * 24 * 3600 * 1000;

/**
 * The certificate that the gateway serves HTTPS with when none is given: self-made for localhost, 127.0.0.1 and ::1, kept
 * in the home folder, and made anew a month before it ends.
 */
export async function keptCertificate(home: string, now = Date.now()): Promise<{ certFile: string; keyFile: string }> {
  const certFile = path.join(home, 'tls', 'tollgate.crt');
  const keyFile = path.join(home, 'tls', 'tollgate.key');
  if (!existsSync(keyFile) || !isValid(certFile, now)) {
    const made = await generate([{ name: 'commonName', value: 'localhost' }], {
      keySize: 2048,
      algorithm: 'sha256',
      notBeforeDate: new Date(now - 60_000),
      notAfterDate: new Date(now + daysValid * 24 * 3600 * 1000),
      extensions: [
        { name: 'basicConstraints', cA: false },
        { name: 'keyUsage', digitalSignature: true, keyEncipherment: true },
        { name: 'extKeyUsage', serverAuth: true },
        {
          name: 'subjectAltName',
          altNames: [
            { type: 2, value: 'localhost' },
            { type: 7, ip: '127.0.0.1' },
            { type: 7, ip: '::1' },
          ],
        },
      ],
    });
    writePrivateFile(keyFile, made.private);
    writePrivateFile(certFile, made.cert);
  }
  return { certFile, keyFile };
}

function isValid(certFile: string, now: number): boolean {
  try {
    return new X509Certificate(readFileSync(certFile)).validToDate.getTime() > now + renewBeforeMs;
  } catch {
    return false;
  }
}
