import { describe, expect, it } from "@effect/vitest"
import { Either } from "effect"
import { unbounded } from "../test/unbounded.ts"
import { bounds, encodeAppSpec, parseAppSpec } from "./index.ts"
import { appSpecJsonSchema } from "./jsonSchema.ts"

const service = { name: "api", image: "nginx" }
const issuesOf = (input: unknown): ReadonlyArray<string> =>
  Either.match(parseAppSpec(input), {
    onLeft: (issues) => issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`),
    onRight: () => []
  })
const ofService = (fields: object) => issuesOf({ app: "shop", services: [{ ...service, ...fields }] })
const many = <A>(count: number, make: (index: number) => A) => Array.from({ length: count }, (_, index) => make(index))
const map = (count: number, value: (index: number) => unknown, key: (index: number) => string) =>
  Object.fromEntries(many(count, (index) => [key(index), value(index)]))
const text = (length: number) => "a".repeat(length)

describe("the bounds of an AppSpec", () => {
  it("hold for every text, number, list and map", () => {
    const schema = appSpecJsonSchema()
    expect(unbounded(schema, schema)).toStrictEqual([])
  })

  const secret = { secret: "A" }
  const cases: ReadonlyArray<readonly [string, (extra: 0 | 1) => object]> = [
    [
      "env",
      (value) => ({
        env: map(
          bounds.envVariables + value,
          () => "x",
          (index) => `V${index}`
        )
      })
    ],
    ["the name of a variable", (value) => ({ env: { [text(bounds.envNameLength + value)]: "x" } })],
    ["the value of a variable", (value) => ({ env: { A: text(bounds.envValueLength + value) } })],
    ["a join", (value) => ({ env: { A: { join: many(bounds.joinParts + value, () => "x") } } })],
    ["a part of a join", (value) => ({ env: { A: { join: [text(bounds.envValueLength + value)] } } })],
    [
      "files",
      (value) => ({
        files: map(
          bounds.files + value,
          () => secret,
          (index) => `/f${index}`
        )
      })
    ],
    ["the path of a file", (value) => ({ files: { [`/${text(bounds.filePathLength - 1 + value)}`]: secret } })],
    ["command", (value) => ({ command: many(bounds.commandParts + value, () => "x") })],
    ["a part of command", (value) => ({ command: [text(bounds.commandPartLength + value)] })],
    ["args", (value) => ({ args: many(bounds.commandParts + value, () => "x") })],
    ["an argument", (value) => ({ args: [text(bounds.commandPartLength + value)] })],
    ["egress", (value) => ({ egress: many(bounds.egressRanges + value, () => "203.0.113.0/24") })],
    [
      "labels",
      (value) => ({
        labels: map(
          bounds.labels + value,
          () => "x",
          (index) => `l${index}`
        )
      })
    ],
    ["the value of a label", (value) => ({ labels: { a: text(bounds.labelValueLength + value) } })],
    ["the key of a label", (value) => ({ labels: { [`${text(253)}/${text(63 + value)}`]: "x" } })],
    ["an image", (value) => ({ image: text(bounds.imageLength + value) })],
    [
      "the path of a probe",
      (value) => ({ probes: { liveness: { path: `/${text(bounds.probePathLength - 1 + value)}` } } })
    ],
    ["an amount", (value) => ({ cpu: `1.${"0".repeat(bounds.quantityLength - 2 + value)}` })],
    [
      "a duration",
      (value) => ({
        timeout: `${"0".repeat(bounds.quantityLength - 2 + value)}5m`.slice(0, bounds.quantityLength + value)
      })
    ]
  ]
  it.each(cases)("%s: accepts the maximum, and refuses one more with one message", (_, fields) => {
    expect(ofService(fields(0))).toStrictEqual([])
    expect(ofService(fields(1))).toHaveLength(1)
  })

  it("holds for the package of a source, which must stay inside its snapshot", () => {
    const ofPackage = (folder: string) => {
      const source = { path: "./packages/api", digest: `sha256:${"0".repeat(64)}`, package: folder }
      return issuesOf({ app: "shop", services: [{ name: "api", source }] })
    }
    expect(ofPackage(text(bounds.sourcePackageLength))).toStrictEqual([])
    expect(ofPackage(text(bounds.sourcePackageLength + 1))).toHaveLength(1)
    for (const inside of ["packages/api", "a b/ü", "..a/b.."]) expect(ofPackage(inside), inside).toStrictEqual([])
    for (const wrong of ["", ".", "..", "/etc", "a/", "a//b", "a/../../b", "a/./b", "a\\b", "a\0"]) {
      expect(ofPackage(wrong)[0] ?? "", wrong).toMatch(/isn't a valid folder of a package/)
    }
  })

  it("holds for services, and the message has the fix", () => {
    const services = (count: number) => many(count, (index) => ({ name: `s${index}`, image: "nginx" }))
    expect(issuesOf({ app: "shop", services: services(bounds.services) })).toStrictEqual([])
    expect(issuesOf({ app: "shop", services: services(bounds.services + 1) })).toStrictEqual([
      "services: The list of services has 501 items. It can have up to 500: remove some."
    ])
  })

  it("holds for links", () => {
    const others = many(bounds.links - 1, (index) => ({ name: `s${index}`, image: "nginx" }))
    const linked = (links: ReadonlyArray<string>) =>
      issuesOf({ app: "shop", services: [{ ...service, links }, ...others] })
    const names = many(bounds.links, (index) => others[index % others.length]?.name ?? "")
    expect(linked(names)).toStrictEqual([])
    expect(linked([...names, "s0"])).toHaveLength(1)
  })

  it("holds for all values of a service, and of an app", () => {
    const joins = (count: number) =>
      map(
        count,
        () => ({ join: many(10, () => "x") }),
        (index) => `V${index}`
      )
    expect(ofService({ env: joins(160) })).toStrictEqual([])
    expect(ofService({ env: joins(170) })).toStrictEqual([
      "services.0: The service has more than 2000 values. Move settings into its image, a file or a secret."
    ])
    const full = (count: number) =>
      many(count, (index) => ({
        ...service,
        name: `s${index}`,
        env: map(
          400,
          () => "x",
          (at) => `V${at}`
        )
      }))
    expect(issuesOf({ app: "shop", services: full(25) })).toStrictEqual([])
    const unknown = map(
      101,
      () => 1,
      (index) => `k${index}`
    )
    expect(ofService(unknown)[0] ?? "").toMatch(/more than 60 values outside command, args, env, files, /)
    expect(issuesOf({ app: "shop", services: full(26) })).toStrictEqual([
      ": The app has more than 10000 values. Split it into several apps, or move settings into an image, a file or a secret."
    ])
  })

  it("holds for the sent form if it holds for the written form, even in the largest app", () => {
    const full = many(bounds.services, (index) => ({
      ...service,
      name: `s${index}`,
      env: map(
        20,
        () => "x",
        (at) => `V${at}`
      ),
      probes: { startup: {}, readiness: {}, liveness: { path: "/" } }
    }))
    const spec = Either.getOrThrow(parseAppSpec({ app: "shop", services: full }))
    expect(Either.getOrThrow(parseAppSpec(encodeAppSpec(spec)))).toStrictEqual(spec)
  })

  it("terminates for an object that contains itself, and for aliases of aliases", () => {
    const loop: Record<string, unknown> = { app: "shop" }
    loop.services = [loop]
    expect(issuesOf(loop)[0] ?? "").toMatch(/more than 16 nested levels/)
    const laughs = many(9, () => undefined).reduce<unknown>((inner) => many(10, () => inner), "lol")
    expect(issuesOf({ app: "shop", services: laughs })[0] ?? "").toMatch(/more than 10000 values/)
  })

  it("reports the first 100 mistakes, and that there are more", () => {
    const issues = issuesOf({ app: "shop", services: many(200, () => ({ ...service, cpu: "lots", prot: 1 })) })
    expect(issues).toHaveLength(101)
    expect(issues.at(-1)).toBe(": These are the first 100 mistakes. Fix them to see the others.")
  })

  it("quotes only the start of a long text", () => {
    for (const fields of [{ image: text(700).toUpperCase() }, { [text(60_000)]: 1 }, { port: text(60_000) }]) {
      for (const issue of ofService(fields).map((each) => each.replace(/^\S+: /, "")))
        expect(issue.length).toBeLessThan(400)
    }
  })
})
