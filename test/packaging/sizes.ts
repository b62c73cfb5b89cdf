/** Prints the size of each function's zip, the largest first: `npm run package` ends with it. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '../../.serverless');
const sizes = readdirSync(folder)
  .filter((file) => file.endsWith('.zip'))
  .map((file) => ({
    name: file.slice(0, -'.zip'.length),
    bytes: statSync(join(folder, file)).size,
  }))
  .sort((a, b) => b.bytes - a.bytes);

const line = (name: string, bytes: number) =>
  `${name.padEnd(24)} ${(bytes / 1024).toFixed(0).padStart(6)} KiB`;

for (const { name, bytes } of sizes) console.log(line(name, bytes));
console.log(
  line(
    `${sizes.length} functions`,
    sizes.reduce((sum, { bytes }) => sum + bytes, 0),
  ),
);
