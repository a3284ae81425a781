import { randomBytes } from "node:crypto"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import type { Client } from "@maxcloud/sdk"
import type { ServerProcess } from "../../server/test/serverProcess.ts"
import type { Acknowledged } from "./Acknowledged.ts"
import type { Draws } from "./draws.ts"

/** Responds with the version in its source, and logs a line before each response. */
export const program = `const { readFileSync } = require("node:fs")
const version = readFileSync("version.txt", "utf8")
require("node:http").createServer(({ url }, response) => {
  console.log("asked for " + url)
  response.end(version)
}).listen(process.env.PORT)`

export const steadyApp = "steady"
export const changingApps = ["first", "second"]
/** Padding, so that an upload needs more than one packet. */
const sourceBytes = 256 * 1024

export interface LoadOptions {
  readonly server: ServerProcess
  readonly acknowledged: Acknowledged
  /** A folder with `program`. Each deployment writes a new version. */
  readonly source: string
  readonly marker: string
  readonly draws: Draws
  readonly round: number
}

export const specOf = (app: string, { marker, source }: Pick<LoadOptions, "marker" | "source">) => ({
  app,
  services: [{ name: app, source, env: { MARKER: marker }, scale: { min: 1, max: 1 } }]
})

export const writeVersion = (source: string, version: string): void => {
  writeFileSync(join(source, "padding.bin"), randomBytes(sourceBytes))
  writeFileSync(join(source, "version.txt"), version)
}

/** Deploys a new version of an app, or removes the app, and records the acknowledgement. */
const change = async (client: Client, options: LoadOptions, count: number, signal: AbortSignal) => {
  const { acknowledged, draws, round, source } = options
  const app = changingApps[Math.floor(draws(round, "app", count) * changingApps.length)] ?? changingApps[0] ?? ""
  const removes = draws(round, "removes", count) < 0.2
  const version = removes ? undefined : `${app} ${round}.${count}`
  const changes = acknowledged.app(app)
  const begun = changes.begin(version)
  const accept = (id: string) => {
    acknowledged.deployments.set(id, undefined)
    changes.acknowledge(begun)
  }
  try {
    if (version === undefined) accept((await client.apps.destroy(app, { signal })).id)
    else {
      writeVersion(source, version)
      await client.deploy(specOf(app, options), {
        detach: true,
        signal,
        onProgress: (progress) => {
          if (progress._tag === "accepted") accept(progress.deployment.id)
        }
      })
    }
  } catch (error) {
    // A refusal changes nothing. A server error or a lost connection may come after the change.
    if (error instanceof Error && "_tag" in error && error._tag === "NotFound") changes.refuse(begun)
  }
}

const forever = async (signal: AbortSignal, each: (count: number) => Promise<void>) => {
  for (let count = 0; !signal.aborted; count++) await each(count).catch(() => sleep(20))
}

/** Changes apps, sets secrets, sends requests to a service and reads its log, all at the same time, until `stop` is called. */
export const startLoad = (options: LoadOptions) => {
  const { acknowledged, draws, round, server } = options
  const { client } = server
  const abort = new AbortController()
  const { signal } = abort
  const loops = [
    forever(signal, async (count) => {
      await change(client, options, count, signal)
      await sleep(draws(round, "pause", count) * 300)
    }),
    forever(signal, async (count) => {
      const name = `KEY_${round}_${count}`
      await client.secrets.set(steadyApp, name, `value of ${name}`, { signal })
      acknowledged.secrets.push(name)
      await sleep(60)
    }),
    forever(signal, async (count) => {
      const { status } = await server.ask(`${steadyApp}--local.localhost`, `/${round}.${count}`)
      if (status === 200) acknowledged.requests++
      await sleep(30)
    }),
    forever(signal, async () => {
      for await (const { line } of client.logs(steadyApp, { follow: true, tail: 0, signal })) {
        if (line.startsWith("asked for ")) acknowledged.lines.add(line)
      }
      await sleep(50)
    })
  ]
  return {
    stop: async () => {
      abort.abort()
      await Promise.all(loops)
    }
  }
}
