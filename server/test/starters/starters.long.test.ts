import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Deployed, makeStarterServer } from "./deployStarter.ts"
import { starters } from "./starters.ts"

const page = join(import.meta.dirname, "../../../docs/frameworks.md")
const [begin, end] = ["<!-- starters: made by npm run test:long -->", "<!-- /starters -->"]

/** Only some, by a part of their names. */
const wanted = process.env["MAXCLOUD_STARTERS"]

/** Puts a row into the table, in the place of an older one of the same starter. */
const record = (name: string, { peakBytes, seconds, secondsAgain }: Deployed): void => {
  const text = readFileSync(page, "utf8")
  const [from, to] = [text.indexOf(begin) + begin.length, text.indexOf(end)]
  const old = text.slice(from, to).split("\n")
  const row = `| ${name} | ${seconds.toFixed(1)} | ${secondsAgain.toFixed(1)} | ${Math.round(peakBytes / 2 ** 20)} |`
  const rows = starters.flatMap((_) =>
    _.name === name ? [row] : old.filter((line) => line.startsWith(`| ${_.name} |`)).slice(0, 1)
  )
  const head = [
    "| starter | first deploy, s | after a change, s | peak memory of the build, MiB |",
    "|---|---:|---:|---:|"
  ]
  writeFileSync(page, `${text.slice(0, from)}\n${[...head, ...rows].join("\n")}\n${text.slice(to)}`)
}

describe("starters reach their URLs with `source` alone", () => {
  let server: Awaited<ReturnType<typeof makeStarterServer>>
  beforeAll(async () => {
    server = await makeStarterServer()
  })
  afterAll(() => server.close())

  it.each(starters.filter((_) => wanted === undefined || _.name.includes(wanted)))(
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
