import { describe, expect, it } from "@effect/vitest"
import { AppName, type AppSpec, OrganizationName, SecretName, ServiceName, StageName } from "@maxcloud/config-schema"
import fc from "fast-check"
import { specOf } from "../test/examples.ts"
import { hostLabelOf, namespaceOf } from "./names.ts"
import { egressProblems, hostProblems, knativeProblems, missingSecrets, namespaceProblems } from "./problems.ts"

const app = (fields: object, name = "web"): AppSpec =>
  specOf({ app: "shop", services: [{ name, image: "nginx", ...fields }] })
const place = (organization: string, stage = "production", app = "shop") => ({
  organization: OrganizationName.make(organization),
  app: AppName.make(app),
  stage: StageName.make(stage),
  namespacePrefix: ""
})

describe("hostProblems", () => {
  const named = (appName: string, service: string) =>
    specOf({ app: appName, services: [{ name: service, image: "nginx" }] })

  it("accepts a name with a host label of 63 characters, and reports the maximum length for longer ones", () => {
    expect(hostProblems(app({}, "a".repeat(51)), place("acme"))).toEqual([])
    expect(hostProblems(app({}, "a".repeat(40)), place("acme", "preview-4"))).toEqual([])
    const [issue] = hostProblems(app({}, "a".repeat(41)), place("acme", "preview-4"))
    expect(issue?.path).toEqual(["services", 0, "name"])
    expect(issue?.message).toContain(
      'has 41 characters. In app "shop" at stage "preview-4" of organization "acme" a service name can have up to 40'
    )
    expect(hostProblems(app({}, "a".repeat(52)), place("acme"))[0]?.message).toContain("up to 51")
  })

  it("allows a service with the app's name in production the app's full length", () => {
    const long = "a".repeat(40)
    const at = place("o".repeat(21), "production", long)
    expect(hostProblems(named(long, long), at)).toEqual([])
    expect(hostProblems(named(long, long), { ...at, namespacePrefix: "mc-" })[0]).toEqual({
      path: ["app"],
      message: expect.stringContaining("an app name can have up to 37")
    })
  })

  it("reports the maximum length of the app's name if no service's name is short enough", () => {
    const [issue] = hostProblems(named("a".repeat(30), "web"), place("o".repeat(15), "s".repeat(14), "a".repeat(30)))
    expect(issue?.path).toEqual(["app"])
    expect(issue?.message).toContain("an app name can have up to 27")
    expect(issue?.message).toContain("or a shorter name for the stage")
    const [none] = hostProblems(app({}), place("o".repeat(30), "s".repeat(30)))
    expect(none?.message).toContain("No app can be deployed")
  })

  it("refuses the cluster's namespaces, if there is a cluster", () => {
    const at = place("acme", "production", "kube-system")
    const system = (namespacePrefix: string) =>
      namespaceProblems(named("kube-system", "web"), namespaceOf({ ...at, namespacePrefix }))
    expect(system("mc-")).toEqual([])
    expect(system("")[0]?.message).toContain("belongs to the cluster")
    expect(hostProblems(named("kube-system", "web"), at)).toEqual([])
  })

  it("accepts exactly the names that fit, with labels of at most 63 characters", () => {
    const name = (max: number) => fc.integer({ min: 1, max }).map((length) => "a".repeat(length))
    fc.assert(
      fc.property(
        fc.record({ organization: name(30), app: name(40), stage: fc.oneof(fc.constant("production"), name(30)) }),
        name(57),
        fc.constantFrom("", "mc-", "acme-cloud-"),
        (at, service, namespacePrefix) => {
          const tenant = { ...place(at.organization, at.stage, at.app), namespacePrefix }
          const fits = Math.max(hostLabelOf(ServiceName.make(service), tenant).length, namespaceOf(tenant).length) <= 63
          expect(hostProblems(named(at.app, service), tenant).length === 0).toBe(fits)
        }
      ),
      { numRuns: 2000 }
    )
  })
})

describe("knativeProblems", () => {
  it("refuses a secret in command or args, and accepts text that only looks like one", () => {
    const env = { PLAIN: "a", TOKEN: { secret: "TOKEN" }, URL: { join: ["x://", { secret: "TOKEN" }] } }
    const command = ["run", "--token=$(TOKEN)"]
    const issues = of({ env, command, args: ["$(URL)$(URL)", "$$$(TOKEN)", "$$(TOKEN) $(PLAIN) $(OTHER) $(TOKEN"] })
    expect(issues.map(([path]) => path)).toEqual(["command.1", "args.0", "args.1"])
    expect(issues[0]?.[1]).toContain('"$(TOKEN)" would put a secret into an argument')
  })

  const of = (fields: object) =>
    knativeProblems(app(fields)).map((knativeProblem) => [
      knativeProblem.path.slice(2).join("."),
      knativeProblem.message
    ])

  it("refuses a name that Knative would give a revision, and the name of the namespace's account", () => {
    const problems = (...names: ReadonlyArray<string>) =>
      knativeProblems(specOf({ app: "shop", services: names.map((name) => ({ name, image: "nginx" })) })).map(
        (knativeProblem) => knativeProblem.path.join(".")
      )
    expect(problems("web-00001")).toEqual(["services.0.name"])
    expect(problems("web", "web-00001-private")).toEqual(["services.1.name"])
    expect(problems("web", "web-12345")).toEqual(["services.1.name"])
    expect(problems("default")).toEqual(["services.0.name"])
    expect(problems("web", "report-20241", "web-2", "web-0001")).toEqual([])
  })

  it("accepts usual specs", () => {
    const image = `localhost:5000/a/b:1@sha256:${"0".repeat(64)}`
    expect(of({ image, port: 80, files: { "/a/b": { secret: "S" }, "/a/c": { secret: "S" } } })).toEqual([])
  })

  it("reports reserved ports, images without a repository, files inside files, and huge environments", () => {
    expect(of({ port: 9090 })).toEqual([["port", expect.stringContaining("uses port 9090")]])
    expect(of({ image: "ghcr.io/x:1" })).toEqual([["image", expect.stringContaining("at least two characters")]])
    expect(of({ files: { "/a": { secret: "S" }, "/a//b": { secret: "S" } } })).toEqual([
      ["files./a//b", expect.stringContaining('because "/a" is a file too')]
    ])
    const env = Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`A${index}`, "x".repeat(32_000)]))
    expect(of({ env })).toEqual([["env", expect.stringContaining("320")]])
  })
})

describe("files in files", () => {
  const path = fc
    .array(fc.constantFrom("a", "b", "a-b", "a.b"), { minLength: 1, maxLength: 4 })
    .chain((parts) => fc.constantFrom("/", "//").map((slash) => `/${parts.join(slash)}`))
  const isInside = (one: string, other: string) =>
    `${one.replaceAll("//", "/")}/`.startsWith(`${other.replaceAll("//", "/")}/`)

  it("are found exactly if one path is inside another", () => {
    fc.assert(
      fc.property(fc.uniqueArray(path, { maxLength: 12 }), (paths) => {
        const files = Object.fromEntries(paths.map((path) => [path, { secret: "S" }]))
        const told = new Set(
          knativeProblems(app({ files })).map((knativeProblem) => String(knativeProblem.path.at(-1)))
        )
        for (const one of paths) {
          const isWithin = paths.some((path) => isInside(one, path) && !isInside(path, one))
          if (isWithin) expect(told).toContain(one)
          const isAlone = !paths.some((path) => path !== one && isInside(one, path))
          if (isAlone) expect(told).not.toContain(one)
        }
      }),
      { numRuns: 500 }
    )
  })
})

describe("egressProblems", () => {
  it("names the range and its path", () => {
    const spec = app({ egress: ["8.8.8.8/32", "169.254.169.254/32", "10.0.0.0/8"] })
    expect(egressProblems(spec, {})).toEqual([
      { path: ["services", 0, "egress", 1], message: expect.stringContaining('"169.254.169.254/32" is link-local') },
      { path: ["services", 0, "egress", 2], message: expect.stringContaining('"10.0.0.0/8" is private') }
    ])
    expect(egressProblems(app({ egress: "internet" }), {})).toEqual([])
  })
})

describe("missingSecrets", () => {
  it("are reported once each, sorted", () => {
    const spec = app({
      env: { A: { secret: "B" }, C: { join: [{ secret: "A" }, { secret: "HAS" }] } },
      files: { "/b": { secret: "B" } }
    })
    expect(missingSecrets(spec, new Map([[SecretName.make("HAS"), 3]]))).toEqual(["A", "B"])
  })
})
