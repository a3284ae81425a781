import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Deployed, makeStarterServer } from "./deployStarter.ts"
import { starters } from "./starters.ts"

const page = join(import.meta.dirname, "../../../docs/frameworks.md")
const [begin, end] = ["<!-- starters: made by npm run test:long -->", "<!-- /starters -->"]

/** Only some, by a part of their names. */
const wanted = process.env["MAXCLOUD_STARTERS"]

describe("starters reach their URLs with `source` alone", () => {
  const rows: Array<readonly [string, Deployed]> = []
  let server: Awaited<ReturnType<typeof makeStarterServer>>
  beforeAll(async () => {
    server = await makeStarterServer()
  })
  afterAll(async () => {
    await server.close()
    if (wanted !== undefined || rows.length < starters.length) return
    const lines = rows.map(
      ([name, { peakBytes, seconds, secondsAgain }]) =>
        `| ${name} | ${seconds.toFixed(1)} | ${secondsAgain.toFixed(1)} | ${Math.round(peakBytes / 2 ** 20)} |`
    )
    const head = [
      "| starter | first deploy, s | after a change, s | peak memory of the build, MiB |",
      "|---|---:|---:|---:|"
    ]
    const text = readFileSync(page, "utf8")
    const [before, after] = [text.slice(0, text.indexOf(begin)), text.slice(text.indexOf(end))]
    writeFileSync(page, `${before}${begin}\n${[...head, ...lines].join("\n")}\n${after}`)
  })

  it.each(starters.filter((_) => wanted === undefined || _.name.includes(wanted)))(
    "$name",
    async (starter) => {
      const deployed = await server.deploy(starter)
      expect(deployed.answer).toContain("200 ")
      expect(deployed.answer).toContain(starter.text)
      rows.push([starter.name, deployed])
    },
    600_000
  )
})
