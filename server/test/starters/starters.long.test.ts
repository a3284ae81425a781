import { execFile } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { missingTools } from "../registry/missingTools.ts"
import { buildNpmImage } from "../registry/scratchImage.ts"
import { startTestRegistry, type TestRegistry } from "../registry/testRegistry.ts"
import { type Deployed, makeStarterServer } from "./deployStarter.ts"
import { starters } from "./starters.ts"

const page = join(import.meta.dirname, "../../../docs/frameworks.md")
const [begin, end] = ["<!-- starters: made by npm run test:long -->", "<!-- /starters -->"]

/** Only starters whose names contain this text. */
const wanted = process.env["MAXCLOUD_STARTERS"]

const nodeImage = `localhost/maxcloud-starters-node:${process.pid}`
const missing = missingTools("a starter with a Dockerfile", "podman", "docker-registry", "busybox")

/** Puts a row into the table, in place of an older one of the same starter. */
const record = (name: string, { peakBytes, seconds, secondsAgain }: Deployed): void => {
  const text = readFileSync(page, "utf8")
  const [from, to] = [text.indexOf(begin) + begin.length, text.indexOf(end)]
  const old = text.slice(from, to).split("\n")
  // An engine builds in its own containers, which aren't counted.
  const peak = peakBytes === 0 ? "–" : String(Math.round(peakBytes / 2 ** 20))
  const row = `| ${name} | ${seconds.toFixed(1)} | ${secondsAgain.toFixed(1)} | ${peak} |`
  const rows = starters.flatMap((starter) =>
    starter.name === name ? [row] : old.filter((line) => line.startsWith(`| ${starter.name} |`)).slice(0, 1)
  )
  const head = [
    "| starter | first deploy, s | after a change, s | peak memory of the build, MiB |",
    "|---|---:|---:|---:|"
  ]
  writeFileSync(page, `${text.slice(0, from)}\n${[...head, ...rows].join("\n")}\n${text.slice(to)}`)
}

describe("starters reach their URLs with `source` alone", () => {
  let server: Awaited<ReturnType<typeof makeStarterServer>>
  let registry: TestRegistry | undefined
  const chosen = starters.filter(
    (starter) =>
      (wanted === undefined || starter.name.includes(wanted)) &&
      (starter.needsNodeImage !== true || missing.length === 0)
  )
  beforeAll(async () => {
    if (chosen.some((each) => each.needsNodeImage)) {
      registry = await startTestRegistry()
      await buildNpmImage(nodeImage)
      await registry.push(nodeImage, "library/node:24")
      Object.assign(process.env, registry.environment)
    }
    server = await makeStarterServer()
  }, 300_000)
  afterAll(async () => {
    await server.close()
    if (registry === undefined) return
    await registry[Symbol.asyncDispose]()
    await promisify(execFile)("podman", ["rmi", "--force", nodeImage, "docker.io/library/node:24"])
  })

  it.each(chosen)(
    "$name",
    async (starter) => {
      const deployed = await server.deploy(starter)
      expect(deployed.answer).toContain("200 ")
      expect(deployed.answer).toContain(starter.text)
      record(starter.name, deployed)
    },
    600_000
  )
})
