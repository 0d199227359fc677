// Writes the ABIs that the package carries, from what forge has built into `out/`; with --check, only compares, so that
// they cannot go stale. One entry a line: a change to the interface shows as a change of its line.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";

const root = new URL("..", import.meta.url);
const interfaces = readdirSync(new URL("src/interfaces", root)).map((file) => basename(file, ".sol"));
const check = process.argv.includes("--check");
let stale = false;

for (const name of [...interfaces, "MockProofOfCloudRegistry"]) {
  const artifact = new URL(`out/${name}.sol/${name}.json`, root);
  const abi = JSON.parse(readFileSync(artifact, "utf8")).abi;
  const text = `[\n${abi.map((entry) => JSON.stringify(entry)).join(",\n")}\n]\n`;
  const file = new URL(`abi/${name}.json`, root);
  if (!check) {
    mkdirSync(new URL(".", file), { recursive: true });
    writeFileSync(file, text);
  } else if (read(file) !== text) {
    console.error(`abi/${name}.json is not what the sources say: run \`npm run abi\``);
    stale = true;
  }
}
process.exitCode = stale ? 1 : 0;

function read(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined; // there is none yet
  }
}
