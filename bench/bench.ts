// node bench/bench.ts NAME [options]: runs bench/NAME.ts.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const [name, ...args] = process.argv.slice(2);
const script = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
if (!name || !existsSync(script)) {
  const parts = new Set(['bench.ts', 'child.ts', 'peers.ts', 'report.ts']);
  const names = readdirSync(new URL('.', import.meta.url)).filter(
    (file) => /^[a-z-]+\.ts$/.test(file) && !parts.has(file),
  );
  console.error(`Which bench? ${names.map((file) => file.slice(0, -3)).join(', ')}`);
  process.exit(1);
}
process.exit(spawnSync(process.execPath, [script, ...args], { stdio: 'inherit' }).status ?? 1);
