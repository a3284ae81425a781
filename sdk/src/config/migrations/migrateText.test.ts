import { describe, expect, it } from "@effect/vitest"
import { type Migration, migrateText } from "./migrateText.ts"

/** A step to a version that doesn't exist. */
const toTest: Migration = {
  from: "maxcloud.dev/v1",
  to: "maxcloud.dev/test",
  about: "The field memory is called ram.",
  edits: (config) => [
    ...config.renameField("service", "memory", "ram"),
    ...config.renameField("app", "services", "parts")
  ]
}
const back: Migration = {
  from: "maxcloud.dev/test",
  to: "maxcloud.dev/v1",
  about: "The field ram is called memory.",
  edits: (config) => [
    ...config.renameField("service", "ram", "memory"),
    ...config.renameField("app", "parts", "services")
  ]
}
const migrated = (file: string, text: string) => {
  const result = migrateText(file, text, [toTest], "maxcloud.dev/test")
  return result._tag === "Migrated" ? result.text : expect.unreachable(result._tag)
}

describe("migrateText", () => {
  it("rewrites YAML, keeping comments and formatting", () => {
    expect(
      migrated(
        "maxcloud.config.yaml",
        `# the shop
app: shop # its name
defaults: { memory: 1Gi }
services:
  # the first
  - name: api
    memory:   "2Gi"   # a lot
    env: { memory: x }
  - name: web
`
      )
    ).toBe(`# the shop
apiVersion: maxcloud.dev/test
app: shop # its name
defaults: { ram: 1Gi }
parts:
  # the first
  - name: api
    ram:   "2Gi"   # a lot
    env: { memory: x }
  - name: web
`)
  })

  it("rewrites JSON", () => {
    expect(
      migrated("a.json", `{\n  "apiVersion": "maxcloud.dev/v1",\n  "services": [{ "name": "a", "memory": 1 }]\n}`)
    ).toBe(`{\n  "apiVersion": "maxcloud.dev/test",\n  "parts": [{ "name": "a", "ram": 1 }]\n}`)
    expect(migrated("a.json", `{ "app": "a" }`)).toBe(`{ "apiVersion": "maxcloud.dev/test", "app": "a" }`)
  })

  it("rewrites TypeScript in every service, but nothing else with the same name", () => {
    expect(
      migrated(
        "maxcloud.config.ts",
        `// memory: a comment
const memory = "1Gi" as const
export default defineConfig(({ stage }) => {
  const api = service("api", { image: "nginx", memory /* here */, env: { memory: "x" } })
  const web = max.service("web", { "memory": stage === "x" ? "1Gi" : memory, image: "nginx" } satisfies object)
  return { app: "shop", services: [api, web] } // the app
})
`
      )
    ).toBe(`// memory: a comment
const memory = "1Gi" as const
export default defineConfig(({ stage }) => {
  const api = service("api", { image: "nginx", ram: memory /* here */, env: { memory: "x" } })
  const web = max.service("web", { ram: stage === "x" ? "1Gi" : memory, image: "nginx" } satisfies object)
  return { apiVersion: "maxcloud.dev/test", app: "shop", parts: [api, web] } // the app
})
`)
  })

  it("applies several steps, and leaves the newest version unchanged", () => {
    const text = "apiVersion: maxcloud.dev/test\nparts: []\n"
    const result = migrateText("a.yaml", text, [toTest, back])
    expect(result).toStrictEqual({
      _tag: "Migrated",
      text: "apiVersion: maxcloud.dev/v1\nservices: []\n",
      from: "maxcloud.dev/test",
      to: "maxcloud.dev/v1",
      changes: [back.about]
    })
    const newest = migrateText("a.yaml", "app: a\n")
    expect(newest).toMatchObject({ text: "app: a\n", changes: [] })
  })

  it("reports it if no step starts at a version, or the text is invalid", () => {
    expect(migrateText("a.yaml", "apiVersion: maxcloud.dev/v9\n")).toStrictEqual({
      _tag: "Unknown",
      version: "maxcloud.dev/v9",
      known: "maxcloud.dev/v1"
    })
    for (const [file, text] of [
      ["a.yaml", "a: ["],
      ["a.json", "["],
      ["a.ts", "const x = {{"]
    ] as const)
      expect(migrateText(file, text)).toStrictEqual({ _tag: "Unreadable" })
  })
})
