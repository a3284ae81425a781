import { readFileSync } from "node:fs"
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Embedded, embedded } from "../../src/assembly/index.ts"
import { dataDirectoryId } from "../../src/base/host/dataDirectoryId.ts"
import { processTable } from "../../src/base/host/processTable.ts"
import { getByHost } from "../getByHost.ts"
import { removeSourceImages } from "../registry/removeSourceImages.ts"
import type { Starter } from "./starters.ts"

const get = async (url: string) => {
  const { status, text } = await getByHost(url)
  return `${status} ${text}`
}

const residentBytes = (pid: number): number => {
  try {
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1_024
  } catch {
    return 0
  }
}

/** The peak memory of all processes of a server's builds, until it is stopped. */
const watchBuilds = (dataDirectoryId: string) => {
  let peak = 0
  const timer = setInterval(async () => {
    const builds = (await processTable()).filter((each) => each.marker?.startsWith(`${dataDirectoryId}/build-`))
    peak = Math.max(
      peak,
      builds.reduce((sum, build) => sum + residentBytes(build.pid), 0)
    )
  }, 250)
  return () => {
    clearInterval(timer)
    return peak
  }
}

export interface Deployed {
  readonly answer: string
  readonly seconds: number
  /** The second deploy of the same starter, with an additional file. */
  readonly secondsAgain: number
  readonly peakBytes: number
}

/** A server with a folder for starters. */
export const makeStarterServer = async () => {
  const root = await mkdtemp(join(tmpdir(), "maxcloud-starters-"))
  await chmod(root, 0o755)
  const cloud: Embedded = await embedded({ dataDir: join(root, "data") })
  let count = 0
  const deploy = async (starter: Starter): Promise<Deployed> => {
    const name = `s${++count}`
    const folder = join(root, name)
    starter.make(folder)
    const one = async () => {
      const begun = performance.now()
      const { services } = await cloud.client.deploy(
        { app: name, services: [{ name, source: `./${name}` }] },
        { folder: root }
      )
      return { url: services[0]?.url ?? "", seconds: (performance.now() - begun) / 1_000 }
    }
    const stop = watchBuilds(await dataDirectoryId(join(root, "data")))
    const first = await one()
    const peakBytes = stop()
    const answer = await get(first.url)
    await writeFile(join(folder, "one-more.txt"), "a change")
    const second = await one()
    return { answer, seconds: first.seconds, secondsAgain: second.seconds, peakBytes }
  }
  return {
    deploy,
    close: async () => {
      await cloud[Symbol.asyncDispose]()
      await removeSourceImages(join(root, "data"))
      await rm(root, { recursive: true, force: true })
    }
  }
}
