export interface DebianPackage {
  file: string;
  bytes: number;
  /** `SHA256:…`, from the lists that the distribution signed. */
  checksum: string;
}

/** Reads what `apt-get download --print-uris` prints: `'<uri>' <file> <bytes> <checksum>`. */
export function parsePrintedUris(printed: string): DebianPackage[] {
  const packages: DebianPackage[] = [];
  for (const line of printed.split('\n')) {
    const [, file, bytes, checksum] = /^'[^']*' (\S+) (\d+) (\S+)$/.exec(line.trim()) ?? [];
    if (file && bytes && checksum) packages.push({ file, bytes: Number(bytes), checksum });
  }
  return packages;
}
