// `portcullis` as a process, for the tests of one file.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const PASSWORDS = {
  ada: "analytical:engine:1843",
  alice: "down-the-rabbit-hole",
  mona: "moderate-every-thread",
  gus: "just-looking-around-1",
};

export const basic = (name) => ({
  authorization: `Basic ${Buffer.from(`${name}:${PASSWORDS[name]}`).toString("base64")}`,
});

export function freePort() {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

/** Starts the demo; `settings` are environment variables. `probes` is where its health is asked. */
export async function start(settings = {}, port = undefined, probes = undefined) {
  port ??= await freePort();
  return run(process.env.BINARY_UNDER_TEST, ["demo", "--listen", `127.0.0.1:${port}`], port, {
    ready: `${probes ?? `http://127.0.0.1:${port}`}/health/ready`,
    env: { PORTCULLIS_THROTTLE_ADDRESS_ATTEMPTS: "100000", ...settings },
  });
}

/** Starts the library's example `cross_origin`, which allows pages of `origin`. */
export async function startExample(origin) {
  const port = await freePort();
  return run(process.env.EXAMPLE_UNDER_TEST, [`127.0.0.1:${port}`, origin], port, { ready: `http://127.0.0.1:${port}/greeting` });
}

async function run(program, words, port, { ready, env = {} }) {
  const folder = await mkdtemp(join(tmpdir(), "portcullis-"));
  const child = spawn(program, words, { cwd: folder, env: { PATH: process.env.PATH, ...env } });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (part) => (said += part));
  const ended = new Promise((resolve) => child.on("exit", resolve));
  const url = `http://127.0.0.1:${port}`;
  for (let attempt = 0; ; attempt++) {
    const answer = await fetch(ready).catch(() => undefined);
    if (answer?.ok) break;
    if (attempt > 600 || child.exitCode !== null) throw new Error(`it did not start:\n${said}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
    await rm(folder, { recursive: true });
  };
  return { url, port, stop };
}
