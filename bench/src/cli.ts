import { spawnSync } from "node:child_process"
import { chmodSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { bundledServerProgram } from "./bundledServer.ts"
import { freePort } from "./exampleApp.ts"
import { type Benchmark, interleaved, seconds, timeOf, times, whenItSays } from "./measure.ts"

const root = join(import.meta.dirname, "../..")
const maxcloud = join(root, "cli/bin/maxcloud.js")

/** The peer is large, so it isn't a dependency of the workspace: npm installs it in a separate folder. */
const installWrangler = () => {
  const folder = mkdtempSync(join(tmpdir(), "maxcloud-bench-"))
  chmodSync(folder, 0o755)
  const { status, stderr } = spawnSync(
    "npm",
    ["install", "--prefix", folder, "--no-audit", "--no-fund", "wrangler@4"],
    { encoding: "utf8" }
  )
  if (status !== 0) throw new Error(`Couldn't install wrangler: ${stderr}`)
  return {
    script: join(folder, "node_modules/wrangler/bin/wrangler.js"),
    remove: () => rmSync(folder, { recursive: true, force: true })
  }
}

/** How fast the CLI starts. */
export const cliBenchmark: Benchmark = {
  name: "cli",
  run: async () => {
    const wrangler = installWrangler()
    const folder = mkdtempSync(join(tmpdir(), "maxcloud-bench-"))
    chmodSync(folder, 0o755)
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    const env = { ...process.env, MAXCLOUD_API_URL: url, NO_COLOR: "1", WRANGLER_SEND_METRICS: "false" }
    const node =
      (...args: ReadonlyArray<string>) =>
      () =>
        timeOf(process.execPath, args, env)
    const [bare = Number.NaN, peer = Number.NaN, version = Number.NaN, help = Number.NaN, list = Number.NaN] =
      await whenItSays(
        ["-e", bundledServerProgram],
        /ready/,
        () =>
          interleaved(9, [
            node("-e", "0"),
            node(wrangler.script, "--version"),
            node(maxcloud, "--version"),
            node(maxcloud, "--help"),
            node(maxcloud, "list")
          ]),
        { ...process.env, MAXCLOUD_PORT: String(port), MAXCLOUD_DATA_DIR: folder }
      )
    rmSync(folder, { recursive: true, force: true })
    wrangler.remove()
    const row = (work: string, ours: number, against: string, theirs: number, goal: string) => ({
      work,
      ours: seconds(ours),
      peer: `${against} ${seconds(theirs)}`,
      ratio: times(ours / theirs),
      goal
    })
    return [
      row("`maxcloud --version`", version, "`node -e 0`", bare, "≤ 2 ×"),
      row("`maxcloud --help`", help, "`wrangler --version`", peer, "≤ 0.35 ×"),
      row("`maxcloud list` from a running server", list, "`wrangler --version`", peer, "≤ 0.35 ×")
    ]
  }
}
