// Deploys many similar apps, a few at a time, and retries temporary failures: `node deployMany.ts VERSION`.
import { readFileSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import { createClient, NotReachable } from "@maxcloud/sdk"
import { TooManyRequests, Unavailable } from "@maxcloud/sdk/api"
import { defineConfig, service } from "@maxcloud/sdk/config"

const atOnce = 4
const tries = 6
const [version = "1"] = process.argv.slice(2)
const apps: ReadonlyArray<string> = JSON.parse(readFileSync(new URL("apps.json", import.meta.url), "utf8"))
const client = createClient()

const configOf = (app: string) =>
  defineConfig({ app, services: [service(app, { source: "./web", env: { VERSION: version }, scale: { max: 1 } })] })

/** How long to wait before the next attempt: the server's `Retry-After`, or else twice as long each time. undefined: don't retry. */
const pauseSeconds = (error: unknown, attempt: number): number | undefined => {
  if (error instanceof TooManyRequests || error instanceof Unavailable) return error.retryAfterSeconds
  return error instanceof NotReachable ? 2 ** attempt / 2 : undefined
}

/** Attempts have the same key, so a lost response doesn't cause a second deployment. */
const deploy = async (app: string) => {
  const idempotencyKey = `${app}-${version}`
  for (let attempt = 1; ; attempt++) {
    try {
      const { number, services } = await client.deploy(configOf(app), { idempotencyKey })
      return { app, result: `deployment ${number}`, url: services[0]?.url ?? "", attempts: attempt }
    } catch (error) {
      const pause = pauseSeconds(error, attempt)
      if (pause === undefined || attempt === tries) {
        process.exitCode = 1
        return { app, result: error instanceof Error ? error.message : String(error), url: "", attempts: attempt }
      }
      await sleep(pause * 1000 * (1 + Math.random() / 4))
    }
  }
}

const waiting = [...apps]
const rows: Array<Awaited<ReturnType<typeof deploy>>> = []
await Promise.all(
  Array.from({ length: atOnce }, async () => {
    for (let app = waiting.shift(); app !== undefined; app = waiting.shift()) rows.push(await deploy(app))
  })
)
console.table(rows.toSorted((one, other) => one.app.localeCompare(other.app)))
await client.close()
