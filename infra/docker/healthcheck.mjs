// HEALTHCHECK of the images, which hold no curl: exit code 0 when the address answers 200, by default this replica's /readyz.
const [url = `http://127.0.0.1:${process.env.TOLLGATE_HEALTH_PORT}/readyz`] = process.argv.slice(2);
try {
  const answer = await fetch(url, { signal: AbortSignal.timeout(8_000) });
  // `docker inspect` shows it: which of the checks fails.
  process.stdout.write(`${answer.status} ${(await answer.text()).slice(0, 1_000)}\n`);
  process.exitCode = answer.status === 200 ? 0 : 1;
} catch (error) {
  process.stdout.write(`${url}: ${error.cause?.message ?? error.message}\n`);
  process.exitCode = 1;
}
