import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { bundledServer } from "./bundledServer.ts"
import { ask } from "./exampleApp.ts"
import { type Benchmark, inRounds, median, seconds, timeOf, times } from "./measure.ts"

const page = (text: string) => `export default function Page() { return <h1>${text}</h1> }\n`

/** A small Next.js project with its lockfile. */
const makeProject = (root: string) => {
  const folder = join(root, "project")
  const write = (name: string, content: string) => {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
  write(
    "package.json",
    JSON.stringify({
      name: "app",
      private: true,
      dependencies: { next: "15.5.6", react: "19.2.0", "react-dom": "19.2.0" },
      scripts: { build: "next build", start: "next start" }
    })
  )
  write("app/layout.jsx", "export default ({ children }) => <html lang='en'><body>{children}</body></html>\n")
  const change = (text: string) => write("app/page.jsx", page(text))
  change("1")
  timeOf("npm", ["install", "--no-audit", "--no-fund", "--prefix", folder])
  rmSync(join(folder, "node_modules"), { recursive: true })
  return { folder, change }
}

/** `deploy` of a Next.js project (first, unchanged, and after a change), compared with its own install and build. */
export const buildsBenchmark: Benchmark = {
  name: "builds",
  run: async () => {
    const { embedded } = await bundledServer()
    const root = mkdtempSync(join(tmpdir(), "maxcloud-bench-builds-"))
    const { change, folder } = makeProject(root)
    let count = 0
    const environment = { ...process.env, NEXT_TELEMETRY_DISABLED: "1", CI: "true" }

    /** Both start with an empty package cache. */
    const alone = async () => {
      const [copy, cache] = [join(root, `alone-${++count}`), join(root, `cache-${count}`)]
      cpSync(folder, copy, { recursive: true })
      const env = { ...environment, npm_config_cache: cache }
      const install = timeOf("npm", ["ci", "--no-audit", "--no-fund", "--prefix", copy], env)
      const build = timeOf("npm", ["run", "build", "--prefix", copy], env)
      for (const path of [copy, cache]) rmSync(path, { recursive: true, force: true })
      return { first: install + build, build, unchanged: 0 }
    }
    const ours = async () => {
      await using cloud = await embedded({})
      const port = Number(new URL(cloud.url).port)
      const deploy = async (text: string) => {
        const start = process.hrtime.bigint()
        await cloud.client.deploy({ app: "app", services: [{ name: "app", source: folder }] })
        const taken = Number(process.hrtime.bigint() - start) / 1e9
        const answer = await ask(port, `app--local.localhost:${port}`)
        if (answer?.includes(`<h1>${text}</h1>`) !== true)
          throw new Error(`unexpected response: ${answer?.slice(0, 200)}`)
        return taken
      }
      change("1")
      const first = await deploy("1")
      const unchanged = await deploy("1")
      change("2")
      return { first, unchanged, build: await deploy("2") }
    }
    try {
      const rounds = await inRounds(3, ours, alone)
      const of = (who: "ours" | "peer", what: "first" | "unchanged" | "build") =>
        median(rounds.map((round) => round[who][what]))
      return [
        {
          work: "first `deploy` of a Next.js project, with empty caches",
          ours: seconds(of("ours", "first")),
          peer: `\`npm ci && npm run build\` alone ${seconds(of("peer", "first"))}`,
          ratio: times(of("ours", "first") / of("peer", "first")),
          goal: "≤ 1.25 ×"
        },
        {
          work: "`deploy` of the same after a change of one line",
          ours: seconds(of("ours", "build")),
          peer: `\`npm run build\` alone ${seconds(of("peer", "build"))}`,
          ratio: `+ ${seconds(of("ours", "build") - of("peer", "build"))}`,
          goal: "≤ its build + 1.5 s"
        },
        {
          work: "`deploy` of the same, unchanged",
          ours: seconds(of("ours", "unchanged")),
          peer: "",
          ratio: "",
          goal: "≤ 1.5 s"
        }
      ]
    } finally {
      rmSync(root, { recursive: true, force: true })
    }
  }
}
