import { describe, expect, it } from "@effect/vitest"
import { Either } from "effect"
import config, { contract } from "../../examples/everything/maxcloud.config.ts"
import type { AppInput, EnvInput } from "../src/authoring.ts"
import { fieldsOf } from "../src/field.ts"
import { evaluateConfig, parseAppSpec } from "../src/index.ts"
import { parts } from "../src/jsonSchema.ts"

const surroundings = (["kubernetes", "local"] as const).flatMap((runtime) =>
  ["production", "dev"].map((stage) => ({ runtime, stage, organization: "acme", git: undefined }))
)

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const entriesAt = (value: unknown, key: string): ReadonlyArray<unknown> => {
  const found = isObject(value) ? value[key] : undefined
  return Array.isArray(found) ? found : isObject(found) ? Object.values(found) : []
}

/** The parts of a written spec, by name in the JSON Schema. */
const partsOf = (spec: unknown): Readonly<Record<keyof typeof parts, ReadonlyArray<unknown>>> => {
  const services = entriesAt(spec, "services")
  const at = (key: string) => services.flatMap((each) => (isObject(each) && each[key] !== undefined ? [each[key]] : []))
  return {
    AppSpec: [spec],
    ServiceSpec: services,
    Scale: at("scale"),
    Probes: at("probes"),
    Probe: services.flatMap((each) => entriesAt(each, "probes")),
    Export: entriesAt(spec, "exports")
  }
}

describe("the config that uses every feature", () => {
  it.each(surroundings)("is valid for $stage on $runtime", async (context) => {
    const { issues, spec } = await evaluateConfig(config, context)
    expect(issues).toEqual([])
    expect(Either.getOrThrow(parseAppSpec(spec)).app).toBe("everything")
  })

  it("uses every field that a config has: add a new one to examples/everything", async () => {
    const evaluated = await Promise.all(surroundings.map((context) => evaluateConfig(config, context)))
    const used = evaluated.map(({ spec }) => partsOf(spec))
    const names = ["AppSpec", "ServiceSpec", "Scale", "Probes", "Probe", "Export"] as const
    expect(Object.keys(parts)).toEqual(names)
    for (const name of names) {
      const written = new Set(
        used
          .flatMap((all) => all[name])
          .flatMap((part) => (isObject(part) ? Object.entries(part) : []))
          .filter(([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0))
          .map(([key]) => key)
      )
      expect([...written].sort(), name).toEqual(
        fieldsOf(parts[name])
          .map((field) => field.name)
          .sort()
      )
    }
    for (const { charts, policies } of evaluated) {
      expect(charts()).not.toEqual([])
      expect(policies).not.toEqual([])
    }
  })

  it("uses everything that only TypeScript configs have", async () => {
    // A new one doesn't compile here: use it in examples/everything, then add it here.
    const onlyInTypeScript = { policies: true, charts: true } satisfies Record<
      Exclude<keyof AppInput, "apiVersion" | "app" | "services" | "exports" | "outputs" | "manifests">,
      true
    >
    expect(Object.keys(onlyInTypeScript)).toEqual(["policies", "charts"])
    expect(contract).toBeDefined()
  })

  it("uses every kind of value of a variable", async () => {
    const { spec } = await evaluateConfig(config, {
      ...surroundings[0],
      runtime: "kubernetes",
      stage: "production",
      organization: "acme",
      git: undefined
    })
    const values = entriesAt(spec, "services").flatMap((each) => entriesAt(each, "env"))
    const kinds = new Set(values.map((value) => (isObject(value) ? Object.keys(value).sort().join() : typeof value)))
    const known: ReadonlyArray<EnvInput> = ["", 1, true]
    expect(known).toHaveLength(3)
    for (const kind of [
      "string",
      "number",
      "boolean",
      "secret",
      "generate,secret",
      "join",
      "property,service",
      "external,property",
      "external,property,stage"
    ]) {
      expect(kinds).toContain(kind)
    }
  })
})
