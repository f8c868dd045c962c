/**
 * The packages to unpack for `roots`, roots included, out of what `apt-cache depends --recurse --important` prints:
 * a package's name at the start of a line, its dependencies indented below it. Of the dependencies only what is `wanted`.
 */
export function packagesFor(roots: readonly string[], printed: string, wanted: RegExp): string[] {
  const dependencies = new Map<string, string[]>();
  let current: string[] = [];
  for (const line of printed.split('\n')) {
    const dependency = /^\s+\|?(?:Pre)?Depends: (\S+)$/.exec(line)?.[1];
    if (dependency) current.push(dependency);
    else if (/^\S/.test(line)) {
      current = [];
      dependencies.set(line.trim(), current);
    }
  }
  const found = new Set(roots);
  // A set visits what is added to it during the walk.
  for (const name of found) {
    for (const dependency of dependencies.get(name) ?? []) {
      const plain = dependency.replace(/:[a-z0-9]+$/, '');
      if (wanted.test(plain)) found.add(plain);
    }
  }
  return [...found].sort();
}
