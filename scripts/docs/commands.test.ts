import { existsSync, globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { parse as parseYaml } from "yaml"
import { faultsOf } from "./commandFaults.ts"
import { blocksOfPages, placeOf } from "./pageList.ts"
import { isElsewhere, pageSetups } from "./pageSetups.ts"
import { statementsOf } from "./shell.ts"

/** Blocks that can't run here. */
const notRun = 27

const root = join(import.meta.dirname, "../..")
const shell = blocksOfPages(/^(?:sh|console)$/)

/** Commands in a workflow of GitHub or GitLab. */
const scriptsIn = (value: unknown): ReadonlyArray<string> => {
  if (Array.isArray(value)) return value.flatMap(scriptsIn)
  if (typeof value !== "object" || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) =>
    (key === "run" || key === "script") && (typeof inner === "string" || Array.isArray(inner))
      ? [inner].flat().filter((line) => typeof line === "string")
      : scriptsIn(inner)
  )
}

describe("the commands in the pages", () => {
  it("exist, with their flags, arguments, paths and parameters", async () => {
    const faults: Array<string> = []
    let count = 0
    for (const block of shell) {
      for (const statement of statementsOf(block.text)) {
        count++
        faults.push(...(await faultsOf(statement)).map((fault) => `${placeOf(block)}: ${fault}`))
      }
    }
    expect(faults).toEqual([])
    expect(count).toBeGreaterThan(300)
  })

  it("exist in workflows too", async () => {
    const files = globSync("examples/**/{.github/workflows/,.}*.yml", { cwd: root }).map((file) =>
      readFileSync(join(root, file), "utf8")
    )
    expect(files).toHaveLength(4)
    const texts = [...files, ...blocksOfPages(/^yaml$/).map(({ text }) => text)].map((text) =>
      text.replaceAll(/\$\{\{[^}]*\}\}/g, "http://web.localhost")
    )
    const workflows = texts.filter((text) => /^\s+(?:script:|- run:|run:)/m.test(text))
    const lines = workflows.flatMap((text) => scriptsIn(parseYaml(text)).flatMap(statementsOf))
    expect(lines.length).toBeGreaterThan(10)
    expect((await Promise.all(lines.map(faultsOf))).flat()).toEqual([])
  })
})

describe("each block of commands", () => {
  it("runs with its page, or says why it can't", () => {
    const forgotten = shell.filter(
      ({ noRun, page }) => noRun === undefined && !Object.hasOwn(pageSetups, page) && !isElsewhere(page)
    )
    expect(forgotten.map(placeOf)).toEqual([])
  })

  it("isn't skipped more often than before: this number may only fall", () => {
    expect(shell.filter(({ noRun }) => noRun !== undefined).map(placeOf)).toHaveLength(notRun)
  })

  it("names an existing test if that test covers it", () => {
    const named = shell.flatMap(({ noRun = "" }) => noRun.match(/[\w./-]+\.test\.ts/g) ?? [])
    expect(named.length).toBeGreaterThan(5)
    for (const file of named) expect(existsSync(join(root, file)), file).toBe(true)
  })
})

describe("a check of commands", () => {
  it.each([
    ["maxcloud nothing", "no such command"],
    ["maxcloud list --nothing", "--nothing"],
    ["npx maxcloud describe", "NAME"],
    ["maxcloud pause web more", 'unexpected argument "more"'],
    ["cat x | maxcloud lst", "no such command"],
    ['echo "$(maxcloud lst)"', "no such command"],
    ["npm run --silent maxcloud -- list --nothing", "--nothing"],
    ["npm run nothing", "no such script"],
    ["npm i -D @maxcloud/nothing", "no package @maxcloud/nothing"],
    ["curl http://127.0.0.1:8080/api/v1/nothing", "the API has no GET"],
    ["curl -X DELETE http://127.0.0.1:8080/api/v1/services", "the API has no DELETE"],
    ["curl 'http://127.0.0.1:8080/api/v1/services?nothing=1'", "no parameter nothing"],
    ["yarn add x", "doesn't know the program yarn"]
  ])("finds the mistake in %s", async (statement, fault) => {
    expect((await faultsOf(statement)).join()).toContain(fault)
  })

  it("accepts correct ones", async () => {
    for (const statement of [
      "maxcloud deploy -f app.yaml --wait-timeout 5m",
      "npx -y -p @maxcloud/cli maxcloud deploy",
      "maxcloud exec web -- sh -c 'ls --nothing'",
      "curl -N http://127.0.0.1:8080/api/v1/services/svc_…/logs?follow=true",
      "curl http://web--shop--local.localhost:8080/anything"
    ]) {
      expect(await faultsOf(statement)).toEqual([])
    }
  })
})
