import { readFile, writeFile } from "node:fs/promises"
import { describe, expect, it } from "@effect/vitest"
import { hostProblems, knativeProblems } from "../src/problems.ts"
import { synth } from "../src/synth.ts"
import { synthNamespace } from "../src/synthNamespace.ts"
import { toYaml } from "../src/toYaml.ts"
import { examples } from "./examples.ts"

const update = process.env["MAXCLOUD_UPDATE_GOLDEN"] === "1"

describe("golden files", () => {
  for (const [name, { spec, tenant }] of Object.entries(examples)) {
    it(`${name} matches the golden file (MAXCLOUD_UPDATE_GOLDEN=1 updates it)`, async () => {
      const file = new URL(`../golden/${name}.golden.yaml`, import.meta.url)
      const yaml = toYaml([...synthNamespace(tenant), ...synth(spec, tenant)])
      if (update) await writeFile(file, yaml)
      expect(yaml).toBe(await readFile(file, "utf8"))
      expect([...hostProblems(spec, tenant), ...knativeProblems(spec)]).toEqual([])
    })
  }
})
